/**
 * How large is the next batch?
 *
 * Asked when an executor is free, so nothing ever waits for a fuller batch. Two bounds: `batchRows` says what a batch
 * of this model is worth, `batchLength` how many of the waiting calls fit without making one of them late. Pure: the
 * caller passes time and cost in.
 */

import type { RunCost } from "./run-cost.js";

export interface QueuedCall {
  readonly rowCount: number;
  readonly arrivedMs: number;
  /** When the answer should be there: monotonic clock, milliseconds. */
  readonly targetMs: number;
}

export interface BatchBounds {
  /** The version's objective, milliseconds. */
  readonly objectiveMs: number;
  /** Others wait for the same executors: shorter batches, so that they get their turn sooner. */
  readonly shared: boolean;
}

/**
 * Rows of one batch, wherever it runs. In the pool it is a few milliseconds of a tree ensemble, so that calls take
 * turns; on the event loop a cheaper model could take thousands in its time, but a batch that fails is run again row by
 * row. The proof's largest batch has as many.
 */
export const batchRowsMax = 256;

/**
 * A batch this much longer than its fixed part wastes 5 %, or 10 % where executors are shared; more rows make callers
 * wait for nothing.
 */
const worthwhile = { alone: 20, shared: 10 };
/**
 * A batch may last so long in any case, as a share of the objective: the fixed part may be fitted as nothing, and
 * between two batches a worker waits for the event loop, for milliseconds where it is full of refusals. Where executors
 * are shared, others wait too: microseconds.
 */
const objectiveShareMin = 1 / 16;
const sharedUsMin = 500;
/** Share of the objective that a batch may last: a call waits for one and runs in another. */
const objectiveShare = 1 / 8;
/** The same for a model whose fixed part is large beside the objective: it needs large batches to get anywhere. */
const objectiveShareMax = 1 / 3;
const fixedPartsMin = 4;

/** @returns How many rows a batch should have at most: at least 1. */
export function batchRows(cost: RunCost, { objectiveMs, shared }: BatchBounds): number {
  const { fixedUs, perRowUs } = cost;
  const kind = shared ? "shared" : "alone";
  const objectiveUs = 1000 * objectiveMs;
  const usMin = shared ? sharedUsMin : objectiveShareMin * objectiveUs;
  const affordableUs = Math.max(
    objectiveShare * objectiveUs,
    Math.min(objectiveShareMax * objectiveUs, fixedPartsMin * fixedUs),
  );
  const usMax = Math.min(affordableUs, Math.max(worthwhile[kind] * fixedUs, usMin));
  // A single row may take longer; others that cost it no more than a quarter go with it.
  const rows = Math.floor(Math.max(usMax - fixedUs, 1.25 * (fixedUs + perRowUs) - fixedUs) / perRowUs);
  return Math.max(1, Math.min(batchRowsMax, rows));
}

/**
 * Calls are taken from the front for as long as the batch they make still ends before the earliest target among them. A
 * call that couldn't be in time even alone doesn't count, or one late call would cut all batches behind it to single
 * rows just when the server is overloaded.
 *
 * @param queue - Waiting calls, oldest first; never empty.
 * @param cost - Fitted cost of a run.
 * @param rowsMax - What one batch may hold.
 * @param nowMs - Same clock as the targets in `queue`.
 * @param patienceMs - How long callers wait before they leave.
 * @returns How many calls to take: at least 1, at most `queue.length`.
 * @see Clipper (NSDI 2017), section 4.3: adaptive batching under a latency objective.
 */
export function batchLength(
  queue: Iterable<QueuedCall>,
  cost: RunCost,
  rowsMax: number,
  nowMs: number,
  patienceMs: number,
): number {
  const endsMs = (rows: number) => nowMs + (cost.fixedUs + cost.perRowUs * rows) / 1000;
  let count = 0;
  let rowCount = 0;
  let targetMs = Number.POSITIVE_INFINITY;
  for (const call of queue) {
    rowCount += call.rowCount;
    const usefulMs = Math.min(call.targetMs, call.arrivedMs + patienceMs);
    if (endsMs(call.rowCount) <= usefulMs) targetMs = Math.min(targetMs, usefulMs);
    const tooMany = rowCount > rowsMax;
    const tooLate = endsMs(rowCount) > targetMs;
    if (count > 0 && (tooMany || tooLate)) return count;
    count++;
  }
  return count;
}
