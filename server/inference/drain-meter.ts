/**
 * How fast does a queue really drain? Rows a millisecond that leave it while others still wait, whatever the reason:
 * every executor, the loop's other work and other lanes are in it, which no fitted cost of a run knows.
 *
 * A window begins and ends when rows leave, so that whole batches are counted. What was measured fades while nothing
 * waits, because the machine may be another one by then; the caller's own forecast takes its place.
 */

/** A window is as long at least, milliseconds: some batches of a cheap model. */
const windowMs = 20;
/** Windows that together last as long count for two thirds of the figure, milliseconds. */
const memoryMs = 200;
/** A window counts for as much at most, milliseconds: one in which everything stood still says little of the next. */
const countedMsMax = 100;
/** Once nothing waits, the figure loses two thirds of its weight in this time, milliseconds. */
const fadeMs = 2000;

export class DrainMeter {
  #rowsPerMs = 0;
  /** How much the figure is worth, from 0 to 1: one window, in which the machine may have stood still, is little. */
  #evidence = 0;
  #measuredMs = Number.NEGATIVE_INFINITY;
  /** NaN while no window is open. */
  #windowFromMs = Number.NaN;
  #windowRows = 0;

  /**
   * Rows left the queue: into a batch, or because their call is over.
   *
   * @param rowsWaiting - Rows that are still in the queue.
   */
  left(rowCount: number, rowsWaiting: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#windowFromMs;
    this.#windowRows += rowCount;
    if (elapsedMs >= windowMs) this.#close(elapsedMs, nowMs);
    else if (rowsWaiting > 0 && elapsedMs >= 0) return;
    this.#windowFromMs = rowsWaiting > 0 ? nowMs : Number.NaN;
    this.#windowRows = 0;
  }

  #close(elapsedMs: number, nowMs: number): void {
    const rowsPerMs = this.#windowRows / elapsedMs;
    const weight = 1 - Math.exp(-Math.min(elapsedMs, countedMsMax) / memoryMs);
    // A figure that has faded counts as little in the new one.
    const evidence = 1 - (1 - weight) * (1 - this.#trust(nowMs));
    this.#rowsPerMs += (rowsPerMs - this.#rowsPerMs) * (weight / evidence);
    this.#evidence = evidence;
    this.#measuredMs = nowMs;
  }

  /** While rows wait, nothing fades. */
  #trust(nowMs: number): number {
    if (this.#evidence === 0) return 0;
    const untilMs = Number.isNaN(this.#windowFromMs) ? nowMs : this.#windowFromMs;
    return this.#evidence * Math.exp(-Math.max(0, untilMs - this.#measuredMs) / fadeMs);
  }

  /**
   * @param forecast - Rows a millisecond by the fitted cost; believed as far as nothing was measured lately.
   * @returns Rows a millisecond, above 0.
   */
  rowsPerMs(forecast: number, nowMs: number): number {
    const trust = this.#trust(nowMs);
    if (trust < 0.01 || this.#rowsPerMs <= 0) return forecast;
    return this.#rowsPerMs ** trust * forecast ** (1 - trust);
  }
}
