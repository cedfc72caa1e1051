/** Time for the generators, passed in so that tests can run on a clock of their own. */

export interface Clock {
  /** Monotonic milliseconds, fractions included. */
  nowMs(): number;
  /**
   * Calls back once `timeMs` has come, never before and never within this call. Returns a function that calls it off.
   */
  at(timeMs: number, callback: () => void): () => void;
}

// setTimeout counts whole milliseconds and fires up to one late, so the timer is set this much early.
// The rest is spent turning the event loop: each turn polls the sockets, so replies are read while waiting.
const spinMs = 1;

/**
 * The machine's clock. Hits a time to some ten microseconds on an idle machine, at the price of spinning for 1 to 2 ms
 * before it.
 */
export const machineClock: Clock = {
  nowMs: () => performance.now(),
  at(timeMs, callback) {
    let calledOff = false;
    const turn = () => {
      if (calledOff) return;
      if (performance.now() >= timeMs) callback();
      else setImmediate(turn);
    };
    const delayMs = timeMs - spinMs - performance.now();
    const timer = delayMs >= 1 ? setTimeout(turn, delayMs) : undefined;
    if (timer === undefined) setImmediate(turn);
    return () => {
      calledOff = true;
      clearTimeout(timer);
    };
  },
};
