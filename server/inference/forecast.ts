/**
 * Will a call be answered in time? Asked when it comes, before any work, and again when it is taken from its queue.
 * Pure: one line of a table test per case.
 */

import type { RunCost } from "./run-cost.js";

/** What a call that comes now finds. */
export interface QueueLoad {
  /** Rows of its queue that no batch has taken yet. */
  readonly rowsAhead: number;
  /** Until an executor is free, milliseconds; 0 where one is idle. */
  readonly freeInMs: number;
  /** Rows a millisecond that leave the queue while rows wait. */
  readonly rowsPerMs: number;
  /** Rows that one batch takes. */
  readonly batchRows: number;
}

/** Milliseconds. */
export interface Forecast {
  /** Until the first batch that holds rows of the call begins. */
  readonly waitMs: number;
  /** From there to the end of its last batch. */
  readonly ownMs: number;
}

/**
 * Of the time that a call has for waiting, so much may be filled by the forecast: what comes late is late for all
 * behind it too.
 */
const waitShare = 0.75;
/** Of that time the learnt margin may take so much: a margin that takes it all would leave the executors idle. */
const marginShare = 0.5;
/** A late call is run all the same while the rows that wait take no more than this share of its time. */
const lateBacklogShare = 1 / 8;

/** @param cost - Of a run on the executor that will take the call. */
export function forecast(load: QueueLoad, cost: RunCost, rowCount: number): Forecast {
  const { rowsAhead, freeInMs, rowsPerMs, batchRows } = load;
  const run = (rows: number) => (cost.fixedUs + cost.perRowUs * rows) / 1000;
  if (rowCount > batchRows) {
    // In slices: the first ones pass while the last ones still wait, so they drain as rows ahead do.
    return { waitMs: freeInMs + rowsAhead / rowsPerMs, ownMs: (rowCount - batchRows) / rowsPerMs + run(batchRows) };
  }
  // Rows that fit into the call's own batch aren't waited for.
  const before = Math.max(0, rowsAhead + rowCount - batchRows);
  return { waitMs: freeInMs + before / rowsPerMs, ownMs: run(Math.min(batchRows, rowsAhead + rowCount)) };
}

/**
 * @param timeMs - What is left of the call's time.
 * @param marginMs - How wrong forecasts were lately.
 */
export function isInTime({ waitMs, ownMs }: Forecast, timeMs: number, marginMs: number): boolean {
  const spareMs = timeMs - ownMs;
  if (waitMs === 0) return spareMs >= 0;
  return waitMs <= waitShare * spareMs - Math.min(marginMs, marginShare * spareMs);
}

/**
 * Whether a call is let in although it will be late: one that couldn't be in time even if nothing waited, by what is
 * known of this machine now, where hardly anything waits that it would delay, and it can still meet its deadline. To
 * refuse it would be to refuse it for ever.
 *
 * @param timeMs - What is left of the call's time.
 * @param deadlineMs - What is left until it is given up.
 */
export function isWorthTrying({ waitMs, ownMs }: Forecast, timeMs: number, deadlineMs: number): boolean {
  return ownMs > timeMs && waitMs <= lateBacklogShare * timeMs && waitMs + ownMs <= deadlineMs;
}

export interface TimedCall {
  readonly arrivedMs: number;
  readonly targetMs: number;
  readonly deadlineMs: number;
}

/**
 * Whether a call that is about to be taken still runs. One that can't be in time makes room for those that can. Where
 * hardly anything waits that isn't needed: then it runs, late, if it can still meet its deadline.
 *
 * @param runMs - What its run takes.
 * @param backlogMs - What the rows that wait with it take; asked of a call that is late.
 */
export function isWorthRunning(
  { arrivedMs, targetMs, deadlineMs }: TimedCall,
  runMs: number,
  backlogMs: () => number,
  nowMs: number,
): boolean {
  const endMs = nowMs + runMs;
  if (endMs <= targetMs) return true;
  if (endMs > deadlineMs) return false;
  return backlogMs() <= lateBacklogShare * (targetMs - arrivedMs);
}
