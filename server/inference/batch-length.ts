/**
 * How many of the waiting calls go into the next batch?
 *
 * Asked when an executor is free, so nothing ever waits for a fuller batch. Calls are taken from the front for as long as the batch they
 * make still ends before the earliest deadline among them; a call that couldn't meet its deadline even alone doesn't count, or one late
 * call would cut all batches behind it to single rows just when the server is overloaded. Pure: the caller passes time and cost in.
 */

import type { RunCost } from "./run-cost.js";

export interface QueuedCall {
  readonly rowCount: number;
  /** Monotonic clock, milliseconds. */
  readonly deadlineMs: number;
}

/**
 * @param queue - Waiting calls, oldest first; never empty.
 * @param cost - Fitted cost of a run.
 * @param rowsMax - What one batch may hold.
 * @param nowMs - Same clock as the deadlines in `queue`.
 * @returns How many calls to take: at least 1, at most `queue.length`.
 * @see Clipper (NSDI 2017), section 4.3: adaptive batching under a latency objective.
 */
export function batchLength(queue: Iterable<QueuedCall>, cost: RunCost, rowsMax: number, nowMs: number): number {
  let count = 0;
  let rowCount = 0;
  let deadlineMs = Number.POSITIVE_INFINITY;
  for (const call of queue) {
    rowCount += call.rowCount;
    const endsMs = (rows: number) => nowMs + (cost.fixedUs + cost.perRowUs * rows) / 1000;
    if (endsMs(call.rowCount) <= call.deadlineMs) deadlineMs = Math.min(deadlineMs, call.deadlineMs);
    const tooMany = rowCount > rowsMax;
    const tooLate = endsMs(rowCount) > deadlineMs;
    if (count > 0 && (tooMany || tooLate)) return count;
    count++;
  }
  return count;
}
