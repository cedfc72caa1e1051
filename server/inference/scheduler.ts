/**
 * Gives the lanes' work to the executors: the event loop itself, and the pool's workers.
 *
 * Work-conserving: `flush` runs once at the end of each turn of the event loop in which calls were queued (so calls that were read from
 * the sockets together run together, and nothing waits for more), and each time a worker becomes free. The event loop is held for at most
 * `turnBudgetUs` of model time per turn; what is left over runs in the next turn, after the sockets were read again.
 */

import type { Call } from "../call.js";
import { ServeError } from "../errors.js";
import type { Version } from "../versions/version.js";
import { type Choice, chooseExecutor, type Execution } from "./choose-executor.js";
import { leaveIntake } from "./intake.js";
import { Lane } from "./lane.js";
import { type Batch, packBatch, unpackBatch } from "./pack.js";
import type { RunCost } from "./run-cost.js";
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
/**
 * Rows of one batch, wherever it runs. In the pool it is a few milliseconds of a tree ensemble, so that calls take turns; on the event loop a
 * cheaper model could take thousands in its time, but a batch that fails is run again row by row. The proof's largest batch has as many.
 */
const batchRowsMax = 256;
/** A run in a worker that lasts longer than this, and than its version's objective, is given up, milliseconds. */
const stuckAfterMs = 1000;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #execution: Execution;
  readonly #lanes: Lane[] = [];
  readonly #laneOf = new Map<Version, Lane>();
  #deferred = false;
  #firstLane = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#execution = options.pool === undefined ? "inline" : options.execution;
  }

  /** @param pool - Whose workers hold the version; by default those of all versions. */
  addLane(version: Version, runner: Runner | undefined, pool = this.#options.pool): Lane {
    const lane = new Lane(version, runner, pool);
    if (pool) pool.onIdle = () => this.#flushLater();
    this.#lanes.push(lane);
    this.#laneOf.set(version, lane);
    return lane;
  }

  lane(version: Version): Lane | undefined {
    return this.#laneOf.get(version);
  }

  /** Rows that wait, over all lanes. */
  get queuedRows(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.queuedRows, 0);
  }

  /**
   * Queues a call's rows; `call.onRun` is called once all of them ran, or failed, in a later turn of the event loop.
   *
   * @throws {@link ServeError} overloaded if by the fitted cost the answer can't be ready in time.
   */
  submit(call: Call): void {
    const lane = this.#laneOf.get(call.version!);
    if (lane === undefined) throw new ServeError("not_ready", `model ${call.version!.key} isn't ready to run`);
    this.#refuseLate(lane, call);
    lane.push(call, this.#rowsSmallMax(lane));
    this.#flushLater();
  }

  #refuseLate(lane: Lane, call: Call): void {
    const execution = this.#executionOf(lane);
    const inline = execution === "inline" || (execution === "auto" && call.rowCount <= this.#rowsSmallMax(lane));
    const cost = inline ? lane.inlineCost : lane.poolCost;
    const ahead = lane.smallRows + (inline && execution === "auto" ? 0 : lane.largeRows);
    const executors = inline ? 1 : lane.pool!.workers;
    const waitUs = (cost.perRowUs * (ahead + call.rowCount)) / executors + cost.fixedUs;
    if (this.#options.now() + waitUs / 1000 > call.targetMs) {
      // By the estimate alone: no run is under way that could correct it.
      if ((inline ? ahead : lane.largeRows + lane.running) === 0) cost.doubt();
      throw new ServeError("overloaded", `${ahead} rows wait before this call, more than can be run in time for it; try again later`);
    }
  }

  /** A version without a session on this thread, or with a row that would outlast a turn of it, runs in the pool only. */
  #executionOf(lane: Lane): Execution {
    const tooSlow = this.#execution === "auto" && lane.inlineCost.of(1) > turnBudgetUs;
    return lane.runner === undefined || tooSlow ? "pool" : this.#execution;
  }

  /** Rows up to which a call is small: what fits into one turn of the event loop; in the pool, into one batch. */
  #rowsSmallMax(lane: Lane): number {
    if (this.#executionOf(lane) === "pool") return batchRowsMax;
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
    // A different lane begins each turn, so that none starves another.
    this.#firstLane++;
    for (let k = 0; k < this.#lanes.length; k++) {
      const lane = this.#lanes[(this.#firstLane + k) % this.#lanes.length]!;
      budgetUs = this.#serve(lane, budgetUs);
    }
    // Rows that the event loop could take but had no time for run in the next turn; all others wait for a worker to become free.
    const leftOver = this.#lanes.some((lane) => {
      const execution = this.#executionOf(lane);
      if (execution === "inline") return lane.queuedRows > 0;
      return execution === "auto" && lane.smallRows > 0 && lane.inlineCost.of(1) <= turnBudgetUs;
    });
    if (leftOver) this.#flushLater();
  };

  /** Runs and hands out what a lane has, until its work, the executors or the turn's budget are used up; returns what is left of it. */
  #serve(lane: Lane, budgetUs: number): number {
    let budget = budgetUs;
    for (;;) {
      const idleWorkers = lane.pool?.idle ?? 0;
      if (lane.retries.length > 0 && idleWorkers > 0) {
        const batch = lane.retries.shift()!;
        if (batch.calls.some(({ finished }) => !finished)) void this.#runInPool(lane, batch);
        continue;
      }
      const { smallRows, largeRows, lastWasLarge } = lane;
      if (smallRows + largeRows === 0) return budget;
      const load = { smallRows, largeRows, lastWasLarge, idleWorkers, budgetUs: budget, turnUnused: budget === turnBudgetUs };
      const choice = chooseExecutor(load, lane.inlineCost, this.#executionOf(lane));
      if (choice === "wait") return budget;
      const batch = this.#take(lane, choice, budget);
      if (batch === undefined) continue;
      if (choice === "inline-small" || choice === "inline-large") budget -= this.#runInline(lane, batch);
      else void this.#runInPool(lane, batch);
    }
  }

  #take(lane: Lane, choice: Choice, budgetUs: number): Batch | undefined {
    const rowsInline = rowsWithin(budgetUs, lane.inlineCost);
    switch (choice) {
      case "inline-small":
        return lane.takeSmall(lane.inlineCost, rowsInline, this.#options.now());
      case "inline-large":
        return lane.takeLarge(rowsInline);
      case "pool-small": {
        lane.lastWasLarge = false;
        // The event loop keeps what it can run in this turn, and works at the same time as the worker.
        const excess = this.#executionOf(lane) === "auto" ? Math.max(1, lane.smallRows - rowsInline) : lane.smallRows;
        return lane.takeSmall(lane.poolCost, Math.min(batchRowsMax, excess), this.#options.now());
      }
      default:
        lane.lastWasLarge = true;
        return lane.takeLarge(batchRowsMax);
    }
  }

  /** @returns How long the event loop was held, microseconds. */
  #runInline(lane: Lane, batch: Batch): number {
    const { now } = this.#options;
    const startedMs = now();
    const blocks = packBatch(batch, lane.blockWidths, false);
    const result = lane.runner!.run(blocks, batch.rowCount);
    if (lane.small.length === 0) lane.version.intake?.clear();
    const endedMs = now();
    const us = (endedMs - startedMs) * 1000;
    lane.inlineCost.observe(batch.rowCount, us);
    this.#complete(lane, batch, result, "inline", startedMs, endedMs);
    return us;
  }

  async #runInPool(lane: Lane, batch: Batch): Promise<void> {
    const { now, onTrouble } = this.#options;
    const startedMs = now();
    lane.running++;
    // Should the worker die, they are wanted again.
    for (const call of batch.calls) leaveIntake(call);
    try {
      const blocks = packBatch(batch, lane.blockWidths, true);
      const result = await lane.pool!.run(lane.version.key, blocks, batch.rowCount, Math.max(stuckAfterMs, lane.version.sloMs));
      const endedMs = now();
      const us = (endedMs - startedMs) * 1000;
      lane.poolCost.observe(batch.rowCount, us);
      // Without the hand-over it can't have taken longer: so a cost that one bad moment of the machine left behind is unlearned even while
      // nothing runs on the event loop because of it.
      if (us < lane.inlineCost.of(batch.rowCount)) lane.inlineCost.observe(batch.rowCount, us);
      this.#complete(lane, batch, result, "pool", startedMs, endedMs);
    } catch (error) {
      if (error instanceof StuckRunError) {
        this.#giveUp(lane, batch, error);
        return;
      }
      onTrouble(lane.version, `a worker died while it ran ${batch.rowCount} rows: ${(error as Error)?.message ?? error}`);
      this.#secondTry(lane, batch, error);
    } finally {
      lane.running--;
    }
  }

  /** A batch that didn't end isn't tried again: it would only cost the next worker. */
  #giveUp({ version }: Lane, batch: Batch, error: StuckRunError): void {
    this.#options.onTrouble(version, `a batch of ${batch.rowCount} rows is given up: ${error.message}`);
    for (const call of batch.calls) {
      if (call.finished) continue;
      call.error = new ServeError("deadline_exceeded", "the model's run didn't end, and was given up", { cause: error });
      call.onRun(call);
    }
  }

  /** A batch whose worker died runs once more; one that met two dead workers may be what kills them. */
  #secondTry(lane: Lane, batch: Batch, error: unknown): void {
    if (!batch.retried) {
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
    for (const call of batch.calls) {
      call.executor = executor;
      call.batchRows = batch.rowCount;
      if (call.rowsDone === 0) call.runStartedMs = startedMs;
      call.runEndedMs = endedMs;
      call.rowsDone += call.rowCount > batch.rowCount ? batch.rowCount : call.rowCount;
      if (call.rowsDone === call.rowCount && !call.finished) call.onRun(call);
    }
  }
}

/** Rows of a batch that ends within so many microseconds; at least one. */
function rowsWithin(budgetUs: number, { fixedUs, perRowUs }: RunCost): number {
  return Math.max(1, Math.min(batchRowsMax, Math.floor((budgetUs - fixedUs) / perRowUs)));
}

/** The runtime's texts repeat what the model was fed (`idx=4711 must be within ...`), and no value of a row may stand in a log. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\d[\d.]*(e[+-]?\d+)?/gi, "#");
}
