/**
 * Goal: of two sessions the faster one is found, in few runs, whatever a machine's bad moments and a compiler's late
 * ones add to single times.
 */

import { describe, expect, test } from "vitest";
import type { EngineSession } from "../../../../server/inference/engine.js";
import { type Comparison, compareSpeed } from "../../../../server/inference/faster-engine.js";

const width = 2;

/** @param costUs - Microseconds of a run, by its rows and how many runs of so many rows went before. */
type Cost = (rowCount: number, run: number) => number;

/** Compares two sessions whose runs move a clock and do nothing else; tells which sizes the first ran. */
function compare(cost: Cost, costOther: Cost, rowCount = 256): Comparison & { readonly sizes: readonly number[] } {
  let nowMs = 1000;
  const sizes: number[] = [];
  const session = (costUs: Cost, note: (rows: number) => void): EngineSession => {
    const runs = new Map<number, number>();
    return {
      run([block], rows) {
        expect(block).toHaveLength(rows * width);
        const run = runs.get(rows) ?? 0;
        runs.set(rows, run + 1);
        note(rows);
        nowMs += costUs(rows, run) / 1000;
        return [new Float32Array(rows)];
      },
      release: () => {},
    };
  };
  const block = new Float32Array(rowCount * width);
  const compared = compareSpeed(
    session(cost, (rows) => sizes.push(rows)),
    session(costOther, () => {}),
    block,
    width,
    () => nowMs,
  );
  return { ...compared, sizes };
}

const perRow =
  (us: number): Cost =>
  (rowCount) =>
    us * rowCount;
/** Runs of each size in a round: 64 rows in every measurement. */
const runsOfRound: Readonly<Record<number, number>> = { 1: 64, 16: 4, 64: 1 };
const roundOf = (rowCount: number, run: number): number => Math.floor(run / runsOfRound[rowCount]!);

describe("the faster session", () => {
  test("is found in two rounds, with the times of both", () => {
    const { faster, times, sizes } = compare(perRow(2), perRow(10));
    expect(faster).toBe(true);
    expect(times.map(({ rows }) => rows)).toEqual([1, 16, 64]);
    for (const { us, usOther } of times) {
      expect(us).toBeCloseTo(2, 6);
      expect(usOther).toBeCloseTo(10, 6);
    }
    for (const size of [1, 16, 64]) expect(sizes.filter((rows) => rows === size)).toHaveLength(2 * runsOfRound[size]!);
  });

  test("is found although its code is compiled late", () => {
    const late: Cost = (rowCount, run) => (roundOf(rowCount, run) < 7 ? 50 : 2) * rowCount;
    const { faster, sizes } = compare(late, perRow(10));
    expect(faster).toBe(true);
    expect(sizes.filter((rows) => rows === 64)).toHaveLength(8);
  });

  test("is found although it has a bad moment", () => {
    const troubled: Cost = (rowCount, run) => (roundOf(rowCount, run) === 0 ? 900 : 2) * rowCount;
    expect(compare(troubled, perRow(10))).toMatchObject({ faster: true });
  });

  test("is the one that is ahead over all sizes: by as much as it is behind at others, and more", () => {
    const atOneRow =
      (factor: number): Cost =>
      (rowCount) =>
        rowCount === 1 ? 10 / factor : 10 * 1.5 * rowCount;
    expect(compare(atOneRow(1.5 ** 2 * 1.1), perRow(10)).faster).toBe(true);
    expect(compare(atOneRow(1.5 ** 2 / 1.1), perRow(10)).faster).toBe(false);
  });
});

describe("a session that isn't faster", () => {
  test("is given up after twelve rounds", () => {
    const { faster, times, sizes } = compare(perRow(10), perRow(2));
    expect(faster).toBe(false);
    expect(sizes.filter((rows) => rows === 64)).toHaveLength(12);
    for (const { us, usOther } of times) expect(us).toBeGreaterThan(usOther);
  });

  test("is one that takes as long, or both no time that the clock can tell", () => {
    expect(compare(perRow(3), perRow(3)).faster).toBe(false);
    const { faster, times } = compare(perRow(0), perRow(0));
    expect(faster).toBe(false);
    for (const { us, usOther } of times) expect([us, usOther]).toEqual([1e-3, 1e-3]);
  });

  test("doesn't become the faster one by the other's bad moment", () => {
    const troubled: Cost = (rowCount, run) => (roundOf(rowCount, run) % 2 === 0 ? 900 : 2) * rowCount;
    expect(compare(perRow(10), troubled).faster).toBe(false);
  });
});

test.each([1, 5, 40])("with %i rows, batches are no larger", (rowCount) => {
  const { faster, times } = compare(perRow(2), perRow(10), rowCount);
  expect(faster).toBe(true);
  expect(times.map(({ rows }) => rows)).toEqual([1, 16, 64].map((size) => Math.min(size, rowCount)));
});
