/**
 * Gives the lanes' work to the executors: the event loop itself, and the pools' workers.
 *
 * Work-conserving: `flush` runs once at the end of each turn of the event loop in which calls were queued (so calls
 * that were read from the sockets together run together, and nothing waits for more), and each time a worker becomes
 * free. The event loop is held for at most `turnBudgetUs` of model time per turn; what is left over runs in the next
 * turn, after the sockets were read again. Lanes share the executors by time: the one that has had least of it comes
 * first.
 */

import { ServeError } from "../errors.js";
import type { Call } from "../path/call.js";
import { type ServingVersion, servedBy } from "../path/serving-version.js";
import { type Choice, chooseExecutor, type Execution } from "./choose-executor.js";
import { Executors } from "./executors.js";
import { Gate } from "./gate.js";
import { type CallQueue, Lane, type ShareClock, type TakeBounds } from "./lane.js";
import { type Batch, packBatch, unpackBatch } from "./pack.js";
import { patienceLastsMs } from "./patience.js";
import { Placement, rowsWithin, turnBudgetUs } from "./placement.js";
import { ReadDelay } from "./read-delay.js";
import type { RunCost } from "./run-cost.js";
import { runLimitMs } from "./run-limit.js";
import type { Runner, RunResult } from "./runner.js";
import { WaitingLanes } from "./waiting-lanes.js";
import { StuckRunError, type WorkerPool } from "./worker-pool.js";

export interface SchedulerOptions {
  readonly execution: Execution;
  readonly pool: WorkerPool | undefined;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Runs a function at the end of this turn of the event loop: `setImmediate`. */
  readonly defer: (run: () => void) => void;
  /** Hears of each batch that ran. */
  readonly onBatch: (
    version: ServingVersion,
    executor: "inline" | "pool",
    rowCount: number,
    durationUs: number,
  ) => void;
  /** Hears of what the runtime said when rows failed, and of dead workers: for the log. */
  readonly onTrouble: (version: ServingVersion, message: string) => void;
}

/**
 * A call's time that may have passed before it was read is taken for gone, up to this share: where a turn is as long as
 * that time, hardly any would be let in, though some come at its end.
 */
const unseenShareMax = 0.5;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #placement: Placement;
  readonly #gate: Gate;
  readonly #readDelay: ReadDelay;
  readonly #laneOf = new Map<ServingVersion, Lane>();
  readonly #executorsOf = new Map<WorkerPool, Executors>();
  /** Lanes in which something waits. */
  readonly #waiting = new WaitingLanes();
  #deferred = false;
  /** Of the lanes of each pool, and of those that run on the event loop only. */
  readonly #clocks = new Map<WorkerPool | undefined, ShareClock>();
  /** Until then it is learnt how long callers wait: some left lately. */
  #watchedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#placement = new Placement(
      options.pool === undefined ? "inline" : options.execution,
      this.#waiting,
      this.#executorsOf,
    );
    this.#gate = new Gate(this.#placement, this.#executorsOf);
    this.#readDelay = new ReadDelay(options);
  }

  /** @param pool - Whose workers hold the version; by default those of all versions. */
  addLane(version: ServingVersion, runner: Runner | undefined, pool = this.#options.pool): Lane {
    const clock = this.#clocks.get(pool) ?? { usedUs: 0 };
    this.#clocks.set(pool, clock);
    const lane = new Lane(version, runner, pool, clock);
    if (pool && !this.#executorsOf.has(pool)) {
      this.#executorsOf.set(pool, new Executors(pool));
      pool.onIdle = () => this.#flushLater();
    }
    this.#laneOf.set(version, lane);
    return lane;
  }

  /** For a version that nothing works with any more: whatever still stands in its queues is over. */
  removeLane(version: ServingVersion): void {
    const lane = this.#laneOf.get(version);
    if (lane === undefined) return;
    this.#laneOf.delete(version);
    this.#waiting.remove(lane);
  }

  lane(version: ServingVersion): Lane | undefined {
    return this.#laneOf.get(version);
  }

  /** Rows that wait, over all lanes. */
  get queuedRows(): number {
    let rows = 0;
    for (const lane of this.#waiting) rows += lane.queuedRows;
    return rows;
  }

  /**
   * Queues a call's rows; `call.onRun` is called once all of them ran, or failed, or can't run in time any more, in a
   * later turn of the event loop.
   *
   * @throws {@link ServeError} overloaded if by the forecast the answer can't be ready in time.
   */
  submit(call: Call): void {
    const lane = this.#laneOf.get(servedBy(call.version!));
    if (lane === undefined) throw new ServeError("not_ready", `model ${call.version!.key} isn't ready to run`);
    const nowMs = this.#options.now();
    const queue = this.#queueOf(lane, call.rowCount);
    call.targetMs -= this.#unseenMs(call.targetMs - nowMs, nowMs);
    this.#gate.admit(lane, queue, call, nowMs);
    if (!this.#placement.runsOnLoop(lane, queue)) this.#executorsOf.get(lane.pool!)!.seen(queue, nowMs);
    if (!lane.waiting) this.#waiting.add(lane);
    lane.push(call, queue);
    this.#flushLater();
  }

  /**
   * Whether a call can't be answered in time whatever it holds: asked before anything of it is decoded.
   *
   * @param rowCount - Rows that it has at least.
   * @param targetMs - When its answer should be there, at the latest.
   * @returns The refusal; undefined if its rows have to be seen.
   */
  refusal(version: ServingVersion, rowCount: number, targetMs: number): ServeError | undefined {
    const lane = this.#laneOf.get(servedBy(version));
    if (lane === undefined) return undefined;
    const nowMs = this.#options.now();
    const ask = { rowCount, targetMs: targetMs - this.#unseenMs(targetMs - nowMs, nowMs) };
    return this.#gate.refusal(lane, this.#queueOf(lane, rowCount), ask, nowMs);
  }

  /**
   * What passed of a call's time before it was read: something only where so much is sent that calls are refused.
   *
   * @param timeMs - What seems to be left of it.
   */
  #unseenMs(timeMs: number, nowMs: number): number {
    return this.isRefusing(nowMs) ? Math.min(unseenShareMax * timeMs, this.#readDelay.at(nowMs)) : 0;
  }

  /** Whether calls, of whatever version, were refused lately. */
  isRefusing(nowMs: number): boolean {
    return this.#gate.isRefusing(nowMs);
  }

  /** Rows of a large call are being decoded. */
  expect(call: Call, rowCount: number): void {
    const lane = this.#laneOf.get(servedBy(call.version!));
    if (lane === undefined || this.#queueOf(lane, rowCount) !== lane.large) return;
    call.expectedRows = rowCount;
    lane.large.expectedRows += rowCount;
  }

  /** The call is about to be queued, or over; harmless for one that wasn't expected. */
  expectNoMore(call: Call): void {
    if (call.expectedRows === 0) return;
    this.#laneOf.get(servedBy(call.version!))!.large.expectedRows -= call.expectedRows;
    call.expectedRows = 0;
  }

  /** A call of which rows may have been expected or queued is over. */
  ended(call: Call): void {
    this.expectNoMore(call);
    const { abandoned, arrivedMs, finishedMs } = call;
    if (!abandoned && finishedMs > this.#watchedUntilMs) return;
    const lane = call.version && this.#laneOf.get(servedBy(call.version));
    if (lane === undefined) return;
    if (abandoned) {
      lane.patience.left(finishedMs - arrivedMs, finishedMs);
      this.#watchedUntilMs = finishedMs + patienceLastsMs;
    } else if (lane.patience.isWatched(finishedMs)) lane.patience.stayed(finishedMs - arrivedMs);
  }

  #queueOf(lane: Lane, rowCount: number): CallQueue {
    return rowCount <= this.#placement.rowsSmallMax(lane) ? lane.small : lane.large;
  }

  #flushLater(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#options.defer(this.#flush);
  }

  readonly #flush = (): void => {
    this.#deferred = false;
    this.#serveAll(undefined);
    this.#waiting.forgetIdle();
    // Rows that the event loop could take but had no time for run in the next turn; all others wait for a worker to
    // become free.
    for (const lane of this.#waiting) if (this.#hasRowsForLoop(lane)) this.#flushLater();
  };

  #hasRowsForLoop(lane: Lane): boolean {
    const execution = this.#placement.executionOf(lane);
    if (execution === "inline") return lane.queuedRows > 0;
    return execution === "auto" && lane.small.rows > 0 && lane.inlineCost.of(1) <= turnBudgetUs;
  }

  /**
   * A worker is free: rows that only it can run don't wait for the end of the turn, which is long when many calls are
   * refused in it.
   */
  #feed(pool: WorkerPool): void {
    this.#serveAll(pool);
  }

  /**
   * Serves all lanes until each of them is empty, or has to wait.
   *
   * @param pool - Only those that nobody but its workers serves; undefined: all.
   */
  #serveAll(pool: WorkerPool | undefined): void {
    const mayServe = pool && ((lane: Lane) => lane.pool === pool && this.#placement.executionOf(lane) === "pool");
    const waiting = this.#waiting;
    waiting.beginRound();
    let budgetUs = turnBudgetUs;
    for (let lane = waiting.next(mayServe); lane !== undefined; lane = waiting.next(mayServe)) {
      const spentUs = lane.waiting ? this.#serve(lane, budgetUs) : undefined;
      if (spentUs === undefined) waiting.hasToWait(lane);
      else budgetUs -= spentUs;
    }
  }

  /**
   * Runs or hands out one batch of a lane.
   *
   * @returns How long the event loop was held, microseconds; undefined if the lane has to wait.
   */
  #serve(lane: Lane, budgetUs: number): number | undefined {
    const idleWorkers = lane.pool?.idle ?? 0;
    if (lane.retries.length > 0 && idleWorkers > 0) {
      const batch = lane.retries.shift()!;
      if (batch.calls.some(({ finished }) => !finished)) void this.#runInPool(lane, batch);
      return 0;
    }
    const load = {
      smallRows: lane.small.rows,
      largeRows: lane.large.rows,
      lastWasLarge: lane.lastWasLarge,
      idleWorkers,
      budgetUs,
      turnUnused: budgetUs === turnBudgetUs,
    };
    const choice =
      load.smallRows + load.largeRows === 0
        ? "wait"
        : chooseExecutor(load, lane.inlineCost, this.#placement.executionOf(lane));
    if (choice === "wait") return undefined;
    const batch = this.#take(lane, choice, budgetUs);
    if (batch === undefined) return 0;
    if (choice === "inline-small" || choice === "inline-large") return this.#runInline(lane, batch);
    void this.#runInPool(lane, batch);
    return 0;
  }

  #take(lane: Lane, choice: Choice, budgetUs: number): Batch | undefined {
    const late: Call[] = [];
    const batch = this.#takeBatch(lane, choice, budgetUs, late);
    for (const call of late) {
      call.error = new ServeError(
        "overloaded",
        "the rows before this call took longer than expected: it can't be run in time; try again later",
      );
      call.onRun(call);
    }
    return batch;
  }

  #takeBatch(lane: Lane, choice: Choice, budgetUs: number, late: Call[]): Batch | undefined {
    const { inlineCost, poolCost, small, large } = lane;
    const nowMs = this.#options.now();
    const bounds = (queue: CallQueue, cost: RunCost, rowsMax: number): TakeBounds => ({
      cost,
      rowsMax,
      rowsPerMs: () => this.#placement.expectedRowsPerMs(lane, queue, nowMs),
      nowMs,
    });
    const rowsInline = rowsWithin(budgetUs, inlineCost);
    switch (choice) {
      case "inline-small":
        return lane.takeSmall(bounds(small, inlineCost, rowsInline), late);
      case "inline-large":
        return lane.takeLarge(bounds(large, inlineCost, rowsInline), late);
      case "pool-small": {
        lane.lastWasLarge = false;
        // The event loop keeps what it can run in this turn, and works at the same time as the worker.
        const excess = this.#placement.executionOf(lane) === "auto" ? Math.max(1, small.rows - rowsInline) : small.rows;
        return lane.takeSmall(
          bounds(small, poolCost, Math.min(this.#placement.nextPoolBatchRows(lane, small, nowMs), excess)),
          late,
        );
      }
      default:
        lane.lastWasLarge = true;
        return lane.takeLarge(bounds(large, poolCost, this.#placement.nextPoolBatchRows(lane, large, nowMs)), late);
    }
  }

  /** @returns How long the event loop was held, microseconds. */
  #runInline(lane: Lane, batch: Batch): number {
    const { now } = this.#options;
    const startedMs = now();
    const blocks = packBatch(batch, lane.blockWidths, false, lane.version.intake);
    const result = lane.runner!.run(blocks, batch.rowCount);
    if (lane.small.calls.length === 0) lane.version.intake?.clear();
    const endedMs = now();
    const us = (endedMs - startedMs) * 1000;
    lane.usedUs += us;
    lane.inlineCost.observe(batch.rowCount, us);
    this.#complete(lane, batch, result, "inline", startedMs, endedMs);
    return us;
  }

  async #runInPool(lane: Lane, batch: Batch): Promise<void> {
    const { now, onTrouble } = this.#options;
    const startedMs = now();
    const expectedUs = lane.poolCost.of(batch.rowCount);
    const executors = this.#executorsOf.get(lane.pool!)!;
    const running = { endsMs: startedMs + expectedUs / 1000 };
    lane.running++;
    lane.version.retain();
    lane.usedUs += expectedUs;
    executors.began(running);
    // Should the worker die, they are wanted again.
    for (const call of batch.calls) lane.version.intake?.release(call);
    try {
      const blocks = packBatch(batch, lane.blockWidths, true);
      const limitMs = runLimitMs({
        objectiveMs: lane.version.sloMs,
        expectedMs: expectedUs / 1000,
        longestMs: lane.longestRunMs,
      });
      const result = await lane.pool!.run(lane.version.key, blocks, batch.rowCount, limitMs);
      const endedMs = now();
      const us = (endedMs - startedMs) * 1000;
      lane.usedUs += us - expectedUs;
      lane.tookMs(batch.rowCount, endedMs - startedMs);
      // Without the hand-over it can't have taken longer: so a cost that one bad moment of the machine left behind is
      // unlearned even while nothing runs on the event loop because of it.
      if (us < lane.inlineCost.of(batch.rowCount)) lane.inlineCost.observe(batch.rowCount, us);
      // Before the replies, so that the worker runs meanwhile.
      this.#feed(lane.pool!);
      this.#complete(lane, batch, result, "pool", startedMs, endedMs);
    } catch (error) {
      lane.usedUs += (now() - startedMs) * 1000 - expectedUs;
      if (error instanceof StuckRunError) this.#writeOff(lane, batch, error);
      else {
        onTrouble(
          lane.version,
          `a worker died while it ran ${batch.rowCount} rows: ${(error as Error)?.message ?? error}`,
        );
        this.#secondTry(lane, batch, error);
      }
    } finally {
      lane.running--;
      executors.ended(running);
      lane.version.release();
    }
  }

  /** What held one worker for ever would hold the next one too. */
  #writeOff(lane: Lane, batch: Batch, error: StuckRunError): void {
    this.#options.onTrouble(lane.version, `a batch of ${batch.rowCount} rows is given up: ${error.message}`);
    for (const call of batch.calls) {
      if (call.finished) continue;
      call.error = new ServeError(
        "deadline_exceeded",
        "the model ran far longer on this call than it ever did, and was given up",
        {
          cause: error,
        },
      );
      call.onRun(call);
    }
  }

  /** A batch whose worker died runs once more; one that met two dead workers may be what kills them. */
  #secondTry(lane: Lane, batch: Batch, error: unknown): void {
    if (!batch.retried) {
      if (!lane.waiting) this.#waiting.add(lane);
      lane.retries.push({ ...batch, retried: true });
      this.#flushLater();
      return;
    }
    for (const call of batch.calls) {
      if (call.finished) continue;
      call.error = new ServeError("model_failed", "the worker that ran this call died, twice", { cause: error });
      call.onRun(call);
    }
  }

  #complete(
    lane: Lane,
    batch: Batch,
    result: RunResult,
    executor: "inline" | "pool",
    startedMs: number,
    endedMs: number,
  ): void {
    const { onBatch, onTrouble } = this.#options;
    onBatch(lane.version, executor, batch.rowCount, (endedMs - startedMs) * 1000);
    if (result.failure !== undefined)
      onTrouble(
        lane.version,
        `the model failed on ${result.failedRows.length} rows: ${withoutNumbers(result.failure)}`,
      );
    unpackBatch(batch, result, lane.rawWidths);
    let lateMs = Number.NEGATIVE_INFINITY;
    for (const call of batch.calls) {
      call.executor = executor;
      call.batchRows = batch.rowCount;
      if (call.rowsDone === 0) call.runStartedMs = startedMs;
      call.runEndedMs = endedMs;
      call.rowsDone += call.rowCount > batch.rowCount ? batch.rowCount : call.rowCount;
      if (call.rowsDone < call.rowCount) continue;
      lateMs = Math.max(lateMs, endedMs - call.forecastMs);
      if (!call.finished) call.onRun(call);
    }
    if (lateMs > Number.NEGATIVE_INFINITY) (batch.large ? lane.large : lane.small).margin.learn(lateMs, endedMs);
  }
}

/**
 * The runtime's texts repeat what the model was fed (`idx=4711 must be within ...`), and no value of a row may stand in
 * a log.
 */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\d[\d.]*(e[+-]?\d+)?/gi, "#");
}
