/**
 * Who is let in: a call that comes is refused if its answer can't be ready in time, before any work.
 */

import { ServeError } from "../errors.js";
import type { Call } from "../path/call.js";
import type { Executors } from "./executors.js";
import { type Forecast, forecast, isInTime, isWorthTrying } from "./forecast.js";
import type { CallQueue, Lane } from "./lane.js";
import type { Placement } from "./placement.js";
import { retryAfterMs } from "./retry-time.js";
import type { WorkerPool } from "./worker-pool.js";

/** A refusal is followed by others, for so long at least, milliseconds. */
const refusingMs = 1000;

export class Gate {
  readonly #placement: Placement;
  readonly #executorsOf: ReadonlyMap<WorkerPool, Executors>;
  #refusedMs = Number.NEGATIVE_INFINITY;

  constructor(placement: Placement, executorsOf: ReadonlyMap<WorkerPool, Executors>) {
    this.#placement = placement;
    this.#executorsOf = executorsOf;
  }

  /**
   * Lets a call in, or throws.
   *
   * @throws {@link ServeError} overloaded.
   */
  admit(lane: Lane, queue: CallQueue, call: Call, nowMs: number): void {
    const found = this.#forecast(lane, queue, { rowsAhead: queue.rows, rowCount: call.rowCount }, nowMs);
    const timeMs = call.targetMs - nowMs;
    const marginMs = found.waitMs === 0 ? 0 : queue.margin.at(nowMs);
    if (isInTime(found, timeMs, marginMs) || isWorthTrying(found, timeMs, call.deadlineMs - nowMs)) {
      call.forecastMs = nowMs + found.waitMs + found.ownMs;
      queue.arrivals.admitted(call.rowCount, nowMs);
      return;
    }
    // By the estimate alone: no run is under way that could correct it.
    if (queue.rows + lane.running === 0) this.#placement.costOf(lane, queue).doubt();
    throw this.#overloaded(queue, found, call.rowCount, nowMs);
  }

  /**
   * The same for a call of which only the fewest rows it can have are known. Where nothing waits, the rows themselves
   * have to be seen.
   *
   * @param targetMs - When its answer should be there, at the latest.
   * @returns Why it is refused: overloaded; undefined if it isn't. Not thrown, since V8 takes longer to throw than all
   *   the rest of a refusal.
   */
  refusal(
    lane: Lane,
    queue: CallQueue,
    { rowCount, targetMs }: { rowCount: number; targetMs: number },
    nowMs: number,
  ): ServeError | undefined {
    const rowsAhead = queue.rows + queue.expectedRows;
    if (rowsAhead === 0) return undefined;
    const found = this.#forecast(lane, queue, { rowsAhead, rowCount }, nowMs);
    return isInTime(found, targetMs - nowMs, queue.margin.at(nowMs))
      ? undefined
      : this.#overloaded(queue, found, rowCount, nowMs);
  }

  /** Whether calls, of whatever lane, were refused lately. */
  isRefusing(nowMs: number): boolean {
    return nowMs - this.#refusedMs < refusingMs;
  }

  #overloaded(queue: CallQueue, found: Forecast, rowCount: number, nowMs: number): ServeError {
    this.#refusedMs = nowMs;
    return overloaded(queue, found, rowCount, nowMs);
  }

  #forecast(
    lane: Lane,
    queue: CallQueue,
    { rowsAhead, rowCount }: { rowsAhead: number; rowCount: number },
    nowMs: number,
  ): Forecast {
    const placement = this.#placement;
    // The most frequent case: one run, at once.
    if (rowsAhead === 0 && queue === lane.small && placement.runsOnLoop(lane, queue))
      return { waitMs: 0, ownMs: lane.inlineCost.of(rowCount) / 1000 };
    const freeInMs = placement.runsOnLoop(lane, queue) ? 0 : this.#executorsOf.get(lane.pool!)!.freeInMs(nowMs);
    const batchRows = placement.batchRowsOf(lane, queue, nowMs);
    // Not asked where everything goes into one batch.
    const drains = rowsAhead + rowCount > batchRows;
    const rowsPerMs = drains ? queue.drain.rowsPerMs(placement.expectedRowsPerMs(lane, queue, nowMs), nowMs) : 1;
    return forecast({ rowsAhead, freeInMs, rowsPerMs, batchRows }, placement.costOf(lane, queue), rowCount);
  }
}

function overloaded(queue: CallQueue, { waitMs, ownMs }: Forecast, rowCount: number, nowMs: number): ServeError {
  const { rows, expectedRows, arrivals, refusals } = queue;
  arrivals.refused(rowCount, nowMs);
  return refusals.take(nowMs, () => {
    const waiting = rows + expectedRows;
    const message =
      waiting > 0
        ? `${waiting} rows wait before this call, more than can be run in time for it; try again later`
        : "no row waits before this call, but by what runs take now it can't be answered in its time; send fewer rows at once, or allow more time";
    return new ServeError("overloaded", message, {
      retryAfterMs: retryAfterMs({ waitMs: waitMs + ownMs, ...arrivals.rows(nowMs) }),
    });
  });
}
