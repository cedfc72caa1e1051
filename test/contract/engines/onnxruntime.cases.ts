/** ONNX Runtime runs any model; so its own cases are those of inputs and outputs. */

import type { EngineModel } from "../../../server/inference/engine.js";
import { onnxruntime } from "../../../server/inference/session.js";
import { encodeOnnx, type OnnxGraph, type OnnxValue } from "../../support/onnx-file.js";
import { type EngineCase, type EngineMember, f32, f64, tensor } from "./case.js";
import { treeCases } from "./tree.cases.js";

const value = (name: string, shape: readonly number[] = [1], type: OnnxValue["type"] = "float32"): OnnxValue => ({
  name,
  type,
  shape: ["rows", ...shape],
});
const describe = (graph: OnnxGraph, inputs = [tensor("X")], outputs = [tensor("Y")]): EngineModel => ({
  id: "main",
  bytes: encodeOnnx(graph),
  inputs,
  outputs,
});

const identity = describe({
  nodes: [{ op: "Identity", inputs: ["X"], outputs: ["Y"] }],
  inputs: [value("X")],
  outputs: [value("Y")],
});

/** Looks up a list of three; a row with any other index fails when it runs. */
const lookup = describe({
  nodes: [
    { op: "Cast", inputs: ["X"], outputs: ["index"], attributes: { to: 7 } },
    { op: "Gather", inputs: ["list", "index"], outputs: ["Y"] },
  ],
  inputs: [value("X")],
  outputs: [value("Y")],
  constants: { list: { shape: [3], values: [10, 20, 30] } },
});

const columns = describe(
  {
    nodes: [{ op: "Mul", inputs: ["X", "by"], outputs: ["Y"] }],
    inputs: [value("X", [3])],
    outputs: [value("Y", [3])],
    constants: { by: { shape: [3], values: [1, 10, 100] } },
  },
  [tensor("X", [3])],
  [tensor("Y", [3])],
);

const difference = describe(
  {
    nodes: [{ op: "Sub", inputs: ["A", "B"], outputs: ["Y"] }],
    inputs: [value("B"), value("A")],
    outputs: [value("Y")],
  },
  [tensor("A"), tensor("B")],
);

const cases: readonly EngineCase[] = [
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
    model: columns,
    rows: 2,
    blocks: [f32(1, 2, 3, 4, 5, 6)],
    answers: [f32(1, 20, 300, 4, 50, 600)],
  },
  {
    name: "rows of a matrix each",
    model: describe(
      {
        nodes: [{ op: "Transpose", inputs: ["X"], outputs: ["Y"], attributes: { perm: [0, 2, 1] } }],
        inputs: [value("X", [2, 3])],
        outputs: [value("Y", [3, 2])],
      },
      [tensor("X", [2, 3])],
      [tensor("Y", [3, 2])],
    ),
    rows: 1,
    blocks: [f32(1, 2, 3, 4, 5, 6)],
    answers: [f32(1, 4, 2, 5, 3, 6)],
  },
  {
    name: "float64, in its own precision",
    model: describe(
      {
        nodes: [{ op: "Add", inputs: ["X", "X"], outputs: ["Y"] }],
        inputs: [value("X", [1], "float64")],
        outputs: [value("Y", [1], "float64")],
      },
      [tensor("X", [1], "float64")],
      [tensor("Y", [1], "float64")],
    ),
    rows: 2,
    blocks: [f64(0.1, 1e300)],
    answers: [f64(0.2, 2e300)],
  },
  {
    name: "inputs by the order in which they are declared, not by that of the file",
    model: difference,
    rows: 2,
    blocks: [f32(10, 20), f32(1, 2)],
    answers: [f32(9, 18)],
  },
  {
    name: "outputs by the order in which they are declared, and only those",
    model: describe(
      {
        nodes: [
          { op: "Identity", inputs: ["X"], outputs: ["same"] },
          { op: "Neg", inputs: ["X"], outputs: ["opposite"] },
          { op: "Abs", inputs: ["X"], outputs: ["unused"] },
        ],
        inputs: [value("X")],
        outputs: [value("same"), value("unused"), value("opposite")],
      },
      [tensor("X")],
      [tensor("opposite"), tensor("same")],
    ),
    rows: 2,
    blocks: [f32(1, -2)],
    answers: [f32(-1, 2), f32(1, -2)],
  },
];

export const onnxruntimeMember: EngineMember = {
  engine: onnxruntime,
  plain: identity,
  other: lookup,
  // It answers for the tree kernel's cases too: a case that only one of them passes would be wrong itself.
  cases: [...cases, ...treeCases],
  unloadable: [
    {
      name: "what is no model",
      model: { ...identity, id: "second", bytes: new Uint8Array(2048).fill(7) },
      says: /^model "second": ONNX Runtime can't load the file: /,
    },
    { name: "an empty file", model: { ...identity, bytes: new Uint8Array(0) }, says: /^model "main": / },
    {
      name: "half a model",
      model: { ...lookup, bytes: lookup.bytes.subarray(0, lookup.bytes.length / 2) },
      says: /^model "main": ONNX Runtime can't load the file: /,
    },
    {
      name: "a model without an input that is declared",
      model: { ...identity, inputs: [tensor("X"), tensor("Z")] },
      says: /"main".*inputs.*"Z"/,
    },
    {
      name: "a model with an input that nobody would feed",
      model: { ...difference, inputs: [tensor("A")] },
      says: /"main".*inputs/,
    },
    {
      name: "a model without an output that is declared",
      model: { ...identity, outputs: [tensor("Z")] },
      says: /"main".*outputs.*"Z"/,
    },
  ],
  failingRuns: [
    {
      name: "a batch with a row that the model fails on",
      model: lookup,
      rows: 3,
      blocks: [f32(0, 99, 1)],
      says: /indices element out of data bounds/,
      soundRun: { blocks: [f32(1)], answers: [f32(20)] },
    },
    {
      name: "a model whose output is wider than declared",
      model: { ...columns, outputs: [tensor("Y")] },
      rows: 1,
      blocks: [f32(1, 2, 3)],
      says: 'output "Y" of the model: expected float32 [1, 1], got float32 [1, 3]',
    },
    {
      name: "a model whose output is of another type than declared",
      model: { ...identity, outputs: [tensor("Y", [1], "float64")] },
      rows: 1,
      blocks: [f32(1)],
      says: 'output "Y" of the model: expected float64 [1, 1], got float32 [1, 1]',
    },
  ],
};
