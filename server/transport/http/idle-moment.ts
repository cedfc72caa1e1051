/** When the event loop has nothing to do: whatever had arrived was taken. */

import { performance } from "node:perf_hooks";

/** An iteration that handled nothing takes some 5 us; one that handled a request takes longer than this, milliseconds. */
const idleIterationMs = 0.05;

/** Resolves right after an iteration in which nothing was handled, and at the latest after `waitMsMax`. */
export function idleMoment(waitMsMax: number): Promise<void> {
  return new Promise((resolve) => {
    const endMs = performance.now() + waitMsMax;
    let lastMs = Number.NEGATIVE_INFINITY;
    const look = () => {
      const nowMs = performance.now();
      if (nowMs - lastMs < idleIterationMs || nowMs >= endMs) resolve();
      else {
        lastMs = nowMs;
        setImmediate(look);
      }
    };
    setImmediate(look);
  });
}
