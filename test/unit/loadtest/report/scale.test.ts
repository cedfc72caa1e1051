/** Goal: axes begin and end at round numbers, hold every value, and are labelled where the labels say. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linearScale, logScale, percentileScale, type Scale, timeScale } from "../../../../loadtest/report/scale.js";

const labels = ({ ticks }: Scale) => ticks.map(({ label }) => label);

describe("a linear axis", () => {
  test.each([
    [100, ["0", "50", "100"]],
    [101, ["0", "50", "100", "150"]],
    [7, ["0", "2", "4", "6", "8"]],
    [1, ["0", "0.5", "1"]],
    [24_567, ["0", "10,000", "20,000", "30,000"]],
    [0, ["0", "0.5", "1"]],
  ])("to %d", (max, expected) => expect(labels(linearScale(max))).toEqual(expected));

  test("holds its values, with few labels", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (max) => {
        const { share, ticks } = linearScale(max);
        expect(share(0)).toBe(0);
        expect(share(max)).toBeGreaterThan(0.39);
        expect(ticks.length).toBeLessThanOrEqual(6);
        expect(ticks.at(-1)!.share).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe("a time axis", () => {
  test.each([
    [20, ["0", "5", "10", "15", "20"]],
    [12, ["0", "2", "4", "6", "8", "10", "12"]],
    [0.5, ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]],
    [300, ["0", "60", "120", "180", "240", "300"]],
    [3600, ["0", "600", "1,200", "1,800", "2,400", "3,000", "3,600"]],
  ])("to %d s", (endS, expected) => expect(labels(timeScale(endS))).toEqual(expected));

  test("ends with the run, round or not", () => expect(timeScale(12.3).share(12.3)).toBe(1));
});

describe("a logarithmic axis", () => {
  test.each([
    [0.6, 200, ["0.5", "1", "2", "5", "10", "20", "50", "100", "200"]],
    [3, 4, ["2", "5", "10", "20"]],
    [0.001, 1000, ["0.001", "0.01", "0.1", "1", "10", "100", "1,000"]],
  ])("from %d to %d", (min, max, expected) => expect(labels(logScale(min, max))).toEqual(expected));

  test("gives each power of ten the same room", () => {
    const { share } = logScale(1, 1000);
    expect([1, 10, 100, 1000].map((value) => Number(share(value).toFixed(9)))).toEqual([
      0, 0.333333333, 0.666666667, 1,
    ]);
  });

  test("holds its values", () => {
    const value = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const { share, ticks } = logScale(min, max);
        expect(share(min * 1.0001)).toBeGreaterThan(0);
        expect(share(max)).toBeLessThanOrEqual(1);
        expect(ticks.length).toBeGreaterThanOrEqual(1);
        for (const tick of ticks) expect(share(Number(tick.label.replaceAll(",", "")))).toBeCloseTo(tick.share, 6);
      }),
    );
  });
});

test("the percentiles' axis gives each further nine the same room", () => {
  const { share } = percentileScale();
  expect([share(50), Number(share(99.99).toFixed(9))]).toEqual([0, 1]);
  expect(share(99.9) - share(99)).toBeCloseTo(share(99) - share(90), 10);
  expect(share(10)).toBe(0);
  expect(share(99.999)).toBe(1);
});
