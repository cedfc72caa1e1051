/**
 * Goal: what isn't known to end is found by its graph alone; what the trainer and common converters write is known to
 * end.
 */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { whyUnbounded } from "../../../../server/inference/graph-time.js";
import { spinModel } from "../../../support/model-store.js";
import { encodeOnnx, type OnnxGraph, type OnnxNode, type OnnxTensor } from "../../../support/onnx-file.js";

const x = { name: "X", type: "float32", shape: ["rows", 1] } as const;
const y = { ...x, name: "Y" };
const whole = (...values: number[]): OnnxTensor => ({ type: "int64", shape: [values.length], values });
const constants = { k: whole(2), one: { shape: [1], values: [1] } as OnnxTensor };

function why(nodes: readonly OnnxNode[], more: Partial<OnnxGraph> = {}): string | undefined {
  return whyUnbounded([{ bytes: encodeOnnx({ nodes, inputs: [x], outputs: [y], constants, ...more }) }]);
}

const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[] = ["Y"],
  rest: Partial<OnnxNode> = {},
): OnnxNode => ({
  op,
  inputs,
  outputs,
  ...rest,
});

const ml = { domain: "ai.onnx.ml" };

describe("a run is bounded", () => {
  it.each(["models/demand/1", "models/breast-cancer/1", "models/digits/1"])("of %s", (folder) => {
    expect(whyUnbounded([{ bytes: readFileSync(`${folder}/model.onnx`) }])).toBeUndefined();
  });

  it("of the trainer's example of a network", () => {
    expect(whyUnbounded([{ bytes: readFileSync("trainer/examples/sequence/lstm.onnx") }])).toBeUndefined();
  });

  it.each([
    "Identity",
    "Relu",
    "Sigmoid",
    "Softmax",
    "Gemm",
    "MatMul",
    "Conv",
    "LSTM",
    "Where",
    "Cast",
    "Concat",
    "Gather",
    "ArgMax",
    "Einsum",
  ])("with %s", (op) => expect(why([node(op, ["X", "k"])])).toBeUndefined());

  it.each([
    "LinearRegressor",
    "LinearClassifier",
    "SVMRegressor",
    "SVMClassifier",
    "Scaler",
    "Imputer",
    "LabelEncoder",
    "OneHotEncoder",
    "ZipMap",
  ])("with ai.onnx.ml's %s", (op) => expect(why([node(op, ["X"], ["Y"], ml)])).toBeUndefined());

  it.each<[string, OnnxNode[]]>([
    ["a constant", [node("Reshape", ["X", "k"])]],
    ["a Constant", [node("Constant", [], ["size"]), node("Expand", ["X", "size"])]],
    ["nothing", [node("Squeeze", ["X"])]],
    ["an input left out", [node("Resize", ["X", "", "", "k"])]],
    ["the shape", [node("Shape", ["X"], ["size"]), node("Expand", ["one", "size"])]],
    [
      "what is computed of the shape",
      [
        node("Shape", ["X"], ["shape"]),
        node("Gather", ["shape", "k"], ["rows"]),
        node("Mul", ["rows", "k"], ["twice"]),
        node("Concat", ["twice", "k"], ["size"]),
        node("Tile", ["X", "size"]),
      ],
    ],
    [
      "the shape of what depends on values",
      [node("Mul", ["X", "X"], ["square"]), node("Shape", ["square"], ["s"]), node("ConstantOfShape", ["s"])],
    ],
  ])("where a size comes from %s", (_, nodes) => expect(why(nodes)).toBeUndefined());

  it("in trees whose nodes stand above their children", () => {
    const lists = {
      nodes_nodeids: [0, 1, 2, 0, 1, 2],
      nodes_truenodeids: [1, 0, 0, 2, 0, 0],
      nodes_falsenodeids: [2, 0, 0, 1, 0, 0],
    };
    expect(why([node("TreeEnsembleRegressor", ["X"], ["Y"], { ...ml, attributes: lists })])).toBeUndefined();
  });
});

describe("a run may be endless", () => {
  it.each<[string, string, OnnxNode[]]>([
    ["a Loop", "its graph has a Loop", [...spinModel().graph.nodes]],
    ["a Scan", "its graph has a Scan", [node("Scan", ["X"])]],
    ["an If", "its graph has an If", [node("If", ["X"])]],
    [
      "an operator of another domain",
      `its operator "com.microsoft.CDist" isn't known to end`,
      [node("CDist", ["X"], ["Y"], { domain: "com.microsoft" })],
    ],
    [
      "an operator of ai.onnx.ml that isn't there",
      `its operator "ai.onnx.ml.Loop" isn't known to end`,
      [node("Loop", ["X"], ["Y"], ml)],
    ],
    ["an unknown operator", `its operator "Frobnicate" isn't known to end`, [node("Frobnicate", ["X"])]],
    [
      "an operator named as what every object has",
      `its operator "constructor" isn't known to end`,
      [node("constructor", ["X"])],
    ],
    ["NonZero", "the size that NonZero gives depends on values", [node("NonZero", ["X"])]],
    ["Unique of a constant", "the size that Unique gives depends on values", [node("Unique", ["k"])]],
  ])("with %s", (_, reason, nodes) => expect(why(nodes)).toBe(reason));

  it.each<[string, readonly string[]]>([
    ["Range", ["k", "n", "k"]],
    ["ConstantOfShape", ["n"]],
    ["Expand", ["X", "n"]],
    ["Tile", ["X", "n"]],
    ["Resize", ["X", "", "n"]],
    ["Resize", ["X", "", "", "n"]],
    ["Upsample", ["X", "n"]],
    ["OneHot", ["X", "n", "k"]],
    ["Pad", ["X", "n"]],
    ["Slice", ["X", "k", "n"]],
    ["Reshape", ["X", "n"]],
    ["TopK", ["X", "n"]],
    ["Split", ["X", "n"]],
    ["ReduceSum", ["X", "n"]],
  ])("with %s of a size that is a row's value: %j", (op, inputs) => {
    expect(why([node("Cast", ["X"], ["n"], { attributes: { to: 7 } }), node(op, inputs)])).toBe(
      `the size that ${op} gives depends on values`,
    );
  });

  it("where a value goes the long way into a size", () => {
    const nodes = [
      node("Shape", ["X"], ["shape"]),
      node("Cast", ["X"], ["n"], { attributes: { to: 7 } }),
      node("Mul", ["shape", "n"], ["size"]),
      node("Expand", ["X", "size"]),
    ];
    expect(why(nodes)).toBe("the size that Expand gives depends on values");
  });

  it("where chance goes into a size", () => {
    expect(why([node("RandomUniform", [], ["n"]), node("Expand", ["X", "n"])])).toBe(
      "the size that Expand gives depends on values",
    );
  });

  it("where a node's output has a constant's name", () => {
    const nodes = [node("Expand", ["X", "k"], ["Y"]), node("Cast", ["X"], ["k"])];
    expect(why(nodes)).toBe("the size that Expand gives depends on values");
  });

  it.each([[[1, 2, 1, 0, 0]], [[1, 1, 3, 0, 0]]])("in a tree with a circle: children %j", (yes) => {
    const lists = { nodes_nodeids: [0, 1, 2, 3, 4], nodes_truenodeids: yes, nodes_falsenodeids: [4, 3, 4, 0, 0] };
    const reason = why([node("TreeEnsembleClassifier", ["X"], ["Y"], { ...ml, attributes: lists })]);
    expect(reason).toBe("a way through one of its trees may be a circle");
  });

  it("in a file that has operators of its own", () => {
    const bytes = Buffer.concat([
      encodeOnnx({ nodes: [node("Relu", ["X"])], inputs: [x], outputs: [y] }),
      Uint8Array.of(0xca, 1, 0),
    ]);
    expect(whyUnbounded([{ bytes }])).toBe("its file defines operators of its own");
  });

  it("in the second of two graphs of a file, which the runtime reads as one", () => {
    const [one, two] = [[node("Relu", ["X"])], spinModel().graph.nodes].map((nodes) =>
      encodeOnnx({ nodes, inputs: [x], outputs: [y] }),
    );
    expect(whyUnbounded([{ bytes: Buffer.concat([one!, two!]) }])).toBe("its graph has a Loop");
  });

  it("in the second of two models", () => {
    const bytes = [[node("Relu", ["X"])], [node("Scan", ["X"])]].map((nodes) =>
      encodeOnnx({ nodes, inputs: [x], outputs: [y] }),
    );
    expect(whyUnbounded(bytes.map((bytes) => ({ bytes })))).toBe("its graph has a Scan");
  });

  it.each([
    ["nothing", new Uint8Array(0), "its file has no graph that can be read"],
    [
      "the runtime's own format",
      Buffer.from("\x20\0\0\0ORTM\0\0\0\0", "latin1"),
      "its file is in ONNX Runtime's own format",
    ],
    ["groups", Uint8Array.of(0x0b, 0x0c), /^its file can't be read: byte 1 of 2/],
  ])("of a file of %s", (_, bytes, reason) => expect(whyUnbounded([{ bytes }])).toEqual(expect.stringMatching(reason)));
});

it("any bytes get an answer", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void whyUnbounded([{ bytes }])));
  const whole = encodeOnnx(spinModel().graph);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (place, value) => {
      const bytes = Uint8Array.from(whole);
      bytes[place] = value;
      whyUnbounded([{ bytes }]);
    }),
  );
});

it("a name out of a file is quoted, and cut", () => {
  expect(why([node(`"\n${"x".repeat(10_000)}`, ["X"])])).toBe(
    `its operator "\\"\\n${"x".repeat(58)}" isn't known to end`,
  );
});
