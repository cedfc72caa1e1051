/** Goal: medians and quartiles as NumPy and R give them. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { median, quantile, spreadOf } from "../../../loadtest/statistics.js";

describe("quantiles", () => {
  test.each([
    [[5], 5],
    [[1, 2], 1.5],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])("the median of %j is %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  test("interpolate between neighbours", () => {
    expect(spreadOf([9, 1, 5, 3, 7, 10])).toEqual({
      count: 6,
      min: 1,
      lowerQuartile: 3.5,
      median: 6,
      upperQuartile: 8.5,
      max: 10,
    });
  });

  test("stay within the values, ascend with the share, and don't depend on the order", () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, shares, shares, (sample, p, q) => {
        const [low, high] = [quantile(sample, Math.min(p, q)), quantile(sample, Math.max(p, q))];
        expect(low).toBeLessThanOrEqual(high + 1e-9);
        expect(low).toBeGreaterThanOrEqual(Math.min(...sample) - 1e-9);
        expect(high).toBeLessThanOrEqual(Math.max(...sample) + 1e-9);
        expect(quantile(sample.toReversed(), p)).toBe(quantile(sample, p));
      }),
    );
  });

  test("of nothing don't exist", () => {
    expect(() => median([])).toThrow(RangeError);
  });
});
