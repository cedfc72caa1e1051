/**
 * Goal: a runner wires blocks to models and models to the graph behind them by name, and one bad row never fails its
 * neighbours.
 */

import { describe, expect, test } from "vitest";
import type { EngineModel } from "../../../../server/inference/engine.js";
import { createRunner, type RunnerSpec, runInBatches, warmUp } from "../../../../server/inference/runner.js";
import { createPuppetEngine } from "../../../support/puppet-engine.js";
import { makeSpec } from "../../../support/versions.js";

const column = (name: string, width = 1, dtype: "float32" | "float64" = "float32") => ({
  name,
  dtype,
  shape: ["rows", width] as const,
});
const model = (id: string, inputs: EngineModel["inputs"], outputs: EngineModel["outputs"]): EngineModel => ({
  id,
  bytes: new Uint8Array(0),
  inputs,
  outputs,
});

describe("one model", () => {
  test("runs a batch in one go", () => {
    const engine = createPuppetEngine();
    const runner = createRunner(engine, makeSpec());
    const result = runner.run([Float32Array.of(1, 2, 3)], 3);
    expect(result).toEqual({ raw: [Float32Array.of(2, 4, 6)], failedRows: [], failure: undefined });
    expect(engine.runs.map(({ rowCount }) => rowCount)).toEqual([3]);
  });

  test("gives only the output that the graph takes", () => {
    const spec: RunnerSpec = {
      key: "t/1",
      models: [model("main", [column("X")], [column("ignored", 2), column("Y")])],
      chosen: [],
      blocks: [{ name: "X", dtype: "float32", width: 1 }],
      raw: [{ name: "main.Y" }],
    };
    const runner = createRunner(
      createPuppetEngine(([x]) => [[-1, -1], [x![0]! + 0.5]]),
      spec,
    );
    expect(runner.run([Float32Array.of(1, 2)], 2).raw).toEqual([Float32Array.of(1.5, 2.5)]);
  });

  test("releases its session", () => {
    const engine = createPuppetEngine();
    createRunner(engine, makeSpec()).release();
    expect(engine.released).toEqual(["main"]);
  });
});

describe("several models that feed one graph", () => {
  // A vote of two: each takes blocks of its own, in an order of its own.
  const spec: RunnerSpec = {
    key: "vote/1",
    models: [
      model("trees", [column("counts", 2, "float64"), column("prices")], [column("margin")]),
      model("linear", [column("prices")], [column("margin", 1, "float64"), column("spread")]),
    ],
    chosen: [],
    blocks: [
      { name: "prices", dtype: "float32", width: 1 },
      { name: "counts", dtype: "float64", width: 2 },
    ],
    raw: [{ name: "linear.spread" }, { name: "trees.margin" }, { name: "linear.margin" }],
  };
  const engine = () =>
    createPuppetEngine((inputs, { id }) => {
      if (id === "linear") return [[10 * inputs[0]![0]!], [inputs[0]![0]! / 2]];
      const [[first, second], [price]] = inputs as [[number, number], [number]];
      if (price === 666) throw new Error("tree 3: node 12 is out of bounds");
      return [[first + second + price]];
    });
  const prices = Float32Array.of(1, 2, 3);
  const counts = Float64Array.of(100, 10, 200, 20, 300, 30);

  test("are wired by name, whatever the order", () => {
    const result = createRunner(engine(), spec).run([prices, counts], 3);
    expect(result.raw).toEqual([
      Float32Array.of(0.5, 1, 1.5),
      Float32Array.of(111, 222, 333),
      Float64Array.of(10, 20, 30),
    ]);
  });

  test("fail a row together when one of them fails on it", () => {
    const result = createRunner(engine(), spec).run([Float32Array.of(1, 666, 3), counts], 3);
    expect(result.failedRows).toEqual([1]);
    expect(result.failure).toBe("tree 3: node 12 is out of bounds");
    expect(result.raw).toEqual([
      Float32Array.of(0.5, Number.NaN, 1.5),
      Float32Array.of(111, Number.NaN, 333),
      Float64Array.of(10, Number.NaN, 30),
    ]);
  });
});

describe("a batch that fails", () => {
  const failsOn = (...bad: number[]) =>
    createPuppetEngine(([x]) => {
      if (bad.includes(x![0]!)) throw new Error(`no leaf for ${x![0]}`);
      return [[2 * x![0]!]];
    });

  test("runs once more, row by row, and only the bad rows fail", () => {
    const engine = failsOn(3, 5);
    const result = createRunner(engine, makeSpec()).run([Float32Array.of(1, 2, 3, 4, 5)], 5);
    expect(result).toEqual({
      raw: [Float32Array.of(2, 4, Number.NaN, 8, Number.NaN)],
      failedRows: [2, 4],
      failure: "no leaf for 3",
    });
    expect(engine.runs.map(({ rows }) => rows.flat())).toEqual([[1, 2, 3, 4, 5], [1], [2], [3], [4], [5]]);
  });

  test("is answered in full when the rows run alone", () => {
    const engine = createPuppetEngine(undefined, ({ rowCount }) => {
      if (rowCount > 1) throw new Error("out of memory");
    });
    const result = createRunner(engine, makeSpec()).run([Float32Array.of(1, 2, 3)], 3);
    expect(result).toEqual({ raw: [Float32Array.of(2, 4, 6)], failedRows: [], failure: undefined });
  });

  test("fails in every row when every row fails", () => {
    const engine = createPuppetEngine(undefined, () => {
      throw new Error("the session is gone");
    });
    const result = createRunner(engine, makeSpec()).run([Float32Array.of(1, 2)], 2);
    expect(result.failedRows).toEqual([0, 1]);
    expect(result.raw).toEqual([Float32Array.of(Number.NaN, Number.NaN)]);
  });

  test("leaves its blocks as they were", () => {
    const block = Float32Array.of(1, 3);
    createRunner(failsOn(3), makeSpec()).run([block], 2);
    expect(block).toEqual(Float32Array.of(1, 3));
  });
});

describe("wrong wiring is found when the runner is made", () => {
  const spec = makeSpec();

  test("a graph that takes what no model gives", () => {
    expect(() => createRunner(createPuppetEngine(), { ...spec, raw: [{ name: "main.Z" }] })).toThrow(
      'tiny/1: postprocessing takes "main.Z", which no model gives',
    );
  });

  test("a model that takes what preprocessing doesn't give", () => {
    expect(() =>
      createRunner(createPuppetEngine(), { ...spec, blocks: [{ name: "Z", dtype: "float32", width: 1 }] }),
    ).toThrow('tiny/1: model "main" takes "X", which preprocessing doesn\'t give');
  });

  test("an engine that refuses a model", () => {
    const refusing = {
      name: "refusing",
      load() {
        throw new Error("the file isn't a model");
      },
    };
    expect(() => createRunner(refusing, spec)).toThrow("the file isn't a model");
  });
});

describe("rows that run in batches of a given size", () => {
  const values = Float32Array.from({ length: 10 }, (_, i) => i);

  test.each([
    [1, new Array(10).fill(1)],
    [3, [3, 3, 3, 1]],
    [5, [5, 5]],
    [10, [10]],
    [99, [10]],
  ])("of %i come together as one", (batchRows, sizes) => {
    const engine = createPuppetEngine();
    const result = runInBatches(createRunner(engine, makeSpec()), [values], 10, batchRows);
    expect(result).toEqual({ raw: [values.map((value) => 2 * value)], failedRows: [], failure: undefined });
    expect(engine.runs.map(({ rowCount }) => rowCount)).toEqual(sizes);
  });

  test("have their failures in their places", () => {
    const engine = createPuppetEngine(([x]) => {
      if ([2, 7].includes(x![0]!)) throw new Error("no leaf");
      return [[x![0]!]];
    });
    const result = runInBatches(createRunner(engine, makeSpec()), [values], 10, 3);
    expect(result.failedRows).toEqual([2, 7]);
    expect(result.failure).toBe("no leaf");
    expect(result.raw[0]).toEqual(Float32Array.of(0, 1, Number.NaN, 3, 4, 5, 6, Number.NaN, 8, 9));
  });
});

test("warming up runs several sizes, and tells what they took once the code is warm", () => {
  const engine = createPuppetEngine();
  const seen: number[] = [];
  warmUp(createRunner(engine, makeSpec()), (rowCount, durationUs) => {
    expect(durationUs).toBeGreaterThanOrEqual(0);
    seen.push(rowCount);
  });
  expect(new Set(seen).size).toBeGreaterThan(1);
  expect(engine.runs.length).toBeGreaterThan(seen.length);
});
