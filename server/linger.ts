/**
 * Stays awake for a moment where the next call is about to come.
 *
 * A thread that sleeps in the kernel is woken in 20-60 us on a virtual machine and starts with cold caches, which for
 * one caller that asks, reads and asks again is most of the latency. So when a call came within `lingerMs` of the reply
 * before it, the event loop keeps polling for as long after this reply too. It is a bet on what just happened: at an
 * even 200 calls a second, or 5,000, it never polls at all.
 */
export class Linger {
  readonly #now: () => number;
  readonly #lingerMs: number;
  readonly #defer: (run: () => void) => void;
  #lastReplyMs = 0;
  #worthIt = false;
  #inFlight = 0;
  #polling = false;

  /**
   * @param now - Monotonic clock, milliseconds.
   * @param lingerMs - How long to poll; 0 switches it off.
   * @param defer - Runs a function in the next turn of the event loop, without letting it sleep before: `setImmediate`.
   */
  constructor(now: () => number, lingerMs: number, defer: (run: () => void) => void) {
    this.#now = now;
    this.#lingerMs = lingerMs;
    this.#defer = defer;
  }

  arrived(nowMs: number): void {
    this.#inFlight++;
    this.#worthIt = nowMs - this.#lastReplyMs < this.#lingerMs;
  }

  replied(nowMs: number): void {
    this.#inFlight--;
    this.#lastReplyMs = nowMs;
    if (this.#worthIt && this.#inFlight === 0 && !this.#polling) {
      this.#polling = true;
      this.#defer(this.#poll);
    }
  }

  readonly #poll = (): void => {
    if (this.#inFlight === 0 && this.#now() - this.#lastReplyMs < this.#lingerMs) this.#defer(this.#poll);
    else this.#polling = false;
  };
}
