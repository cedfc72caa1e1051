/**
 * Work that would hold the event loop for too long, taken in slices: some in each turn of the loop, between which
 * sockets are read, small calls are answered and deadlines are looked at.
 *
 * The time of a turn is shared by all such work, however much there is. Work of the oldest call comes first: turn and
 * turn about, ten large bodies would all be decoded at the end, and the pool would have nothing to run until then.
 */

/** Each `next` is one slice, of at most a few tenths of a turn's time. Must not throw. */
export type SlicedWork = Iterator<unknown, unknown>;

export interface SlicesOptions {
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Runs a function at the end of this turn of the event loop: `setImmediate`. */
  readonly defer: (run: () => void) => void;
}

/**
 * Time per turn, milliseconds. With the last slice, which may begin just before the end, and the model's share of the
 * turn (`inference/scheduler.ts`) this stays under 1 ms; a turn costs about 10 us.
 */
const turnBudgetMs = 0.3;

export class Slices {
  readonly #options: SlicesOptions;
  /** Oldest first. */
  readonly #waiting: { work: SlicedWork; sinceMs: number }[] = [];
  #deferred = false;

  constructor(options: SlicesOptions) {
    this.#options = options;
  }

  /**
   * Begins at the end of this turn.
   *
   * @param sinceMs - When the call came that the work is for.
   */
  add(work: SlicedWork, sinceMs: number): void {
    const behind = this.#waiting.findLastIndex((other) => other.sinceMs <= sinceMs);
    this.#waiting.splice(behind + 1, 0, { work, sinceMs });
    this.#turnLater();
  }

  #turnLater(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#options.defer(this.#turn);
  }

  readonly #turn = (): void => {
    this.#deferred = false;
    const { now } = this.#options;
    const endMs = now() + turnBudgetMs;
    do {
      // Looked up again before each slice: the last one may have added work of an older call.
      const first = this.#waiting[0];
      if (first === undefined) return;
      if (first.work.next().done === true) this.#waiting.splice(this.#waiting.indexOf(first), 1);
    } while (now() < endMs);
    if (this.#waiting.length > 0) this.#turnLater();
  };
}
