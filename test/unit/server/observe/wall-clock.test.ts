/**
 * Goal: times of the wall clock that are true to a millisecond after days too, and that keep a call's stages in order.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WallClock } from "../../../../server/observe/wall-clock.js";

/** Two clocks: the wall clock tells whole milliseconds of a time that runs from `sinceMs`, at another pace. */
function createClocks(sinceMs: number, pace = 1) {
  const clocks = { monotonicMs: 0, jumpMs: 0 };
  const trueMs = () => sinceMs + clocks.monotonicMs * pace + clocks.jumpMs;
  const clock = new WallClock(
    () => clocks.monotonicMs,
    () => Math.floor(trueMs()),
  );
  return { clocks, clock, errorMs: () => clocks.monotonicMs + clock.offsetMs() - trueMs() };
}

// Times since 1970 are known to a quarter of a microsecond in a double.
const rounding = 0.001;

describe("the wall clock", () => {
  test("is right to a millisecond, at any time and pace", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1.7e12, max: 1.8e12, noNaN: true }),
        fc.double({ min: 0.999, max: 1.001, noNaN: true }),
        fc.array(fc.double({ min: 0.001, max: 1e7, noNaN: true }), { minLength: 1 }),
        (sinceMs, pace, steps) => {
          const { clocks, errorMs } = createClocks(sinceMs, pace);
          for (const step of steps) {
            clocks.monotonicMs += step;
            expect(Math.abs(errorMs())).toBeLessThanOrEqual(1 + rounding);
          }
        },
      ),
    );
  });

  test("narrows down to less than that where the clocks keep pace", () => {
    const { clocks, errorMs } = createClocks(1_700_000_000_000.875);
    expect(errorMs()).toBeCloseTo(-0.875, 2);
    for (let i = 0; i < 1000; i++) {
      clocks.monotonicMs += 1.01;
      errorMs();
    }
    expect(Math.abs(errorMs())).toBeLessThan(0.02);
  });

  test("holds still while the clocks agree", () => {
    const { clocks, clock } = createClocks(1_700_000_000_000.5);
    for (let i = 0; i < 100; i++) {
      clocks.monotonicMs += 1.01;
      clock.offsetMs();
    }
    const offsetMs = clock.offsetMs();
    for (let i = 0; i < 100; i++) {
      clocks.monotonicMs += 1.01;
      expect(clock.offsetMs()).toBe(offsetMs);
    }
  });

  test.each([-3_600_000, 3_600_000])("follows when it is set: %d ms", (jumpMs) => {
    const { clocks, errorMs } = createClocks(1_700_000_000_000);
    clocks.monotonicMs += 5;
    clocks.jumpMs = jumpMs;
    expect(Math.abs(errorMs())).toBeLessThanOrEqual(1 + rounding);
  });
});
