/** Goal: a block view takes what the models take and gives what they give, in the lane of its version. */

import { describe, expect, it, test } from "vitest";
import { BlockRows } from "../../../../server/path/blocks.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import { Routes } from "../../../../server/routing/routes.js";
import { Registry } from "../../../../server/versions/registry.js";
import type { Servable } from "../../../../server/versions/servable.js";
import { makeVersion } from "../../../support/versions.js";

const tensor = (name: string, dtype: string, ...shape: readonly number[]) => ({
  name,
  dtype,
  shape: ["rows", ...shape],
});

/** Two blocks of two precisions into one model, which gives two outputs. */
const wide = makeVersion({
  schema: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number", "x-pii": true } },
    required: ["a", "b"],
    additionalProperties: false,
  },
  preprocessing: {
    format: "plumb-graph/1",
    inputs: [
      { name: "a", type: "number" },
      { name: "b", type: "number" },
    ],
    nodes: [{ id: "n1", op: "passthrough", inputs: ["a", "b"], params: {} }],
    outputs: [
      { ...tensor("X", "float32", 1, 2), from: ["n1"] },
      { ...tensor("Z", "float64", 2), from: ["n1"] },
    ],
  },
  models: [
    {
      id: "main",
      file: "model.onnx",
      bytes: new Uint8Array(0),
      inputs: [tensor("X", "float32", 1, 2), tensor("Z", "float64", 2)],
      outputs: [tensor("Y", "float32", 2), tensor("W", "float64", 1)],
    },
  ],
  postprocessing: {
    format: "plumb-graph/1",
    inputs: [tensor("main.W", "float64", 1), tensor("main.Y", "float32", 2)],
    nodes: [],
    outputs: [{ name: "prediction", from: ["main.Y", "main.W"], params: { names: ["p", "q", "r"] } }],
  },
});

const rows = (count: number, ...blocks: readonly (readonly number[])[]) =>
  new BlockRows(
    count,
    blocks.map((block) => Float64Array.from(block)),
  );

describe("a block view", () => {
  const view = wide.blockView;

  it("names the models' own tensors", () => {
    expect(view.name).toBe("tiny.onnx");
    expect(view.blockTensors!.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ["X", "float32", ["rows", 1, 2]],
      ["Z", "float64", ["rows", 2]],
    ]);
    expect(view.blockTensors!.outputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ["W", "float64", ["rows", 1]],
      ["Y", "float32", ["rows", 2]],
    ]);
  });

  it("names the outputs of several models as postprocessing does", () => {
    const output = tensor("Y", "float32", 1);
    const model = { id: "main", file: "m.onnx", bytes: new Uint8Array(0), inputs: [tensor("X", "float32", 1)] };
    const both = makeVersion({
      models: [
        { ...model, outputs: [output] },
        { ...model, id: "other", outputs: [output] },
      ],
    });
    expect(both.blockView.blockTensors!.outputs.map(({ name }) => name)).toEqual(["main.Y"]);
  });

  it("copies rows into blocks, wherever they stand, each in the precision of its block", () => {
    const sent = rows(3, [0.1, 1, 0.2, 2, 0.3, 3], [0.1, Number.NaN, 0.2, -0, 0.3, 5]);
    const blocks = [new Float32Array(8), new Float64Array(8)];
    expect(view.preprocessor.run(sent, blocks, 2, 1, 3)).toEqual([]);
    expect([...blocks[0]!]).toEqual([0, 0, 0, 0, Math.fround(0.2), 2, Math.fround(0.3), 3]);
    expect([...blocks[1]!]).toEqual([0, 0, 0, 0, 0.2, -0, 0.3, 5]);
  });

  it("answers each row with the values of all outputs in turn", () => {
    const raw = [Float64Array.of(9, 1, 2), Float32Array.of(9, 9, 3, 4, 5, 6)];
    expect(view.postprocessor.run(raw, 1, 2).predictions).toEqual([
      [1, 3, 4],
      [2, 5, 6],
    ]);
    expect(makeVersion().blockView.postprocessor.run([Float32Array.of(9, 7)], 1, 1).predictions).toEqual([7]);
  });

  it("takes every float, as preprocessing gives every float", () => {
    const { rowSchema } = makeVersion().blockView;
    const sent = rows(3, [1, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(rowSchema.acceptsColumns(sent, 0, 3)).toBe(true);
    const row = rowSchema.rowAt(sent, 2);
    expect(row).toEqual({ X: [Number.POSITIVE_INFINITY] });
    expect([rowSchema.accepts(row), rowSchema.issues(row, 2)]).toEqual([true, []]);
  });

  it("hides values where some follow from personal data", () => {
    expect([...view.hiddenFeatures]).toEqual(["X", "Z"]);
    expect(view.rowSchema.features.map(({ pii }) => pii)).toEqual([true, true]);
    expect(makeVersion().blockView.hiddenFeatures.size).toBe(0);
  });

  it("is held as long as its version", () => {
    view.retain();
    expect(wide.references).toBe(1);
    view.release();
    expect(wide.references).toBe(0);
  });

  it("has no fallback and no cache, and its version's limits", () => {
    const { fallback, cache, bodyLimits, sloMs, viewOf } = view;
    expect([fallback, cache, bodyLimits, sloMs, viewOf]).toEqual([undefined, undefined, wide.bodyLimits, 200, wide]);
    expect(wide.blockView).toBe(view);
  });
});

describe("names", () => {
  function routesOf(versions: readonly Servable[]) {
    const registry = new Registry(undefined, newestReady);
    for (const version of versions) registry.add(version);
    const routes = new Routes(registry);
    routes.open();
    return routes;
  }
  const tiny = makeVersion();
  const two = makeVersion({ number: 2 });

  test("with the suffix are a view of the version that answers, or of the one that is named", () => {
    const routes = routesOf([tiny, two]);
    for (const ask of [routes.find, routes.choose].map((each) => each.bind(routes))) {
      expect(ask("tiny.onnx", undefined, true)).toBe(two.blockView);
      expect(ask("tiny.onnx", "1", true)).toBe(tiny.blockView);
      expect(ask("tiny", undefined, true)).toBe(two);
      expect(ask(undefined, undefined, true)).toBe(two);
    }
    expect(routes.find("tiny.onnx", "3", true)).toBeUndefined();
    expect(() => routes.choose("tiny.onnx", "3", true)).toThrow('model "tiny" has no version "3"');
  });

  test("of models come first", () => {
    const own = makeVersion({ name: "tiny.onnx" });
    const routes = routesOf([tiny, own]);
    expect(routes.choose("tiny.onnx", undefined, true)).toBe(own);
    expect(routes.choose("tiny.onnx.onnx", undefined, true)).toBe(own.blockView);
    expect(routes.choose("tiny", undefined, true)).toBe(tiny);
  });

  test("are no views in other protocols, or of models that aren't there", () => {
    const routes = routesOf([tiny]);
    expect(routes.find("tiny.onnx", undefined)).toBeUndefined();
    expect(() => routes.choose("tiny.onnx", undefined)).toThrow('there is no model "tiny.onnx"');
    for (const name of ["other.onnx", ".onnx", "tinyonnx"]) {
      expect(routes.find(name, undefined, true)).toBeUndefined();
      expect(() => routes.choose(name, undefined, true)).toThrow(`there is no model "${name}"`);
    }
  });
});
