/**
 * Goal: a version is proved on each executor that will run it, and one whose golden rows don't end is refused without
 * holding up the others.
 */

import { describe, expect, test } from "vitest";
import type { GoldenRow } from "../../../../bundle/index.js";
import type { Block } from "../../../../preprocessing/index.js";
import type { RunResult } from "../../../../server/inference/runner.js";
import { StuckRunError } from "../../../../server/inference/worker-pool.js";
import type { RunBatch } from "../../../../server/path/local-path.js";
import { type ProvingPool, proveEach } from "../../../../server/versions/prove-each.js";
import { makeVersion } from "../../../support/versions.js";

const golden: GoldenRow[] = Array.from({ length: 20 }, (_, x) => ({
  kind: "sample",
  row: { x },
  rowJson: JSON.stringify({ x }),
  line: x + 1,
  features: { X: Float64Array.of(x) },
  raw: { "main.Y": Float64Array.of(2 * x) },
  prediction: 2 * x,
}));
const makeNamed = (name: string) => makeVersion({ name, golden, state: "proving", sloMs: 200 });

const double = (blocks: readonly Block[]): RunResult => ({
  raw: [Float32Array.from(blocks[0]!, (value) => 2 * value)],
  failedRows: [],
  failure: undefined,
});
const inline: RunBatch = (blocks) => double(blocks);

type Task = { way: "run" | "runInEach"; key: string; rowCount: number; limitMs: number };

/** @param failure - What a run of a version ends with instead. */
function createProvingPool(
  failure: (task: Task) => Error | undefined = () => undefined,
  notLoaded = new Map<string, string>(),
) {
  const tasks: Task[] = [];
  const take = (task: Task) => {
    tasks.push(task);
    const error = failure(task);
    if (error) throw error;
  };
  const pool: ProvingPool = {
    notLoaded,
    async run(key, blocks, rowCount, limitMs) {
      take({ way: "run", key, rowCount, limitMs });
      return double(blocks);
    },
    async runInEach(key, makeBlocks, rowCount, _batchRows, limitMs) {
      take({ way: "runInEach", key, rowCount, limitMs });
      return [double(makeBlocks()), double(makeBlocks())];
    },
  };
  return { pool, tasks };
}

const stuckIn =
  (key: string, way?: Task["way"]) =>
  (task: Task): Error | undefined =>
    task.key === key && (way ?? task.way) === task.way ? new StuckRunError(task.limitMs) : undefined;

describe("a version is proved", () => {
  test("here, and by its outputs in each worker, where both run it", async () => {
    const version = makeNamed("both");
    const { pool, tasks } = createProvingPool();
    const outcome = (await proveEach([version], () => inline, Promise.resolve(pool))).get(version)!;
    expect(outcome.problems).toEqual([]);
    expect(outcome.summary).toMatchObject({
      rows: 20,
      batchSizes: [1, 7, 20],
      executors: ["inline", "pool"],
      rawUlpMax: 0,
    });
    expect(tasks.map(({ way }) => way)).toEqual(["runInEach", "runInEach", "runInEach"]);
  });

  test.each(["here", "in the pool"])("with the same summary when the proof %s is the last to end", async (last) => {
    const refusal: GoldenRow = { kind: "missing", row: {}, rowJson: "{}", line: 21, error: "schema_mismatch" };
    const version = makeVersion({ golden: [...golden, refusal], state: "proving" });
    const { pool } = createProvingPool();
    const nap = async () => {
      for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    };
    const late: RunBatch = async (blocks) => {
      if (last === "here") await nap();
      return double(blocks);
    };
    const workers = last === "here" ? Promise.resolve(pool) : nap().then(() => pool);
    const outcome = (await proveEach([version], () => late, workers)).get(version)!;
    expect([outcome.problems, outcome.summary]).toMatchObject([[], { rows: 21, executors: ["inline", "pool"] }]);
  });

  test("by its whole path in the workers, where nothing runs here", async () => {
    const version = makeNamed("pooled");
    const { pool } = createProvingPool();
    const outcome = (await proveEach([version], () => undefined, Promise.resolve(pool))).get(version)!;
    expect([outcome.problems, outcome.summary.executors]).toEqual([[], ["path", "pool"]]);
  });

  test("here alone, where there is no pool", async () => {
    const version = makeNamed("here");
    const outcome = (await proveEach([version], () => inline, Promise.resolve(undefined))).get(version)!;
    expect([outcome.problems, outcome.summary.executors]).toEqual([[], ["inline"]]);
  });

  test("not at all by workers that couldn't load it, and the sentence says why", async () => {
    const version = makeNamed("unloadable");
    const { pool, tasks } = createProvingPool(undefined, new Map([[version.key, "no such operator"]]));
    const outcome = (await proveEach([version], () => undefined, Promise.resolve(pool))).get(version)!;
    expect([outcome.problems, tasks]).toEqual([["its model can't be loaded: no such operator"], []]);
  });
});

describe("golden rows that don't end", () => {
  test.each([
    { name: "in the path, where nothing runs here", runs: undefined, way: undefined, executors: [], limitMs: 10_200 },
    { name: "in a worker alone", runs: inline, way: "runInEach" as const, executors: ["inline"], limitMs: 14_000 },
    {
      name: "in batches only, after the path",
      runs: undefined,
      way: "runInEach" as const,
      executors: ["path"],
      limitMs: 14_000,
    },
  ])(
    "$name: the version is refused with that one sentence, and the next one is proved",
    async ({ runs, way, executors, limitMs }) => {
      const [endless, sound] = [makeNamed("endless"), makeNamed("sound")];
      const { pool, tasks } = createProvingPool(stuckIn(endless.key, way));
      const found = await proveEach([endless, sound], () => runs, Promise.resolve(pool));
      expect(found.get(endless)!.problems).toEqual([
        `its golden rows don't end: a run was still going after ${limitMs} ms`,
      ]);
      expect(found.get(endless)!.summary.executors).toEqual(executors);
      expect(found.get(sound)!.problems).toEqual([]);
      // Those that were under way together, and none after them.
      const after = tasks.filter(({ key }) => key === endless.key);
      expect(after.filter((task) => task.way === "runInEach").length).toBe(way === undefined ? 0 : 1);
      if (way === undefined) expect(after.every(({ rowCount }) => rowCount === 1)).toBe(true);
    },
  );

  test("have a limit that grows with their number, by seconds at most for each", async () => {
    const patient = makeVersion({ name: "patient", golden, state: "proving", sloMs: 60_000 });
    const { pool, tasks } = createProvingPool();
    await proveEach([patient], () => undefined, Promise.resolve(pool));
    for (const { rowCount, limitMs } of tasks) expect(limitMs).toBe(10_000 + 1000 * rowCount);
  });
});

test("workers that die are no fault of a version: the start fails with what they died of, once all proofs have ended", async () => {
  const version = makeNamed("any");
  const { pool } = createProvingPool(({ way }) =>
    way === "runInEach" ? new Error("worker exited with code 134") : undefined,
  );
  await expect(proveEach([version], () => inline, Promise.resolve(pool))).rejects.toThrow(
    "worker exited with code 134",
  );
});
