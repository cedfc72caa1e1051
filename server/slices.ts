/**
 * Work that would hold the event loop for too long, taken in slices: some in each turn of the loop, between which sockets are read, small
 * calls are answered and deadlines are looked at.
 *
 * The time of a turn is shared by all such work, however much there is, and what didn't end in its turn goes to the back of the queue: a
 * body of 100 KB isn't held up by one of 10 MB. Work is a generator that yields at least every few tenths of the budget.
 */

import { Fifo } from "./inference/fifo.js";

/** Each `next` is one slice. Must not throw. */
export type SlicedWork = Iterator<unknown, unknown>;

export interface SlicesOptions {
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Runs a function at the end of this turn of the event loop: `setImmediate`. */
  readonly defer: (run: () => void) => void;
}

/**
 * Time per turn, milliseconds. With the last slice, which may begin just before the end, and the model's share of the turn
 * (`inference/scheduler.ts`) this stays under 1 ms; a tenth more or less changes nothing that can be measured, since a turn costs about 10 us.
 */
const turnBudgetMs = 0.3;

export class Slices {
  readonly #options: SlicesOptions;
  readonly #waiting = new Fifo<SlicedWork>();
  #deferred = false;

  constructor(options: SlicesOptions) {
    this.#options = options;
  }

  /** Begins at the end of this turn. */
  add(work: SlicedWork): void {
    this.#waiting.push(work);
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
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      let ended = false;
      do ended = work.next().done === true;
      while (!ended && now() < endMs);
      if (!ended) this.#waiting.push(work);
      if (now() >= endMs) break;
    }
    if (this.#waiting.length > 0) this.#turnLater();
  };
}

/** Takes all slices at once, where nothing else waits for this thread. */
export function takeWhole<T>(work: Iterator<unknown, T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
  }
}
