/** Goal: what a queue drains is known from what left it while rows waited, and forgotten when that is long ago. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DrainMeter } from "../../../../server/inference/drain-meter.js";

/** `rows` leave every `everyMs` while others wait. */
function drain(
  meter: DrainMeter,
  { rows, everyMs, forMs, fromMs = 0 }: { rows: number; everyMs: number; forMs: number; fromMs?: number },
): number {
  let nowMs = fromMs;
  for (; nowMs < fromMs + forMs; nowMs += everyMs) meter.left(rows, 100, nowMs);
  return nowMs;
}

describe("what a queue drains", () => {
  test("is the forecast until something was measured", () => {
    expect(new DrainMeter().rowsPerMs(7, 0)).toBe(7);
  });

  test("is what left it, whatever the forecast says", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 256 }),
        fc.constantFrom(0.5, 2, 30, 90),
        fc.constantFrom(0.01, 1, 100),
        (rows, everyMs, forecast) => {
          const meter = new DrainMeter();
          const nowMs = drain(meter, { rows, everyMs, forMs: 3000 });
          expect(meter.rowsPerMs(forecast, nowMs) / (rows / everyMs)).toBeGreaterThan(0.7);
          expect(meter.rowsPerMs(forecast, nowMs) / (rows / everyMs)).toBeLessThan(1.4);
        },
      ),
    );
  });

  test("isn't measured while nothing waits: then the queue could drain more", () => {
    const meter = new DrainMeter();
    for (let nowMs = 0; nowMs < 3000; nowMs += 10) meter.left(1, 0, nowMs);
    expect(meter.rowsPerMs(7, 3000)).toBe(7);
  });

  test("follows a machine that became three times slower within half a second", () => {
    const meter = new DrainMeter();
    let nowMs = drain(meter, { rows: 6, everyMs: 2, forMs: 2000 });
    nowMs = drain(meter, { rows: 2, everyMs: 2, forMs: 600, fromMs: nowMs });
    expect(meter.rowsPerMs(3, nowMs)).toBeLessThan(1.4);
  });

  test("is hardly moved by one moment in which all stood still", () => {
    const meter = new DrainMeter();
    const nowMs = drain(meter, { rows: 4, everyMs: 2, forMs: 2000 }) + 1500;
    meter.left(4, 100, nowMs);
    expect(meter.rowsPerMs(2, nowMs)).toBeGreaterThan(1);
  });

  test("is mostly the forecast after a first moment in which all stood still", () => {
    const meter = new DrainMeter();
    meter.left(50, 10_000, 0);
    meter.left(50, 9_950, 1_000);
    expect(meter.rowsPerMs(60, 1_000)).toBeGreaterThan(2);
  });

  test("fades into the forecast once nothing waits any more", () => {
    const meter = new DrainMeter();
    const nowMs = drain(meter, { rows: 1, everyMs: 10, forMs: 1000 });
    meter.left(1, 0, nowMs);
    const after = [0, 1000, 3000, 20_000].map((ms) => meter.rowsPerMs(10, nowMs + ms));
    expect(after).toEqual(after.toSorted((a, b) => a - b));
    expect(after[0]).toBeLessThan(0.2);
    expect(after[3]).toBeCloseTo(10, 3);
  });
});
