/** A clock that moves by hand, for tests of what happens when. */

import type { Clock } from "../../loadtest/clock.js";

export interface FakeClock extends Clock {
  /** Moves on to a time, calling back on the way at each time asked for, in order. */
  moveTo(timeMs: number): void;
}

export function createFakeClock(startMs = 1000): FakeClock {
  let nowMs = startMs;
  let alarms: { timeMs: number; callback: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    at(timeMs, callback) {
      const alarm = { timeMs, callback };
      alarms.push(alarm);
      return () => {
        alarms = alarms.filter((other) => other !== alarm);
      };
    },
    moveTo(timeMs) {
      for (;;) {
        const [first] = alarms.toSorted((a, b) => a.timeMs - b.timeMs);
        if (first === undefined || first.timeMs > timeMs) break;
        alarms = alarms.filter((other) => other !== first);
        nowMs = Math.max(nowMs, first.timeMs);
        first.callback();
      }
      nowMs = timeMs;
    },
  };
}
