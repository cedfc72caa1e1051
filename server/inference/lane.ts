/**
 * The queue of one version.
 *
 * Invariants:
 * - A call is in at most one of the two queues; a large one stays at the front of its queue until its last row is taken.
 * - `smallRows` and `largeRows` are the rows that no batch has taken yet, of calls that still want an answer.
 * - Calls of a queue are taken in the order in which they came. Small calls never wait for a large one: they have their own queue.
 */

import type { Call } from "../call.js";
import type { Version } from "../versions/version.js";
import { batchLength } from "./batch-length.js";
import { Fifo } from "./fifo.js";
import { leaveIntake } from "./intake.js";
import type { Batch } from "./pack.js";
import { FittedRunCost, type RunCost } from "./run-cost.js";
import type { Runner } from "./runner.js";
import { rowWidth } from "./tensor.js";
import type { WorkerPool } from "./worker-pool.js";

/** Before anything was measured: what ONNX Runtime takes for a tree ensemble of a few hundred trees. */
const priorCost: RunCost = { fixedUs: 10, perRowUs: 10 };

export class Lane {
  readonly version: Version;
  /** Undefined when this version may only run in the pool. */
  readonly runner: Runner | undefined;
  /** Undefined when it may only run on the event loop. */
  readonly pool: WorkerPool | undefined;
  readonly blockWidths: readonly number[];
  readonly rawWidths: readonly number[];
  readonly inlineCost = new FittedRunCost(priorCost);
  readonly poolCost = new FittedRunCost(priorCost);
  readonly small = new Fifo<Call>();
  readonly large = new Fifo<Call>();
  /** Batches whose worker died: they come first. */
  readonly retries: Batch[] = [];
  smallRows = 0;
  largeRows = 0;
  lastWasLarge = false;
  /** Batches of this lane that run in the pool now. */
  running = 0;

  constructor(version: Version, runner: Runner | undefined, pool?: WorkerPool) {
    this.version = version;
    this.runner = runner;
    this.pool = pool;
    this.blockWidths = version.preprocessor.outputs.map(({ width }) => width);
    this.rawWidths = version.postprocessor.inputs.map(rowWidth);
  }

  /** Rows that no batch has taken yet. */
  get queuedRows(): number {
    return this.smallRows + this.largeRows;
  }

  get idle(): boolean {
    return this.smallRows === 0 && this.largeRows === 0 && this.retries.length === 0 && this.running === 0;
  }

  push(call: Call, rowsSmallMax: number): void {
    if (call.rowCount <= rowsSmallMax) {
      this.small.push(call);
      this.smallRows += call.rowCount;
    } else {
      leaveIntake(call);
      this.large.push(call);
      this.largeRows += call.rowCount;
    }
  }

  /**
   * Takes the next batch of whole small calls.
   *
   * @param rowsMax - What the batch may hold; the first call is taken in any case.
   * @returns Undefined if only calls were waiting that no longer want an answer.
   */
  takeSmall(cost: RunCost, rowsMax: number, nowMs: number): Batch | undefined {
    for (let call = this.small.peek(); call?.finished; call = this.small.peek()) {
      this.smallRows -= call.rowCount;
      this.small.shift();
    }
    if (this.small.length === 0) return undefined;
    const wanted = batchLength(this.small, cost, rowsMax, nowMs);
    const calls: Call[] = [];
    let rowCount = 0;
    for (let i = 0; i < wanted; i++) {
      const call = this.small.shift()!;
      this.smallRows -= call.rowCount;
      if (call.finished) continue;
      rowCount += call.rowCount;
      calls.push(call);
    }
    return { calls, firstRow: 0, rowCount, retried: false };
  }

  /** Takes the next slice of the first large call, at most `rowsMax` rows. */
  takeLarge(rowsMax: number): Batch | undefined {
    let call = this.large.peek();
    while (call?.finished) {
      this.largeRows -= call.rowCount - call.rowsTaken;
      this.large.shift();
      call = this.large.peek();
    }
    if (call === undefined) return undefined;
    const firstRow = call.rowsTaken;
    const rowCount = Math.min(rowsMax, call.rowCount - firstRow);
    call.rowsTaken += rowCount;
    this.largeRows -= rowCount;
    if (call.rowsTaken === call.rowCount) this.large.shift();
    return { calls: [call], firstRow, rowCount, retried: false };
  }
}
