/**
 * What one refused caller is told is true of all who come in the next milliseconds; and making an error costs more than
 * the decision.
 */

import type { ServeError } from "../errors.js";

/** How long a refusal stands for others, milliseconds. */
const lastsMs = 5;

export class Refusals {
  #last: ServeError | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** The last refusal if it is fresh, else a new one. */
  take(nowMs: number, make: () => ServeError): ServeError {
    if (this.#last === undefined || nowMs - this.#lastMs >= lastsMs) {
      this.#last = make();
      this.#lastMs = nowMs;
    }
    return this.#last;
  }
}
