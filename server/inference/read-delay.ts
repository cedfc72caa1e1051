/**
 * How long did what is read now wait in its socket? A call counts from when it is read. While the event loop is never
 * idle, what comes during one turn is read in the next, and is as much older.
 */

export interface ReadDelayOptions {
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Runs a function at the end of this turn of the event loop: `setImmediate`. */
  readonly defer: (run: () => void) => void;
}

/** A loop that read nothing for so long between two turns waited for something to come, milliseconds. */
const idleMs = 2;

export class ReadDelay {
  readonly #options: ReadDelayOptions;
  #isOpen = false;
  /** Since when what is read in this turn may have waited. */
  #sinceMs = 0;
  #startedMs = 0;
  #endedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReadDelayOptions) {
    this.#options = options;
  }

  /** @returns The longest that something read now may have waited, milliseconds. */
  at(nowMs: number): number {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#sinceMs = nowMs - this.#endedMs > idleMs ? nowMs : this.#startedMs;
      this.#startedMs = nowMs;
      this.#options.defer(this.#end);
    }
    return nowMs - this.#sinceMs;
  }

  readonly #end = (): void => {
    this.#isOpen = false;
    this.#endedMs = this.#options.now();
  };
}
