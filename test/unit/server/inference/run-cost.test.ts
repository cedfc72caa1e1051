/** Goal: the cost of a run is learned from runs, whatever their noise, and what isn't known stays as it was. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FittedRunCost } from "../../../../server/inference/run-cost.js";

const prior = { fixedUs: 10, perRowUs: 10 };

/** Numbers from 0 to 1, always the same for one seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("a fitted cost", () => {
  test("believes what it was told until runs say otherwise", () => {
    expect(new FittedRunCost(prior).of(5)).toBe(60);
  });

  test("finds the line of runs of several sizes", () => {
    const cost = new FittedRunCost(prior);
    for (let round = 0; round < 10; round++) for (const rows of [1, 8, 64]) cost.observe(rows, 30 + 4 * rows);
    expect(cost.fixedUs).toBeCloseTo(30, 6);
    expect(cost.perRowUs).toBeCloseTo(4, 6);
  });

  test("finds it under noise of a third", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 1, max: 50 }),
        (seed, fixedUs, perRowUs) => {
          const random = randomFrom(seed);
          const cost = new FittedRunCost(prior);
          for (let run = 0; run < 2000; run++) {
            const rows = 1 + Math.floor(random() * 256);
            cost.observe(rows, (fixedUs + perRowUs * rows) * (1 + (random() - 0.5) / 1.5));
          }
          for (const rows of [64, 128, 256]) {
            const truth = fixedUs + perRowUs * rows;
            expect(cost.of(rows)).toBeGreaterThan(0.8 * truth);
            expect(cost.of(rows)).toBeLessThan(1.2 * truth);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test("keeps the slope while all runs have one size, and moves the line as a whole", () => {
    const cost = new FittedRunCost(prior);
    for (let round = 0; round < 10; round++) for (const rows of [1, 8, 64]) cost.observe(rows, 30 + 4 * rows);
    for (let run = 0; run < 5000; run++) cost.observe(1, 50);
    expect(cost.of(1)).toBeCloseTo(50, 1);
    // The last sizes that differed fade, so the slope they tell drifts a little before it is kept.
    expect(cost.perRowUs).toBeGreaterThan(2);
    expect(cost.perRowUs).toBeLessThan(8);
  });

  describe("beside a busy neighbour, whose turns delay runs by their hand-over", () => {
    const handOver = (random: () => number) => -300 * Math.log(1 - random());
    const learned = () => {
      const cost = new FittedRunCost(prior);
      for (let round = 0; round < 30; round++) for (const rows of [1, 8, 64, 256]) cost.observe(rows, 15 + 1.5 * rows);
      return cost;
    };

    test("lays what runs of one row take more to what each run costs", () => {
      const cost = learned();
      const random = randomFrom(7);
      for (let run = 0; run < 5000; run++) cost.observe(1, 16.5 + handOver(random));
      expect(cost.of(1)).toBeGreaterThan(200);
      expect(cost.of(256)).toBeLessThan(2.5 * 400 + cost.of(1));
    });

    test("doesn't take the scatter of small runs for a slope", () => {
      fc.assert(
        fc.property(fc.integer({ min: 1 }), (seed) => {
          const cost = learned();
          const random = randomFrom(seed);
          for (let run = 0; run < 2000; run++) {
            const rows = 1 + Math.floor(3 * random());
            cost.observe(rows, 15 + 1.5 * rows + handOver(random));
          }
          // What runs of 256 rows took when there was no neighbour, and what they would take beside it.
          expect(cost.of(256)).toBeGreaterThan(0.6 * 400);
          expect(cost.of(256)).toBeLessThan(2 * 700);
        }),
        { numRuns: 100 },
      );
    });

    test("learns the slope anew from few large runs", () => {
      const cost = learned();
      const random = randomFrom(7);
      for (let run = 0; run < 1000; run++)
        cost.observe(run % 50 === 0 ? 256 : 1, run % 50 === 0 ? 4000 : 30 * random());
      expect(cost.of(256)).toBeGreaterThan(0.9 * 4000);
      expect(cost.of(256)).toBeLessThan(1.1 * 4000);
    });
  });

  test("lays what large runs take more to their rows", () => {
    const cost = new FittedRunCost(prior);
    for (let round = 0; round < 30; round++) for (const rows of [1, 8, 64]) cost.observe(rows, 15 + 1.5 * rows);
    for (let run = 0; run < 5000; run++) cost.observe(64, 10 * (15 + 1.5 * 64));
    expect(cost.of(256)).toBeGreaterThan(0.7 * 10 * (15 + 1.5 * 256));
  });

  test("expects for the only size that runs what those runs took, however wrong the slope is", () => {
    const cost = new FittedRunCost(prior);
    for (let run = 0; run < 1000; run++) cost.observe(256, 1074);
    expect(cost.of(256)).toBeCloseTo(1074, 3);
  });

  test("follows a machine that became three times slower, and back", () => {
    const cost = new FittedRunCost(prior);
    const observe = (runs: number, factor: number) => {
      for (let run = 0; run < runs; run++)
        cost.observe([1, 8, 64, 256][run % 4]!, factor * (20 + 5 * [1, 8, 64, 256][run % 4]!));
    };
    observe(1000, 1);
    observe(1000, 3);
    expect(cost.of(100)).toBeGreaterThan(0.95 * 3 * 520);
    expect(cost.of(100)).toBeLessThan(1.05 * 3 * 520);
    observe(1000, 1);
    expect(cost.of(100)).toBeGreaterThan(0.95 * 520);
    expect(cost.of(100)).toBeLessThan(1.05 * 520);
  });

  test("is hardly moved by one run that was interrupted", () => {
    const cost = new FittedRunCost(prior);
    for (let round = 0; round < 100; round++) for (const rows of [1, 8, 64]) cost.observe(rows, 30 + 4 * rows);
    cost.observe(8, 50_000);
    expect(cost.of(8)).toBeLessThan(1.2 * 62);
  });

  test("shrinks by a tenth with each doubt, and is what runs take as soon as there are some", () => {
    const cost = new FittedRunCost(prior);
    for (let round = 0; round < 5; round++) for (const rows of [8, 64]) cost.observe(rows, 1000 + 400 * rows);
    cost.doubt();
    cost.doubt();
    expect(cost.of(100)).toBeCloseTo(0.81 * 41_000, 6);
    cost.observe(64, 0.81 * (1000 + 400 * 64));
    expect(cost.of(100)).toBeCloseTo(0.81 * 41_000, 6);
  });

  test("comes back from runs that a coarse clock didn't see", () => {
    const cost = new FittedRunCost(prior);
    for (let k = 0; k < 3; k++) cost.observe(5, 0);
    for (let k = 0; k < 2000; k++) cost.observe(5, 50);
    expect(cost.of(5)).toBeCloseTo(50, 0);
  });

  test("is never negative, never a negative slope and always finite", () => {
    const run = fc.record({
      rows: fc.integer({ min: 1, max: 10_000 }),
      us: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 100 }), (runs) => {
        const cost = new FittedRunCost(prior);
        for (const { rows, us } of runs) {
          cost.observe(rows, us);
          expect(cost.fixedUs).toBeGreaterThanOrEqual(0);
          expect(cost.perRowUs).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(cost.of(10_000))).toBe(true);
        }
      }),
    );
  });
});
