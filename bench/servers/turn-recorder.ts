/**
 * Loaded into a server's process before the server (`node --import`): how long was its event loop held? The
 * answer comes over HTTP, at the port that `TURNS_PORT` names, and covers the turns since the previous answer.
 *
 * A turn counts by the processor time that it took, because on a shared machine the loop's thread also waits for a
 * processor. Turns with a garbage collection are reported separately.
 */

import { openSync, readSync } from "node:fs";
import { createServer } from "node:http";
import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/** A recorder's answer. */
export interface Turns {
  readonly count: number;
  /** The longest without a garbage collection, and the longest of all, milliseconds. */
  readonly longestMs: number;
  readonly longestOfAllMs: number;
}

interface Turn {
  readonly endedMs: number;
  readonly lastedMs: number;
  readonly ownMs: number;
}

/** Shorter turns are only counted: none of them can be the longest. */
const noteworthyMs = 0.1;

/**
 * @returns A function that returns how long this thread has waited for a processor so far, milliseconds: 0 where the
 *   system doesn't report it.
 */
function openWaitClock(): () => number {
  const bytes = Buffer.alloc(96);
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
    return () => Number(bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, 0)).split(" ")[1]) / 1e6;
  } catch {
    return () => 0;
  }
}

function record(port: number): void {
  const waited = openWaitClock();
  let count = 0;
  let turns: Turn[] = [];
  let collections: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });

  let beganMs = performance.now();
  let waitedMs = waited();
  const turn = () => {
    const endedMs = performance.now();
    const waitedNowMs = waited();
    const lastedMs = endedMs - beganMs;
    count++;
    if (lastedMs > noteworthyMs) turns.push({ endedMs, lastedMs, ownMs: lastedMs - (waitedNowMs - waitedMs) });
    waitedMs = waitedNowMs;
    // After the look at the clocks, which is no part of a turn.
    beganMs = performance.now();
    if (!stopping) setImmediate(turn);
  };
  setImmediate(turn);
  // The next turn would hold the process for ever.
  let stopping = false;
  process.once("SIGTERM", () => {
    stopping = true;
  });

  const summary = (): Turns => {
    collections.push(...observer.takeRecords());
    const collected = ({ endedMs, lastedMs }: Turn) =>
      collections.some(({ startTime, duration }) => startTime < endedMs && startTime + duration > endedMs - lastedMs);
    const longest = (of: readonly Turn[]) => of.reduce((most, { ownMs }) => Math.max(most, ownMs), 0);
    return { count, longestMs: longest(turns.filter((one) => !collected(one))), longestOfAllMs: longest(turns) };
  };
  const reset = () => {
    count = 0;
    turns = [];
    collections = [];
  };
  createServer((_request, response) => {
    // An open connection would hold the process.
    response.setHeader("connection", "close");
    // The turn of this answer isn't part of the next one.
    response.end(JSON.stringify(summary()), () => setImmediate(() => setImmediate(reset)));
  })
    .listen(port, "127.0.0.1")
    .unref();
}

if (isMainThread && process.env.TURNS_PORT !== undefined) record(Number(process.env.TURNS_PORT));
