/**
 * Time and turns by hand: a clock and the ends of turns of the event loop, both moved by the test.
 */

export class HandClock {
  nowMs: number;

  constructor(startMs = 1000) {
    this.nowMs = startMs;
  }

  readonly now = (): number => this.nowMs;

  advance(ms: number): void {
    this.nowMs += ms;
  }
}

export class HandTurns {
  #waiting: (() => void)[] = [];

  /** In the place of `setImmediate`. */
  readonly defer = (run: () => void): void => {
    this.#waiting.push(run);
  };

  /** Functions that wait for the end of this turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Ends this turn: what was deferred in it runs; what that defers waits for the next. */
  turn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  /** Turns until nothing waits. @throws Error when that never happens: somebody spins. */
  untilQuiet(turnsMax = 10_000): void {
    for (let turns = 0; this.#waiting.length > 0; turns++) {
      if (turns === turnsMax) throw new Error(`the event loop still spins after ${turnsMax} turns`);
      this.turn();
    }
  }
}
