/**
 * Goal: what any engine owes the server: a row's numbers to the last bit whatever batch it is in, outputs that belong to the caller, and an
 * error, never a crash or a guess, for whatever it can't do. An engine joins by standing in the list.
 */

import { afterEach, describe, expect, test } from "vitest";
import type { Block } from "../../preprocessing/index.js";
import type { Engine, EngineModel, EngineSession, TensorDescription } from "../../server/inference/engine.js";
import { onnxruntime } from "../../server/inference/session.js";
import { encodeOnnx, type OnnxGraph, type OnnxValue } from "../fixtures/onnx-file.js";

const engines: readonly Engine[] = [onnxruntime];

type Dtype = TensorDescription["dtype"];
const tensor = (name: string, shape: readonly number[] = [1], dtype: Dtype = "float32"): TensorDescription => ({
  name,
  dtype,
  shape: ["rows", ...shape],
});
const value = (name: string, shape: readonly number[] = [1], type: OnnxValue["type"] = "float32"): OnnxValue => ({
  name,
  type,
  shape: ["rows", ...shape],
});
const f32 = (...values: number[]) => Float32Array.from(values);
const f64 = (...values: number[]) => Float64Array.from(values);

interface Model {
  graph: OnnxGraph;
  inputs: TensorDescription[];
  outputs: TensorDescription[];
}

const identity: Model = {
  graph: { nodes: [{ op: "Identity", inputs: ["X"], outputs: ["Y"] }], inputs: [value("X")], outputs: [value("Y")] },
  inputs: [tensor("X")],
  outputs: [tensor("Y")],
};

/** Looks up a list of three; a row with any other index fails when it runs. */
const lookup: Model = {
  graph: {
    nodes: [
      { op: "Cast", inputs: ["X"], outputs: ["index"], attributes: { to: 7 } },
      { op: "Gather", inputs: ["list", "index"], outputs: ["Y"] },
    ],
    inputs: [value("X")],
    outputs: [value("Y")],
    constants: { list: { shape: [3], values: [10, 20, 30] } },
  },
  inputs: [tensor("X")],
  outputs: [tensor("Y")],
};

const cases: { name: string; model: Model; rows: number; blocks: Block[]; answers: Block[] }[] = [
  { name: "one column", model: identity, rows: 3, blocks: [f32(1, 2, 3)], answers: [f32(1, 2, 3)] },
  {
    name: "what no decimal number can say",
    model: identity,
    rows: 6,
    blocks: [f32(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-45, 3.4028234663852886e38)],
    answers: [f32(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-45, 3.4028234663852886e38)],
  },
  {
    name: "rows of several values, row by row",
    model: {
      graph: {
        nodes: [{ op: "Mul", inputs: ["X", "by"], outputs: ["Y"] }],
        inputs: [value("X", [3])],
        outputs: [value("Y", [3])],
        constants: { by: { shape: [3], values: [1, 10, 100] } },
      },
      inputs: [tensor("X", [3])],
      outputs: [tensor("Y", [3])],
    },
    rows: 2,
    blocks: [f32(1, 2, 3, 4, 5, 6)],
    answers: [f32(1, 20, 300, 4, 50, 600)],
  },
  {
    name: "rows of a matrix each",
    model: {
      graph: {
        nodes: [{ op: "Transpose", inputs: ["X"], outputs: ["Y"], attributes: { perm: [0, 2, 1] } }],
        inputs: [value("X", [2, 3])],
        outputs: [value("Y", [3, 2])],
      },
      inputs: [tensor("X", [2, 3])],
      outputs: [tensor("Y", [3, 2])],
    },
    rows: 1,
    blocks: [f32(1, 2, 3, 4, 5, 6)],
    answers: [f32(1, 4, 2, 5, 3, 6)],
  },
  {
    name: "float64, in its own precision",
    model: {
      graph: {
        nodes: [{ op: "Add", inputs: ["X", "X"], outputs: ["Y"] }],
        inputs: [value("X", [1], "float64")],
        outputs: [value("Y", [1], "float64")],
      },
      inputs: [tensor("X", [1], "float64")],
      outputs: [tensor("Y", [1], "float64")],
    },
    rows: 2,
    blocks: [f64(0.1, 1e300)],
    answers: [f64(0.2, 2e300)],
  },
  {
    name: "inputs by the order in which they are declared, not by that of the file",
    model: {
      graph: {
        nodes: [{ op: "Sub", inputs: ["A", "B"], outputs: ["Y"] }],
        inputs: [value("B"), value("A")],
        outputs: [value("Y")],
      },
      inputs: [tensor("A"), tensor("B")],
      outputs: [tensor("Y")],
    },
    rows: 2,
    blocks: [f32(10, 20), f32(1, 2)],
    answers: [f32(9, 18)],
  },
  {
    name: "outputs by the order in which they are declared, and only those",
    model: {
      graph: {
        nodes: [
          { op: "Identity", inputs: ["X"], outputs: ["same"] },
          { op: "Neg", inputs: ["X"], outputs: ["opposite"] },
          { op: "Abs", inputs: ["X"], outputs: ["unused"] },
        ],
        inputs: [value("X")],
        outputs: [value("same"), value("unused"), value("opposite")],
      },
      inputs: [tensor("X")],
      outputs: [tensor("opposite"), tensor("same")],
    },
    rows: 2,
    blocks: [f32(1, -2)],
    answers: [f32(-1, 2), f32(1, -2)],
  },
];

describe.each(engines)("the engine $name", (engine) => {
  const open: EngineSession[] = [];
  afterEach(() => {
    for (const session of open.splice(0)) session.release();
  });

  function load({ graph, inputs, outputs }: Model, changes: Partial<EngineModel> = {}): EngineSession {
    const session = engine.load({ id: "main", bytes: encodeOnnx(graph), inputs, outputs, ...changes });
    open.push(session);
    return session;
  }

  test("has a name", () => {
    expect(engine.name).toMatch(/^[a-z][a-z0-9-]*$/);
  });

  test.each(cases)("runs $name", ({ model, rows, blocks, answers }) => {
    const before = blocks.map((block) => block.slice());
    expect(load(model).run(blocks, rows)).toEqual(answers);
    expect(blocks).toEqual(before);
  });

  test.each([1, 2, 7, 64, 256, 1000])("answers each row of %i as it answers it alone", (rowCount) => {
    const session = load(identity);
    const block = Float32Array.from({ length: rowCount }, (_, row) => Math.sin(row));
    const [together] = session.run([block], rowCount);
    const alone = Float32Array.from(block, (_, row) => session.run([block.slice(row, row + 1)], 1)[0]![0]!);
    expect(together).toEqual(alone);
  });

  test("takes blocks and files that lie inside larger buffers", () => {
    const file = encodeOnnx(identity.graph);
    const inside = new Uint8Array(file.length + 32);
    inside.set(file, 13);
    const session = load(identity, { bytes: inside.subarray(13, 13 + file.length) });
    expect(session.run([f32(0, 0, 5, 6, 0).subarray(2, 4)], 2)).toEqual([f32(5, 6)]);
  });

  test("gives outputs that later runs leave alone", () => {
    const session = load(identity);
    const first = session.run([f32(1, 2)], 2);
    session.run([f32(8, 9)], 2);
    expect(first).toEqual([f32(1, 2)]);
  });

  test("gives outputs that can be moved to another thread as they are", () => {
    const [block] = load(identity).run([f32(1, 2)], 2);
    expect(block!.buffer.byteLength).toBe(block!.byteLength);
    const moved = structuredClone(block!, { transfer: [block!.buffer as ArrayBuffer] });
    expect(moved).toEqual(f32(1, 2));
  });

  test("throws for a batch with a row that the model fails on, and goes on working", () => {
    const session = load(lookup);
    expect(session.run([f32(0, 2)], 2)).toEqual([f32(10, 30)]);
    expect(() => session.run([f32(0, 99, 1)], 3)).toThrow(Error);
    expect(session.run([f32(1)], 1)).toEqual([f32(20)]);
  });

  test("keeps sessions apart: one that is released leaves the others at work", () => {
    const [first, second] = [load(identity), load(lookup)];
    open.splice(0, 1);
    first.release();
    expect(second.run([f32(1)], 1)).toEqual([f32(20)]);
    expect(load(identity).run([f32(4)], 1)).toEqual([f32(4)]);
  });

  describe("refuses to load", () => {
    test("what is no model", () => {
      expect(() => load(identity, { id: "second", bytes: new Uint8Array(2048).fill(7) })).toThrow(/^model "second": /);
      expect(() => load(identity, { bytes: new Uint8Array(0) })).toThrow(/^model "main": /);
    });

    test("half a model", () => {
      const bytes = encodeOnnx(lookup.graph);
      expect(() => load(lookup, { bytes: bytes.subarray(0, bytes.length / 2) })).toThrow(Error);
    });

    test("a model without an input that is declared", () => {
      expect(() => load(identity, { inputs: [tensor("X"), tensor("Z")] })).toThrow(/"main".*inputs.*"Z"/);
    });

    test("a model with an input that nobody would feed", () => {
      expect(() => load(cases[5]!.model, { inputs: [tensor("A")] })).toThrow(/"main".*inputs/);
    });

    test("a model without an output that is declared", () => {
      expect(() => load(identity, { outputs: [tensor("Z")] })).toThrow(/"main".*outputs.*"Z"/);
    });
  });

  describe("refuses to run", () => {
    test("a block of another size than the rows need", () => {
      const session = load(identity);
      expect(() => session.run([f32(1, 2)], 3)).toThrow(Error);
      expect(() => session.run([f32(1, 2)], 1)).toThrow(Error);
    });

    test("a block of another type", () => {
      expect(() => load(identity).run([f64(1)], 1)).toThrow(Error);
    });

    test("a model whose output is wider than declared", () => {
      const session = load(cases[2]!.model, { outputs: [tensor("Y")] });
      expect(() => session.run([f32(1, 2, 3)], 1)).toThrow('output "Y" of the model: expected float32 [1, 1], got float32 [1, 3]');
    });

    test("a model whose output is of another type than declared", () => {
      const session = load(identity, { outputs: [tensor("Y", [1], "float64")] });
      expect(() => session.run([f32(1)], 1)).toThrow('output "Y" of the model: expected float64 [1, 1], got float32 [1, 1]');
    });
  });
});
