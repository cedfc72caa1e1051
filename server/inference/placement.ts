/**
 * Where the rows of a lane run, and in what batches. One home for what admission, queueing and running have to agree
 * on.
 */

import { batchRows, batchRowsMax } from "./batch-length.js";
import type { Execution } from "./choose-executor.js";
import type { Executors } from "./executors.js";
import type { CallQueue, Lane } from "./lane.js";
import type { FittedRunCost, RunCost } from "./run-cost.js";
import type { WorkerPool } from "./worker-pool.js";

/** Model time per turn of the event loop, microseconds: with the replies of the batch, a turn stays under 1 ms. */
export const turnBudgetUs = 500;
/** Every so many batches, one is smaller: from batches of one size the fixed part of their cost can't be told. */
const probeEvery = 8;
const probeShare = 0.6;

export class Placement {
  readonly #execution: Execution;
  readonly #waiting: Iterable<Lane>;
  readonly #executorsOf: ReadonlyMap<WorkerPool, Executors>;
  #batchCount = 0;

  /** @param waiting - Lanes in which something waits, as it changes. */
  constructor(execution: Execution, waiting: Iterable<Lane>, executorsOf: ReadonlyMap<WorkerPool, Executors>) {
    this.#execution = execution;
    this.#waiting = waiting;
    this.#executorsOf = executorsOf;
  }

  /**
   * A version without a session on this thread, or with a row that would outlast a turn of it, runs in the pool only.
   */
  executionOf(lane: Lane): Execution {
    if (lane.runner === undefined) return "pool";
    if (lane.pool === undefined) return "inline";
    const tooSlow = this.#execution === "auto" && lane.inlineCost.of(1) > turnBudgetUs;
    return tooSlow ? "pool" : this.#execution;
  }

  /** Whether the event loop takes calls of this queue, alone or beside the workers. */
  runsOnLoop(lane: Lane, queue: CallQueue): boolean {
    const execution = this.executionOf(lane);
    return execution === "inline" || (execution === "auto" && queue === lane.small);
  }

  /** Rows up to which a call is small: what fits into one turn of the event loop; in the pool, into one batch. */
  rowsSmallMax(lane: Lane): number {
    if (this.executionOf(lane) === "pool")
      return batchRows(lane.poolCost, { objectiveMs: lane.version.sloMs, shared: false });
    return rowsWithin(turnBudgetUs, lane.inlineCost);
  }

  /** What a run of a call of this queue costs. */
  costOf(lane: Lane, queue: CallQueue): FittedRunCost {
    return this.runsOnLoop(lane, queue) ? lane.inlineCost : lane.poolCost;
  }

  /** Rows of one batch, at most. */
  batchRowsOf(lane: Lane, queue: CallQueue, nowMs: number): number {
    return this.runsOnLoop(lane, queue)
      ? rowsWithin(turnBudgetUs, lane.inlineCost)
      : this.#poolBatchRows(lane, queue, nowMs);
  }

  nextPoolBatchRows(lane: Lane, queue: CallQueue, nowMs: number): number {
    const rows = this.#poolBatchRows(lane, queue, nowMs);
    this.#batchCount = (this.#batchCount + 1) % probeEvery;
    return this.#batchCount === 0 ? Math.max(1, Math.floor(probeShare * rows)) : rows;
  }

  /** What a queue drains by the fitted costs, rows a millisecond: believed until it was measured. */
  expectedRowsPerMs(lane: Lane, queue: CallQueue, nowMs: number): number {
    const execution = this.executionOf(lane);
    let rowsPerMs = 0;
    if (this.runsOnLoop(lane, queue)) {
      const rows = rowsWithin(turnBudgetUs, lane.inlineCost);
      rowsPerMs += (1000 * rows) / lane.inlineCost.of(rows);
    }
    if (execution !== "inline") {
      const rows = this.#poolBatchRows(lane, queue, nowMs);
      const both = lane.small.rows > 0 && lane.large.rows > 0 ? 2 : 1;
      rowsPerMs += (1000 * lane.pool!.workers * rows) / lane.poolCost.of(rows) / (this.#lanesWaitingFor(lane) * both);
    }
    return rowsPerMs;
  }

  /** How many lanes share this lane's workers now, itself counted. */
  #lanesWaitingFor(lane: Lane): number {
    let count = lane.waiting ? 0 : 1;
    for (const other of this.#waiting) if (other.pool === lane.pool) count++;
    return count;
  }

  #poolBatchRows(lane: Lane, queue: CallQueue, nowMs: number): number {
    const shared = this.#executorsOf.get(lane.pool!)!.isShared(queue, nowMs);
    return batchRows(lane.poolCost, { objectiveMs: lane.version.sloMs, shared });
  }
}

/**
 * Rows of a batch that ends within so many microseconds; at least one, and those that go with it for a quarter of its
 * cost.
 */
export function rowsWithin(budgetUs: number, { fixedUs, perRowUs }: RunCost): number {
  const usMax = Math.max(budgetUs, 1.25 * (fixedUs + perRowUs));
  return Math.max(1, Math.min(batchRowsMax, Math.floor((usMax - fixedUs) / perRowUs)));
}
