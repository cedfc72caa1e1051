/** Goal: a proof takes no difference for none, and counts all that break the tolerance while it keeps the first few. */

import { describe, expect, test } from "vitest";
import { Findings } from "../../../../server/versions/findings.js";

const exact = { features_ulp: 0, margin_ulp: 0, prediction_ulp: 0 };

describe("nothing granted", () => {
  test.each([
    ["the zeros are two", 0, -0],
    ["one unit", 1, 1 + Number.EPSILON],
    ["one unit of the smallest", 0, Number.MIN_VALUE],
    ["NaN", 1, Number.NaN],
    ["infinity", Number.MAX_VALUE, Number.POSITIVE_INFINITY],
  ])("%s: a problem, wherever it is", (_, expected, got) => {
    const found = new Findings(exact);
    for (const kind of ["features", "raw", "prediction"] as const)
      found.difference(kind, expected, got, "float64", kind);
    expect(found.result().problemCount).toBe(3);
  });

  test("the same bits are none", () => {
    const found = new Findings(exact);
    for (const value of [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1 / 3])
      found.difference("raw", value, value, "float64", "here");
    expect(found.result()).toMatchObject({ problemCount: 0, raw: { ulp: 0 } });
  });
});

test("what is granted near zero is no bound for larger numbers, nor for infinities and NaN", () => {
  const found = new Findings({ ...exact, margin_ulp: 4, margin_abs: 1e-13 });
  found.difference("raw", 1e-20, -9e-14, "float64", "cancelled");
  found.difference("raw", 1000, 1000 + 2 ** -41, "float64", "four units");
  expect(found.result()).toMatchObject({ problemCount: 0, raw: { ulp: 4 } });
  found.difference("raw", 1000, 1000 + 2 ** -40, "float64", "eight units");
  found.difference("raw", 1e-20, 2e-13, "float64", "more than cancelled");
  found.difference("raw", Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "float64", "infinities");
  found.difference("raw", Number.NaN, 0, "float64", "NaN");
  expect(found.result().problems.map((problem) => problem.split(":")[0])).toEqual([
    "eight units",
    "more than cancelled",
    "infinities",
    "NaN",
  ]);
});

test("of many problems the first 20 are kept, and all counted", () => {
  const found = new Findings(exact);
  for (let i = 0; i < 100; i++) found.difference("prediction", i, i + 0.5, "float64", `row ${i}`);
  const { problems, problemCount } = found.result();
  expect([problems.length, problemCount]).toEqual([20, 100]);
  expect(problems[0]).toMatch(
    /^row 0: expected 0, got 0\.5, \d+ ulp \(float64\) apart; the manifest's tolerance is 0$/,
  );
});
