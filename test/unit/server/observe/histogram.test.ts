/** Goal: each observation falls into the first bucket whose bound it doesn't exceed, as a scraper of `le` expects. */

import { describe, expect, test } from "vitest";
import { Histogram, latencyBounds, rowBounds } from "../../../../server/observe/histogram.js";

describe("a histogram", () => {
  test("begins empty", () => {
    const histogram = new Histogram(Float64Array.of(1, 2));
    expect([histogram.cumulative(), histogram.sum, histogram.count]).toEqual([[0, 0, 0], 0, 0]);
  });

  test("counts a value on a bound below it, and one beyond all bounds at the end", () => {
    const histogram = new Histogram(Float64Array.of(1, 2));
    for (const value of [0, 1, 1.0000001, 2, 3, -1]) histogram.observe(value);
    expect(histogram.cumulative()).toEqual([3, 5, 6]);
    expect(histogram.count).toBe(6);
  });
});

test.each([
  ["latencies", latencyBounds],
  ["rows", rowBounds],
])("the bounds of %s ascend", (_name, bounds) => {
  expect([...bounds]).toEqual([...new Set(bounds)].sort((a, b) => a - b));
});
