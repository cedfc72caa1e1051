/**
 * Where does a lane's next batch run: here on the event loop, in the pool, or not yet?
 *
 * Asked when calls were queued and when a worker became free, until it says "wait"; work-conserving, so it waits only
 * if there is no work or nobody to do it. Pure: one line of a table test per case.
 */

import type { FittedRunCost } from "./run-cost.js";

/** `auto` decides per batch; the others are for measuring and for machines that are known. */
export type Execution = "auto" | "inline" | "pool";

export interface LaneLoad {
  /** Rows of waiting calls that are small enough for the event loop. */
  readonly smallRows: number;
  /** Rows of waiting calls that aren't. */
  readonly largeRows: number;
  /** Whether the last batch for the pool was a slice of a large call: small and large ones take turns. */
  readonly lastWasLarge: boolean;
  readonly idleWorkers: number;
  /** What this turn of the event loop may still be held for, microseconds. */
  readonly budgetUs: number;
  /** Nothing ran in this turn yet: where only the event loop runs, one row goes ahead whatever it costs. */
  readonly turnUnused: boolean;
}

export type Choice = "inline-small" | "inline-large" | "pool-small" | "pool-large" | "wait";

/**
 * What it costs the event loop to hand a batch to a worker and take its results back, microseconds (measured: 30-60).
 */
const handOverUs = 50;

export function chooseExecutor(load: LaneLoad, inlineCost: Pick<FittedRunCost, "of">, execution: Execution): Choice {
  const { smallRows, largeRows, budgetUs } = load;
  const workerIdle = execution !== "inline" && load.idleWorkers > 0;
  const smallHasTurn = execution === "pool" && smallRows > 0 && load.lastWasLarge;
  if (workerIdle && largeRows > 0 && !smallHasTurn) return "pool-large";
  if (execution === "pool") return workerIdle && smallRows > 0 ? "pool-small" : "wait";

  const fitsTurn = inlineCost.of(1) <= budgetUs || (execution === "inline" && load.turnUnused);
  if (smallRows > 0) {
    // More than this turn can take: what doesn't fit goes to an idle worker, and first, so that both work at once.
    if (workerIdle && (!fitsTurn || inlineCost.of(smallRows) > budgetUs + handOverUs)) return "pool-small";
    return fitsTurn ? "inline-small" : "wait";
  }
  return execution === "inline" && largeRows > 0 && fitsTurn ? "inline-large" : "wait";
}
