/**
 * Goal: what a version's runs cost is known before it serves, from rows that callers send, without a start that waits
 * for a slow model.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { GoldenRow } from "../../../../bundle/index.js";
import { Lane } from "../../../../server/inference/lane.js";
import { createRunner, runnerSpec } from "../../../../server/inference/runner.js";
import { StuckRunError, type WorkerPool } from "../../../../server/inference/worker-pool.js";
import { repeatGoldenRows } from "../../../../server/versions/golden-blocks.js";
import { learnCost } from "../../../../server/versions/learn-cost.js";
import { HandClock } from "../../../support/event-loop.js";
import { createPuppetEngine } from "../../../support/puppet-engine.js";
import { makeVersion } from "../../../support/versions.js";

const clock = new HandClock();
beforeEach(() => {
  vi.spyOn(performance, "now").mockImplementation(clock.now);
});
afterEach(() => vi.restoreAllMocks());

function golden(...values: number[]): GoldenRow[] {
  return values.map((x, index) => ({
    kind: "sample",
    row: { x },
    rowJson: JSON.stringify({ x }),
    line: index + 1,
    features: { X: Float64Array.of(x) },
    raw: { "main.Y": Float64Array.of(2 * x) },
    prediction: 2 * x,
  }));
}

const refusal: GoldenRow = { kind: "missing", row: {}, rowJson: "{}", line: 9, error: "schema_mismatch" };

interface PoolRun {
  readonly rowCount: number;
  readonly limitMs: number;
  readonly values: readonly number[];
}

/** Ends each run when the clock has moved by its time. */
function createInstantPool(runMs: (rowCount: number) => number): WorkerPool & { runs: PoolRun[] } {
  const runs: PoolRun[] = [];
  return {
    runs,
    idle: 1,
    workers: 1,
    comesInMs: () => 0,
    onIdle() {},
    async run(_key, blocks, rowCount, limitMs) {
      runs.push({ rowCount, limitMs, values: Array.from(blocks[0]!) });
      // As a move to another thread does.
      blocks[0] = new Float32Array(0);
      const ms = runMs(rowCount);
      clock.advance(Math.min(ms, limitMs));
      if (ms > limitMs) throw new StuckRunError(limitMs);
      return { raw: [new Float32Array(rowCount)], failedRows: [], failure: undefined };
    },
  };
}

async function learn({
  rows = golden(1, 2, 3),
  sloMs = 200,
  inlineMs = (n: number) => 0.02 + 0.01 * n,
  poolMs = (n: number) => 0.1 + 0.05 * n,
}) {
  const version = makeVersion({ golden: rows, sloMs });
  const engine = createPuppetEngine(undefined, ({ rowCount }) => clock.advance(inlineMs(rowCount)));
  const pool = createInstantPool(poolMs);
  const lane = new Lane(version, createRunner(engine, runnerSpec(version)), pool);
  await learnCost(version, lane, clock.now);
  return { lane, pool, engine };
}

const sizesOf = (runs: readonly { rowCount: number }[]) => [...new Set(runs.map(({ rowCount }) => rowCount))];

describe("a version that is to serve", () => {
  test("has its golden rows run, over and over, on both executors", async () => {
    const { engine, pool } = await learn({ rows: [...golden(5, 7), refusal] });
    for (const runs of [engine.runs.map(({ rows }) => rows.flat()), pool.runs.map(({ values }) => values)])
      for (const values of runs) expect(values).toEqual(Array.from({ length: values.length }, (_, i) => [5, 7][i % 2]));
    expect([sizesOf(engine.runs), sizesOf(pool.runs)]).toEqual([
      [1, 8, 64],
      [1, 8, 64],
    ]);
  });

  test("has zeros run where it has no golden row with an answer", async () => {
    const { engine, pool } = await learn({ rows: [refusal] });
    expect(engine.runs.every(({ rows }) => rows.flat().every((value) => value === 0))).toBe(true);
    expect(pool.runs.map(({ values }) => values.every((value) => value === 0))).not.toContain(false);
    expect(sizesOf(pool.runs)).toEqual([1, 8, 64]);
  });

  test("has its cost on each executor from that executor's runs", async () => {
    const { lane } = await learn({});
    expect([lane.inlineCost.fixedUs, lane.inlineCost.perRowUs]).toEqual([expect.closeTo(20, 3), expect.closeTo(10, 3)]);
    expect([lane.poolCost.fixedUs, lane.poolCost.perRowUs]).toEqual([expect.closeTo(100, 3), expect.closeTo(50, 3)]);
    expect(lane.longestRunMs).toBeCloseTo(0.1 + 0.05 * 64, 6);
  });

  test("has it where it runs, if that is one executor alone", async () => {
    const version = makeVersion({ golden: golden(1) });
    const pool = createInstantPool((rows) => rows);
    const poolOnly = new Lane(version, undefined, pool);
    await learnCost(version, poolOnly, clock.now);
    expect(poolOnly.poolCost.of(10)).toBeCloseTo(10_000, 0);
    const engine = createPuppetEngine(undefined, ({ rowCount }) => clock.advance(rowCount));
    const inlineOnly = new Lane(version, createRunner(engine, runnerSpec(version)));
    await learnCost(version, inlineOnly, clock.now);
    expect(inlineOnly.inlineCost.of(10)).toBeCloseTo(10_000, 0);
  });

  test.each([
    { rowMs: 1, sizes: [1, 8, 64] },
    { rowMs: 3.9, sizes: [1, 8, 64] },
    { rowMs: 4, sizes: [1, 8] },
    { rowMs: 31, sizes: [1, 8] },
    { rowMs: 32, sizes: [1] },
    { rowMs: 5000, sizes: [1] },
  ])("at $rowMs ms a row is tried in batches of $sizes: none that may take over 250 ms", async ({ rowMs, sizes }) => {
    const { pool, lane } = await learn({ poolMs: (rows) => rowMs * rows, sloMs: 20_000 });
    expect(sizesOf(pool.runs)).toEqual(sizes);
    expect(lane.poolCost.of(1)).toBeCloseTo(1000 * rowMs, 0);
  });

  test("has each size tried four times, fewer where 50 ms are spent", async () => {
    const countsOf = ({ runs }: { runs: PoolRun[] }) =>
      [1, 8, 64].map((size) => runs.filter(({ rowCount }) => rowCount === size).length);
    expect(countsOf((await learn({})).pool)).toEqual([4, 4, 4]);
    expect(countsOf((await learn({ poolMs: (rows) => 3 * rows })).pool)).toEqual([4, 3, 1]);
  });

  test("is tried again where a run took far longer than smaller ones promise: the machine may have stood still", async () => {
    let stalls = 1;
    const poolMs = (rows: number) => (rows === 64 && stalls-- > 0 ? 200 : 0.1 + 0.05 * rows);
    const { lane, pool } = await learn({ poolMs });
    expect(pool.runs.filter(({ rowCount }) => rowCount === 64)).toHaveLength(3);
    expect(lane.poolCost.of(64)).toBeCloseTo(3_300, 0);
  });

  test("isn't waited for when a run doesn't end: that is told as what it is", async () => {
    await expect(learn({ poolMs: (rows) => (rows === 8 ? Number.POSITIVE_INFINITY : 150) })).resolves.toBeDefined();
    await expect(learn({ poolMs: (rows) => (rows === 8 ? Number.POSITIVE_INFINITY : 20) })).rejects.toThrow(
      StuckRunError,
    );
  });

  test("may take ten times its longest run so far, a second and its objective at least", async () => {
    const { pool } = await learn({ poolMs: () => 150 });
    expect(pool.runs.map(({ limitMs }) => limitMs)).toEqual([1000, 1500, 1500].slice(0, pool.runs.length));
    expect((await learn({ sloMs: 30_000 })).pool.runs[0]!.limitMs).toBe(30_000);
  });
});

describe("golden rows, repeated", () => {
  test.each([
    { rowCount: 0, values: [] },
    { rowCount: 2, values: [1, 2] },
    { rowCount: 3, values: [1, 2, 3] },
    { rowCount: 8, values: [1, 2, 3, 1, 2, 3, 1, 2] },
  ])("$rowCount of three", ({ rowCount, values }) => {
    expect(repeatGoldenRows(makeVersion({ golden: golden(1, 2, 3) }).contract, rowCount)).toEqual([
      Float32Array.from(values),
    ]);
  });

  test("are whole rows, whatever their width, in the dtype of their block", () => {
    const preprocessing = {
      format: "plumb-graph/1",
      inputs: [{ name: "x", type: "number" }],
      nodes: [{ id: "n1", op: "passthrough", inputs: ["x"], params: {} }],
      outputs: [{ name: "X", dtype: "float64", shape: ["rows", 2], from: ["n1", "n1"] }],
    };
    const rows = golden(0.1, 0.2).map((row) => ({ ...row, features: { X: Float64Array.of(row.row.x as number, -1) } }));
    const version = makeVersion({ preprocessing, golden: rows as GoldenRow[] });
    expect(repeatGoldenRows(version.contract, 3)).toEqual([Float64Array.of(0.1, -1, 0.2, -1, 0.1, -1)]);
  });

  test("are the caller's own: what one writes the next doesn't see", () => {
    const version = makeVersion({ golden: golden(1, 2) });
    repeatGoldenRows(version.contract, 2)[0]!.fill(9);
    expect(repeatGoldenRows(version.contract, 2)).toEqual([Float32Array.of(1, 2)]);
  });
});
