/**
 * The queues of one version.
 *
 * Invariants:
 * - A call is in at most one of the two queues; a large one stays at the front of its queue until its last row is
 *   taken.
 * - `rows` of a queue are those that no batch has taken yet, of calls that were in it when somebody last looked at its
 *   front.
 * - Calls of a queue are taken in the order in which they came. Small calls never wait for a large one: they have their
 *   own queue.
 * - Rows leave a queue into a batch, or because their call is over, or can't be in time any more: such calls are the
 *   caller's to answer.
 */

import type { Call } from "../path/call.js";
import type { ServingVersion } from "../path/serving-version.js";
import { Arrivals } from "./arrivals.js";
import { batchLength } from "./batch-length.js";
import { DrainMeter } from "./drain-meter.js";
import { Fifo } from "./fifo.js";
import { isWorthRunning } from "./forecast.js";
import { LateMargin } from "./late-margin.js";
import type { Batch } from "./pack.js";
import { Patience } from "./patience.js";
import { Refusals } from "./refusals.js";
import { FittedRunCost, type RunCost } from "./run-cost.js";
import type { Runner } from "./runner.js";
import { rowWidth } from "./tensor.js";
import type { WorkerPool } from "./worker-pool.js";

/** Before anything was measured: what ONNX Runtime takes for a tree ensemble of a few hundred trees. */
const priorCost: RunCost = { fixedUs: 10, perRowUs: 10 };

/** Of the calls whose callers will have left by the forecast, every so many-th is run all the same. */
const tryEvery = 64;

/** Calls that wait for one kind of batch. */
export class CallQueue {
  readonly calls = new Fifo<Call>();
  readonly drain = new DrainMeter();
  /** How wrong forecasts for its calls were. */
  readonly margin = new LateMargin();
  readonly arrivals = new Arrivals();
  readonly refusals = new Refusals();
  rows = 0;
  /** Rows of calls that are still being decoded. */
  expectedRows = 0;

  push(call: Call): void {
    this.calls.push(call);
    this.rows += call.rowCount;
  }

  /** So many rows left it. */
  left(rowCount: number, nowMs: number): void {
    this.rows -= rowCount;
    this.drain.left(rowCount, this.rows, nowMs);
  }
}

/** What a batch may be. */
export interface TakeBounds {
  readonly cost: RunCost;
  /** Rows of the batch; the first call is taken in any case. */
  readonly rowsMax: number;
  /** Rows a millisecond that the queue drains by the fitted cost; asked where a call may be late. */
  readonly rowsPerMs: () => number;
  readonly nowMs: number;
}

/** How far the lanes that share executors have got: the time that the one which was served last had had, microseconds. */
export interface ShareClock {
  usedUs: number;
}

export class Lane {
  readonly version: ServingVersion;
  /** Undefined when this version may only run in the pool. */
  readonly runner: Runner | undefined;
  /** Undefined when it may only run on the event loop. */
  readonly pool: WorkerPool | undefined;
  readonly blockWidths: readonly number[];
  readonly rawWidths: readonly number[];
  readonly inlineCost = new FittedRunCost(priorCost);
  readonly poolCost = new FittedRunCost(priorCost);
  readonly small = new CallQueue();
  readonly large = new CallQueue();
  readonly patience = new Patience();
  /** Batches whose worker died: they come first. */
  readonly retries: Batch[] = [];
  lastWasLarge = false;
  /** Batches of this lane that run in the pool now. */
  running = 0;
  /** The longest run so far, milliseconds. */
  longestRunMs = 0;
  #doubted = 0;
  /**
   * Time of executors that it has had, microseconds, from an origin that the lanes of a pool share: who has had least
   * comes first.
   */
  usedUs = 0;
  /** One that comes back from idling begins where the others are. */
  readonly clock: ShareClock;
  /** The scheduler's last round in which it had to wait. */
  waitsInRound = 0;

  constructor(
    version: ServingVersion,
    runner: Runner | undefined,
    pool?: WorkerPool,
    clock: ShareClock = { usedUs: 0 },
  ) {
    this.version = version;
    this.runner = runner;
    this.pool = pool;
    this.clock = clock;
    this.blockWidths = version.preprocessor.outputs.map(({ width }) => width);
    this.rawWidths = version.postprocessor.inputs.map(rowWidth);
  }

  /** Rows that no batch has taken yet. */
  get queuedRows(): number {
    return this.small.rows + this.large.rows;
  }

  /** Whether anything waits for an executor. */
  get waiting(): boolean {
    return this.small.rows > 0 || this.large.rows > 0 || this.retries.length > 0;
  }

  get idle(): boolean {
    return !this.waiting && this.running === 0;
  }

  /** A run in the pool took so long. */
  tookMs(rowCount: number, ms: number): void {
    this.longestRunMs = Math.max(this.longestRunMs, ms);
    this.poolCost.observe(rowCount, 1000 * ms);
  }

  push(call: Call, queue: CallQueue): void {
    if (queue === this.large) this.version.intake?.release(call);
    queue.push(call);
  }

  /**
   * Takes the next batch of whole small calls.
   *
   * @param late - Takes calls that can't be in time any more; they have left the queue.
   * @returns Undefined if no call was waiting that still wants an answer and can have one.
   */
  takeSmall({ cost, rowsMax, rowsPerMs, nowMs }: TakeBounds, late: Call[]): Batch | undefined {
    const { small } = this;
    const patienceMs = this.patience.ms(nowMs);
    let leftRows = 0;
    const isOver = (call: Call): boolean => {
      if (call.finished) return true;
      const runMs = (cost.fixedUs + cost.perRowUs * call.rowCount) / 1000;
      const backlogMs = () => (small.rows - leftRows - call.rowCount) / small.drain.rowsPerMs(rowsPerMs(), nowMs);
      const staysUntilMs = call.arrivedMs + patienceMs;
      // Who says how long it waits isn't judged by others. What was learnt of them may be true no more, so some are tried.
      const isWaitedFor = nowMs + runMs <= staysUntilMs || call.callerTimeoutMs > 0 || ++this.#doubted % tryEvery === 0;
      if (isWaitedFor && isWorthRunning(call, runMs, backlogMs, nowMs)) return false;
      late.push(call);
      return true;
    };
    for (let call = small.calls.peek(); call !== undefined && isOver(call); call = small.calls.peek()) {
      leftRows += call.rowCount;
      small.calls.shift();
    }
    if (small.calls.length === 1) {
      // The most frequent batch of a server that isn't busy.
      const call = small.calls.shift()!;
      small.left(leftRows + call.rowCount, nowMs);
      return { calls: [call], firstRow: 0, rowCount: call.rowCount, retried: false };
    }
    const calls: Call[] = [];
    let rowCount = 0;
    if (small.calls.length > 0) {
      const wanted = batchLength(small.calls, cost, rowsMax, nowMs, patienceMs);
      for (let i = 0; i < wanted; i++) {
        const call = small.calls.shift()!;
        // The first one was looked at.
        const over = i > 0 && isOver(call);
        leftRows += call.rowCount;
        if (over) continue;
        rowCount += call.rowCount;
        calls.push(call);
      }
    }
    small.left(leftRows, nowMs);
    return calls.length === 0 ? undefined : { calls, firstRow: 0, rowCount, retried: false };
  }

  /**
   * Takes the next slice of the first large call.
   *
   * @param late - As for {@link takeSmall}.
   */
  takeLarge({ cost, rowsMax, rowsPerMs, nowMs }: TakeBounds, late: Call[]): Batch | undefined {
    const { large } = this;
    let leftRows = 0;
    for (let call = large.calls.peek(); call !== undefined; call = large.calls.peek()) {
      const rowsLeft = call.rowCount - call.rowsTaken;
      const drainRowsPerMs = large.drain.rowsPerMs(rowsPerMs(), nowMs);
      const runMs =
        (cost.fixedUs + cost.perRowUs * Math.min(rowsLeft, rowsMax)) / 1000 +
        Math.max(0, rowsLeft - rowsMax) / drainRowsPerMs;
      const backlogMs = () => (large.rows - leftRows - rowsLeft) / drainRowsPerMs;
      if (!call.finished && isWorthRunning(call, runMs, backlogMs, nowMs)) break;
      if (!call.finished) late.push(call);
      leftRows += rowsLeft;
      large.calls.shift();
    }
    const call = large.calls.peek();
    if (call === undefined) {
      large.left(leftRows, nowMs);
      return undefined;
    }
    const firstRow = call.rowsTaken;
    const rowCount = Math.min(rowsMax, call.rowCount - firstRow);
    call.rowsTaken += rowCount;
    if (call.rowsTaken === call.rowCount) large.calls.shift();
    large.left(leftRows + rowCount, nowMs);
    return { calls: [call], firstRow, rowCount, retried: false, large: true };
  }
}
