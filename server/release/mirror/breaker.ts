/**
 * Whether a server that failed is asked again. Closed: it is asked. After some failures in a row it opens: nothing is
 * asked for a while. Then one call probes it: an answer closes it, a failure opens it for twice as long. Pure: the caller
 * passes the time in.
 */

const failuresMax = 5;
const waitMsFirst = 1000;
const waitMsMax = 60_000;

export class Breaker {
  #failures = 0;
  #waitMs = 0;
  #openUntilMs = 0;
  #isProbing = false;

  get isOpen(): boolean {
    return this.#waitMs > 0;
  }

  /** Of an open one, true once its wait is over, for one call at a time. */
  mayAsk(nowMs: number): boolean {
    if (!this.isOpen) return true;
    if (this.#isProbing || nowMs < this.#openUntilMs) return false;
    this.#isProbing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#waitMs = 0;
    this.#isProbing = false;
  }

  failed(nowMs: number): void {
    this.#failures++;
    // Calls that were under way as it opened say nothing new.
    if (this.#failures < failuresMax || (this.isOpen && !this.#isProbing)) return;
    this.#isProbing = false;
    this.#waitMs = this.isOpen ? Math.min(waitMsMax, 2 * this.#waitMs) : waitMsFirst;
    this.#openUntilMs = nowMs + this.#waitMs;
  }
}
