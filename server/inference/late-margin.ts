/**
 * How wrong were the forecasts? The time by which calls ended later than forecast, as a margin for the next ones: quick
 * to grow, since one batch that is late is many calls, and slow to shrink.
 */

/** Share of a larger error that the margin takes over at once. */
const growth = 0.5;
/** Without a larger error the margin loses two thirds in this time, milliseconds. */
const fadeMs = 5000;

export class LateMargin {
  #marginMs = 0;
  #atMs = 0;

  /** @param lateMs - The worst of a batch: by how much it ended after its forecast; negative where it was early. */
  learn(lateMs: number, nowMs: number): void {
    const marginMs = this.at(nowMs);
    this.#marginMs = lateMs > marginMs ? marginMs + growth * (lateMs - marginMs) : marginMs;
    this.#atMs = nowMs;
  }

  /** @returns Milliseconds, 0 or more. */
  at(nowMs: number): number {
    return this.#marginMs * Math.exp(-Math.max(0, nowMs - this.#atMs) / fadeMs);
  }
}
