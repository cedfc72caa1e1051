/**
 * The monotonic clock's times as times of the wall clock.
 *
 * The two drift apart, by seconds over days, so the difference can't be taken once; and the wall clock tells whole
 * milliseconds only, so the difference taken anew each time would be wrong by up to one. It is therefore kept for as
 * long as the wall clock doesn't contradict it, and then moved by the least that agrees: it narrows down to the true
 * difference, and follows it.
 */
export class WallClock {
  readonly #monotonicMs: () => number;
  readonly #wallMs: () => number;
  #offsetMs: number;

  /**
   * @param monotonicMs - The clock of the times to convert.
   * @param wallMs - Whole milliseconds since 1970, rounded down.
   */
  constructor(monotonicMs: () => number, wallMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#wallMs = wallMs;
    this.#offsetMs = wallMs() - monotonicMs();
  }

  /**
   * @returns What to add to times of the monotonic clock. One call's times take the same, so that they keep their
   *   distances.
   */
  offsetMs(): number {
    const wallMs = this.#wallMs();
    const estimateMs = this.#monotonicMs() + this.#offsetMs;
    if (estimateMs < wallMs) this.#offsetMs += wallMs - estimateMs;
    else if (estimateMs > wallMs + 1) this.#offsetMs -= estimateMs - (wallMs + 1);
    return this.#offsetMs;
  }
}
