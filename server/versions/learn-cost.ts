/** Learns what a version's runs cost on each executor before it serves, from golden rows in batches of several sizes: real rows, not zeros. */

import type { Lane } from "../inference/lane.js";
import { runLimitMs } from "../inference/run-limit.js";
import { warmUp, warmUpRows } from "../inference/runner.js";
import { repeatGoldenRows } from "./golden-blocks.js";
import type { Version } from "./version.js";

const poolRounds = 4;
/** Larger batches than one that took so long aren't tried, milliseconds: a start shouldn't wait for a slow model. */
const longRunMs = 20;

/**
 * @param now - Monotonic clock, milliseconds.
 * @throws What a worker that dies rejects with.
 */
export async function learnCost(version: Version, lane: Lane, now: () => number): Promise<void> {
  const blocks = new Map(warmUpRows.map((rowCount) => [rowCount, repeatGoldenRows(version, rowCount)]));
  if (lane.runner)
    warmUp(
      lane.runner,
      (rowCount, us) => lane.inlineCost.observe(rowCount, us),
      (rowCount) => blocks.get(rowCount)!,
    );
  if (lane.pool === undefined) return;
  for (const rowCount of warmUpRows) {
    let runMs = 0;
    for (let round = 0; round < poolRounds && runMs < longRunMs; round++) {
      const startedMs = now();
      // What is handed over is gone.
      const own = blocks.get(rowCount)!.map((block) => block.slice());
      await lane.pool.run(
        version.key,
        own,
        rowCount,
        runLimitMs({ objectiveMs: version.sloMs, expectedMs: 0, longestMs: lane.longestRunMs }),
      );
      runMs = now() - startedMs;
      lane.tookMs(rowCount, runMs);
    }
    if (runMs >= longRunMs) return;
  }
}
