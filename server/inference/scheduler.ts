/**
 * Gives the lanes' work to the executors: the event loop itself, and the pools' workers.
 *
 * Work-conserving: `flush` runs once at the end of each turn of the event loop in which calls were queued (so calls that were read from
 * the sockets together run together, and nothing waits for more), and each time a worker becomes free. The event loop is held for at most
 * `turnBudgetUs` of model time per turn; what is left over runs in the next turn, after the sockets were read again. Lanes share the executors
 * by time: the one that has had least of it comes first.
 */

import type { Call } from "../call.js";
import { ServeError } from "../errors.js";
import type { Version } from "../versions/version.js";
import { batchRows, batchRowsMax } from "./batch-length.js";
import { type Choice, chooseExecutor, type Execution } from "./choose-executor.js";
import { Executors } from "./executors.js";
import { type Forecast, forecast, isInTime } from "./forecast.js";
import { leaveIntake } from "./intake.js";
import { type CallQueue, Lane, type TakeBounds } from "./lane.js";
import { type Batch, packBatch, unpackBatch } from "./pack.js";
import { retryAfterMs } from "./retry-time.js";
import type { RunCost } from "./run-cost.js";
import { runLimitMs } from "./run-limit.js";
import type { Runner, RunResult } from "./runner.js";
import { StuckRunError, type WorkerPool } from "./worker-pool.js";

export interface SchedulerOptions {
  readonly execution: Execution;
  readonly pool: WorkerPool | undefined;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Runs a function at the end of this turn of the event loop: `setImmediate`. */
  readonly defer: (run: () => void) => void;
  /** Hears of each batch that ran. */
  readonly onBatch: (version: Version, executor: "inline" | "pool", rowCount: number, durationUs: number) => void;
  /** Hears of what the runtime said when rows failed, and of dead workers: for the log. */
  readonly onTrouble: (version: Version, message: string) => void;
}

/** Model time per turn of the event loop, microseconds: with the replies of the batch, a turn stays under 1 ms. */
const turnBudgetUs = 500;
/** Every so many batches, one is smaller: from batches of one size the fixed part of their cost can't be told. */
const probeEvery = 4;
const probeShare = 0.6;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #execution: Execution;
  readonly #laneOf = new Map<Version, Lane>();
  readonly #executorsOf = new Map<WorkerPool, Executors>();
  /** Lanes in which something waits. */
  readonly #waiting: Lane[] = [];
  #deferred = false;
  #batchCount = 0;
  /** Time that the lane which was served last had had, microseconds: one that comes back from idling begins there. */
  #usedUs = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#execution = options.pool === undefined ? "inline" : options.execution;
  }

  /** @param pool - Whose workers hold the version; by default those of all versions. */
  addLane(version: Version, runner: Runner | undefined, pool = this.#options.pool): Lane {
    const lane = new Lane(version, runner, pool);
    if (pool && !this.#executorsOf.has(pool)) {
      this.#executorsOf.set(pool, new Executors(pool));
      pool.onIdle = () => this.#flushLater();
    }
    this.#laneOf.set(version, lane);
    return lane;
  }

  lane(version: Version): Lane | undefined {
    return this.#laneOf.get(version);
  }

  /** Rows that wait, over all lanes. */
  get queuedRows(): number {
    return this.#waiting.reduce((sum, lane) => sum + lane.queuedRows, 0);
  }

  /**
   * Queues a call's rows; `call.onRun` is called once all of them ran, or failed, or can't run in time any more, in a later turn of the event loop.
   *
   * @throws {@link ServeError} overloaded if by the forecast the answer can't be ready in time.
   */
  submit(call: Call): void {
    const lane = this.#laneOf.get(call.version!);
    if (lane === undefined) throw new ServeError("not_ready", `model ${call.version!.key} isn't ready to run`);
    const nowMs = this.#options.now();
    const isSmall = call.rowCount <= this.#rowsSmallMax(lane);
    this.#admit(lane, call, isSmall, nowMs);
    if (!lane.waiting) {
      lane.usedUs = Math.max(lane.usedUs, this.#usedUs);
      this.#waiting.push(lane);
    }
    lane.push(call, isSmall);
    this.#flushLater();
  }

  /**
   * Refuses a call of so many rows, before anything of it is decoded, if it can't be answered in time.
   *
   * @param rowCount - Rows that it has at least.
   * @param targetMs - When its answer should be there, at the latest.
   * @throws {@link ServeError} overloaded.
   */
  refuseEarly(version: Version, rowCount: number, targetMs: number): void {
    const lane = this.#laneOf.get(version);
    // Where nothing waits, the rows themselves have to be seen.
    if (lane === undefined || !lane.waiting) return;
    const nowMs = this.#options.now();
    const isSmall = rowCount <= this.#rowsSmallMax(lane);
    const queue = isSmall ? lane.small : lane.large;
    if (queue.rows === 0) return;
    const found = this.#forecast(lane, queue, rowCount, nowMs);
    if (!isInTime(found, targetMs - nowMs, queue.margin.at(nowMs))) throw this.#overloaded(queue, found, rowCount, nowMs);
  }

  #admit(lane: Lane, call: Call, isSmall: boolean, nowMs: number): void {
    const queue = isSmall ? lane.small : lane.large;
    const found = this.#forecast(lane, queue, call.rowCount, nowMs);
    const timeMs = call.targetMs - nowMs;
    if (isInTime(found, timeMs, found.waitMs === 0 ? 0 : queue.margin.at(nowMs))) {
      call.forecastMs = nowMs + found.waitMs + found.ownMs;
      queue.arrivals.admitted(call.rowCount, nowMs);
      return;
    }
    // By the estimate alone: no run is under way that could correct it.
    if (queue.rows + lane.running === 0) this.#costOf(lane, isSmall).doubt();
    throw this.#overloaded(queue, found, call.rowCount, nowMs);
  }

  #overloaded({ rows, arrivals }: CallQueue, { waitMs, ownMs }: Forecast, rowCount: number, nowMs: number): ServeError {
    arrivals.refused(rowCount, nowMs);
    const message = `${rows} rows wait before this call, more than can be run in time for it; try again later`;
    return new ServeError("overloaded", message, { retryAfterMs: retryAfterMs({ waitMs: waitMs + ownMs, ...arrivals.rows(nowMs) }) });
  }

  #forecast(lane: Lane, queue: CallQueue, rowCount: number, nowMs: number): Forecast {
    const onLoop = this.#runsOnLoop(lane, queue);
    const cost = onLoop ? lane.inlineCost : lane.poolCost;
    const freeInMs = onLoop ? 0 : this.#executorsOf.get(lane.pool!)!.freeInMs(nowMs);
    const batch = onLoop ? rowsWithin(turnBudgetUs, cost) : this.#poolBatchRows(lane);
    // Not asked where everything goes into one batch.
    const drains = queue.rows + rowCount > batch;
    const rowsPerMs = drains ? queue.drain.rowsPerMs(this.#expectedRowsPerMs(lane, queue), nowMs) : 1;
    return forecast({ rowsAhead: queue.rows, freeInMs, rowsPerMs, batchRows: batch }, cost, rowCount);
  }

  /** Whether the event loop takes calls of this queue, alone or beside the workers. */
  #runsOnLoop(lane: Lane, queue: CallQueue): boolean {
    const execution = this.#executionOf(lane);
    return execution === "inline" || (execution === "auto" && queue === lane.small);
  }

  #costOf(lane: Lane, isSmall: boolean) {
    return this.#runsOnLoop(lane, isSmall ? lane.small : lane.large) ? lane.inlineCost : lane.poolCost;
  }

  /** What a queue drains by the fitted costs, rows a millisecond: believed until it was measured. */
  #expectedRowsPerMs(lane: Lane, queue: CallQueue): number {
    const execution = this.#executionOf(lane);
    let rowsPerMs = 0;
    if (this.#runsOnLoop(lane, queue)) {
      const rows = rowsWithin(turnBudgetUs, lane.inlineCost);
      rowsPerMs += (1000 * rows) / lane.inlineCost.of(rows);
    }
    if (execution !== "inline") {
      const rows = this.#poolBatchRows(lane);
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

  #poolBatchRows(lane: Lane): number {
    const bothWait = lane.small.rows > 0 && lane.large.rows > 0 && this.#executionOf(lane) === "pool";
    const shared = bothWait || this.#lanesWaitingFor(lane) > 1;
    return batchRows(lane.poolCost, { objectiveMs: lane.version.sloMs, shared });
  }

  /** A version without a session on this thread, or with a row that would outlast a turn of it, runs in the pool only. */
  #executionOf(lane: Lane): Execution {
    if (lane.runner === undefined) return "pool";
    if (lane.pool === undefined) return "inline";
    const tooSlow = this.#execution === "auto" && lane.inlineCost.of(1) > turnBudgetUs;
    return tooSlow ? "pool" : this.#execution;
  }

  /** Rows up to which a call is small: what fits into one turn of the event loop; in the pool, into one batch. */
  #rowsSmallMax(lane: Lane): number {
    if (this.#executionOf(lane) === "pool") return batchRows(lane.poolCost, { objectiveMs: lane.version.sloMs, shared: false });
    return rowsWithin(turnBudgetUs, lane.inlineCost);
  }

  #flushLater(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#options.defer(this.#flush);
  }

  readonly #flush = (): void => {
    this.#deferred = false;
    let budgetUs = turnBudgetUs;
    // Whoever has to wait is asked no more in this turn.
    const asked = this.#waiting.slice();
    while (asked.length > 0) {
      const index = leastUsed(asked);
      const lane = asked[index]!;
      this.#usedUs = lane.usedUs;
      const spentUs = lane.waiting ? this.#serve(lane, budgetUs) : undefined;
      if (spentUs === undefined) asked.splice(index, 1);
      else budgetUs -= spentUs;
    }
    for (let k = this.#waiting.length - 1; k >= 0; k--) if (!this.#waiting[k]!.waiting) this.#waiting.splice(k, 1);
    // Rows that the event loop could take but had no time for run in the next turn; all others wait for a worker to become free.
    const leftOver = this.#waiting.some((lane) => {
      const execution = this.#executionOf(lane);
      if (execution === "inline") return lane.queuedRows > 0;
      return execution === "auto" && lane.small.rows > 0 && lane.inlineCost.of(1) <= turnBudgetUs;
    });
    if (leftOver) this.#flushLater();
  };

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
    const choice = load.smallRows + load.largeRows === 0 ? "wait" : chooseExecutor(load, lane.inlineCost, this.#executionOf(lane));
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
      rowsPerMs: this.#expectedRowsPerMs(lane, queue),
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
        const excess = this.#executionOf(lane) === "auto" ? Math.max(1, small.rows - rowsInline) : small.rows;
        return lane.takeSmall(bounds(small, poolCost, Math.min(this.#nextPoolBatchRows(lane), excess)), late);
      }
      default:
        lane.lastWasLarge = true;
        return lane.takeLarge(bounds(large, poolCost, this.#nextPoolBatchRows(lane)), late);
    }
  }

  #nextPoolBatchRows(lane: Lane): number {
    const rows = this.#poolBatchRows(lane);
    this.#batchCount = (this.#batchCount + 1) % probeEvery;
    return this.#batchCount === 0 ? Math.max(1, Math.floor(probeShare * rows)) : rows;
  }

  /** @returns How long the event loop was held, microseconds. */
  #runInline(lane: Lane, batch: Batch): number {
    const { now } = this.#options;
    const startedMs = now();
    const blocks = packBatch(batch, lane.blockWidths, false);
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
    lane.usedUs += expectedUs;
    executors.began(running);
    // Should the worker die, they are wanted again.
    for (const call of batch.calls) leaveIntake(call);
    try {
      const blocks = packBatch(batch, lane.blockWidths, true);
      const limitMs = runLimitMs(expectedUs / 1000, lane.longestRunMs);
      const result = await lane.pool!.run(lane.version.key, blocks, batch.rowCount, limitMs);
      const endedMs = now();
      const us = (endedMs - startedMs) * 1000;
      lane.usedUs += us - expectedUs;
      lane.tookMs(batch.rowCount, endedMs - startedMs);
      // Without the hand-over it can't have taken longer: so a cost that one bad moment of the machine left behind is unlearned even while
      // nothing runs on the event loop because of it.
      if (us < lane.inlineCost.of(batch.rowCount)) lane.inlineCost.observe(batch.rowCount, us);
      this.#complete(lane, batch, result, "pool", startedMs, endedMs);
    } catch (error) {
      if (error instanceof StuckRunError) this.#writeOff(lane, batch, error);
      else {
        onTrouble(lane.version, `a worker died while it ran ${batch.rowCount} rows: ${(error as Error)?.message ?? error}`);
        this.#secondTry(lane, batch, error);
      }
    } finally {
      lane.running--;
      executors.ended(running);
    }
  }

  /** What held one worker for ever would hold the next one too. */
  #writeOff(lane: Lane, batch: Batch, error: StuckRunError): void {
    this.#options.onTrouble(lane.version, `a batch of ${batch.rowCount} rows is given up: ${error.message}`);
    for (const call of batch.calls) {
      if (call.finished) continue;
      call.error = new ServeError("deadline_exceeded", "the model ran far longer on this call than it ever did: the run was given up");
      call.onRun(call);
    }
  }

  /** A batch whose worker died runs once more; one that met two dead workers may be what kills them. */
  #secondTry(lane: Lane, batch: Batch, error: unknown): void {
    if (!batch.retried) {
      if (!lane.waiting) this.#waiting.push(lane);
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

  #complete(lane: Lane, batch: Batch, result: RunResult, executor: "inline" | "pool", startedMs: number, endedMs: number): void {
    const { onBatch, onTrouble } = this.#options;
    onBatch(lane.version, executor, batch.rowCount, (endedMs - startedMs) * 1000);
    if (result.failure !== undefined)
      onTrouble(lane.version, `the model failed on ${result.failedRows.length} rows: ${withoutNumbers(result.failure)}`);
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
    const first = batch.calls[0]!;
    if (lateMs > Number.NEGATIVE_INFINITY) (first.rowCount > batch.rowCount ? lane.large : lane.small).margin.learn(lateMs, endedMs);
  }
}

function leastUsed(lanes: readonly Lane[]): number {
  let least = 0;
  for (let k = 1; k < lanes.length; k++) if (lanes[k]!.usedUs < lanes[least]!.usedUs) least = k;
  return least;
}

/** Rows of a batch that ends within so many microseconds; at least one. */
function rowsWithin(budgetUs: number, { fixedUs, perRowUs }: RunCost): number {
  return Math.max(1, Math.min(batchRowsMax, Math.floor((budgetUs - fixedUs) / perRowUs)));
}

/** The runtime's texts repeat what the model was fed (`idx=4711 must be within ...`), and no value of a row may stand in a log. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\d[\d.]*(e[+-]?\d+)?/gi, "#");
}
