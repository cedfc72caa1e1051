import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Sums } from "../../../../../server/release/experiment/arm-figures.js";
import { compareMeans, isCalled, sampleRatioMismatch } from "../../../../../server/release/experiment/statistics.js";

/** Written by trainer/reference/experiment_statistics.py. */
const savvi: {
  comparisons: {
    canary: Sums;
    control: Sums;
    alpha: number;
    decisionSize: number;
    low: number;
    high: number;
    evidence: number;
  }[];
  mismatches: { canary: number; control: number; share: number; pValue: number }[];
} = JSON.parse(readFileSync(new URL("savvi.json", import.meta.url), "utf8"));

const options = { alpha: 0.05, decisionSize: 5000 };
const none: Sums = { count: 0, sum: 0, sumOfSquares: 0 };
const sumsOf = (...values: number[]): Sums => ({
  count: values.length,
  sum: values.reduce((sum, value) => sum + value, 0),
  sumOfSquares: values.reduce((sum, value) => sum + value * value, 0),
});
const rate = (count: number, sum: number): Sums => ({ count, sum, sumOfSquares: sum });

describe("a comparison of means", () => {
  it("has the bounds and the p-value of savvi", () => {
    expect(savvi.comparisons.length).toBeGreaterThan(30);
    for (const { canary, control, alpha, decisionSize, low, high, evidence } of savvi.comparisons) {
      const comparison = compareMeans(canary, control, { alpha, decisionSize });
      expect(Math.abs(comparison.low - low)).toBeLessThan(1e-9);
      expect(Math.abs(comparison.high - high)).toBeLessThan(1e-9);
      expect(Math.abs(comparison.evidence - evidence)).toBeLessThan(1e-9);
      // The two are one statement.
      expect(isCalled(comparison, alpha)).toBe(low > 0 || high < 0);
    }
  });

  it("tends to the normal mixture as the observations grow", () => {
    const count = 1e7;
    const { low, high, standardError } = compareMeans(
      { count, sum: 0, sumOfSquares: count },
      { count, sum: 0, sumOfSquares: count },
      options,
    );
    const [v, l] = [1 / standardError ** 2, 2 * Math.log(1 / 0.05)];
    // Rho in the unit of v: the variance is 1.
    const rho = 2500 / (l + Math.log(1 + l));
    const howard = Math.sqrt((v + rho) * Math.log((v + rho) / (rho * 0.05 ** 2))) / v;
    expect(high).toBeCloseTo(howard, 8);
    expect(low).toBeCloseTo(-howard, 8);
  });

  it.each([
    ["nothing", none, none],
    ["one arm", sumsOf(1, 2, 3), none],
    ["one observation", sumsOf(1, 2, 3), sumsOf(2)],
    ["two", sumsOf(1, 2), sumsOf(5, 5.0001)],
    ["the same three", sumsOf(1, 1, 1), sumsOf(0, 0, 0)],
    ["a number that is none", { ...sumsOf(1, 2, 3), sum: Number.NaN }, sumsOf(1, 2, 3)],
    ["an endless one", { ...sumsOf(1, 2, 3), sumOfSquares: Infinity }, sumsOf(1, 2, 3)],
  ])("says nothing of %s", (_name, canary, control) => {
    const { low, high, evidence } = compareMeans(canary, control, options);
    expect([low, high]).toEqual([-Infinity, Infinity]);
    expect(evidence).toBeGreaterThan(0.5);
  });

  it("doesn't take a rate for 0 because nothing has failed yet", () => {
    const { low, high, evidence } = compareMeans(rate(1000, 0), rate(1000, 0), options);
    expect(high).toBeGreaterThan(3 / 1000);
    expect(low).toBeLessThan(-3 / 1000);
    expect(evidence).toBe(1);
  });

  it("changes its sign with the arms, and no more", () => {
    const [one, other] = [rate(900, 30), rate(800, 9)];
    const there = compareMeans(one, other, options);
    const back = compareMeans(other, one, options);
    expect([back.difference, back.low, back.high]).toEqual([-there.difference, -there.high, -there.low]);
    expect(back.evidence).toBe(there.evidence);
  });

  it("is tighter one-sided", () => {
    const [one, other] = [rate(5000, 50), rate(5000, 50)];
    const two = compareMeans(one, other, options);
    const single = compareMeans(one, other, { ...options, oneSided: true });
    const doubled = compareMeans(one, other, { ...options, alpha: 0.1, decisionSize: 5000 });
    expect(single.high).toBeLessThan(two.high);
    expect(single.high).toBeGreaterThan(doubled.high * 0.98);
  });

  it("calls a difference in full by its end, and never without a doubt at its begin", () => {
    expect(isCalled(compareMeans(rate(20, 20), rate(20, 0), options), 0.05)).toBe(false);
    expect(isCalled(compareMeans(rate(500, 500), rate(500, 0), options), 0.05)).toBe(true);
  });
});

/** Uniform from 0 to 1: a linear congruence on 32 bits, mixed. Seeded. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @returns Looks until each was called, one a second, 10 observations of each arm between two; Infinity for never. */
function simulate(experiments: number, looks: number, canaryOf: (u: number) => number, controlOf = canaryOf): number[] {
  const random = createRandom(11);
  return Array.from({ length: experiments }, () => {
    const arms = [canaryOf, controlOf].map((draw) => ({ draw, count: 0, sum: 0, sumOfSquares: 0 }));
    for (let look = 1; look <= looks; look++) {
      for (const arm of arms) {
        for (let i = 0; i < 10; i++) {
          const value = arm.draw(random());
          arm.sum += value;
          arm.sumOfSquares += value * value;
        }
        arm.count += 10;
      }
      if (isCalled(compareMeans(arms[0]!, arms[1]!, options), options.alpha)) return look;
    }
    return Infinity;
  });
}

const shareCalled = (calls: readonly number[]) => calls.filter(Number.isFinite).length / calls.length;

describe("looked at each second for five minutes", () => {
  it.each([
    { name: "numbers", draw: (u: number) => u },
    { name: "errors, one in 200", draw: (u: number) => (u < 0.005 ? 1 : 0) },
    { name: "a long tail", draw: (u: number) => -Math.log(1 - u) },
  ])("arms without a difference are called in at most 5 % of 2,000 experiments: $name", ({ draw }) => {
    expect(shareCalled(simulate(2000, 300, draw))).toBeLessThanOrEqual(0.05);
  });

  it("a difference is found: three times as many errors, a sixth of a deviation", () => {
    const errors = simulate(
      200,
      300,
      (u) => (u < 0.03 ? 1 : 0),
      (u) => (u < 0.01 ? 1 : 0),
    );
    const means = simulate(
      200,
      300,
      (u) => u + 1 / 6 / Math.sqrt(12),
      (u) => u,
    );
    // Measured: all of them, half within 105 and 85 looks: 1,050 and 850 observations of each arm.
    expect(shareCalled(errors)).toBeGreaterThan(0.95);
    expect(shareCalled(means)).toBeGreaterThan(0.95);
  });
});

describe("the ratio of arms", () => {
  it("has savvi's p-value", () => {
    for (const { canary, control, share, pValue } of savvi.mismatches)
      expect(sampleRatioMismatch(canary, control, share).pValue).toBeCloseTo(pValue, 9);
  });

  it("is a mismatch where a tenth of an arm is lost, and none where nothing is", () => {
    expect(sampleRatioMismatch(0, 0)).toEqual({ pValue: 1, isMismatch: false });
    expect(sampleRatioMismatch(10_000, 10_100).isMismatch).toBe(false);
    expect(sampleRatioMismatch(9000, 10_000).isMismatch).toBe(true);
    expect(sampleRatioMismatch(10_000, 9000).isMismatch).toBe(true);
  });

  it("is looked at as often as one likes: 2,000 fair experiments of 300 looks", () => {
    const random = createRandom(5);
    let mismatches = 0;
    for (let experiment = 0; experiment < 2000; experiment++) {
      let canary = 0;
      for (let look = 1; look <= 300; look++) {
        for (let i = 0; i < 20; i++) if (random() < 0.5) canary++;
        if (!sampleRatioMismatch(canary, look * 20 - canary).isMismatch) continue;
        mismatches++;
        break;
      }
    }
    // Two are expected at most; of chance, seven in one run of 200.
    expect(mismatches).toBeLessThan(7);
  });
});
