/**
 * The tree kernel's own cases: what a tree may ask of a value, and what is done with its leaves. Each answer was worked
 * out by hand.
 */

import type { EngineModel } from "../../../server/inference/engine.js";
import { treeEngine } from "../../../server/inference/tree/tree-engine.js";
import { beside } from "../../support/random-forest.js";
import { encodeTrees, type Forest, type Mode, type TreeNode, treeGraph, treeModel } from "../../support/tree-onnx.js";
import { type EngineCase, type EngineMember, f32, f64, tensor } from "./case.js";

const { NaN: missing, POSITIVE_INFINITY: infinity } = Number;

const forest = (trees: readonly TreeNode[], change: Partial<Forest> = {}): Forest => ({
  dtype: "float32",
  featureCount: 1,
  trees,
  ...change,
});

/**
 * A stump of 1 where the comparison with 0.5 holds and 2 where it doesn't, and what it answers just below, at and just
 * above 0.5.
 */
const comparisons: readonly (readonly [Mode, readonly [number, number, number]])[] = [
  ["below", [1, 2, 2]],
  ["atMost", [1, 1, 2]],
  ["atLeast", [2, 1, 1]],
  ["above", [2, 2, 1]],
];
const around = (value: number, dtype: "float32" | "float64") => [
  beside(value, -1, dtype),
  value,
  beside(value, 1, dtype),
];

const stump = (mode: Mode, split: number, missingTrue = false): TreeNode => ({
  feature: 0,
  mode,
  split,
  missingTrue,
  yes: 1,
  no: 2,
});

const atThresholds: EngineCase[] = comparisons.flatMap(([mode, answers]) =>
  [0.5, 0, -1e30].flatMap((split): EngineCase[] => [
    {
      name: `float32 ${mode} ${split}, and its neighbours`,
      model: treeModel(forest([stump(mode, split)])),
      rows: 3,
      blocks: [f32(...around(Math.fround(split), "float32"))],
      answers: [f32(...answers)],
    },
    {
      name: `float64 ${mode} ${split}, and its neighbours`,
      model: treeModel(forest([stump(mode, split)], { dtype: "float64" })),
      rows: 3,
      blocks: [f64(...around(split, "float64"))],
      answers: [f64(...answers)],
    },
  ]),
);

/** What compares in a way of its own, through a stump at zero. */
const odd = f32(missing, infinity, -infinity, -0, 0);
const oddAnswers: readonly (readonly [Mode, boolean, readonly number[]])[] = [
  ["below", false, [2, 2, 1, 2, 2]],
  ["below", true, [1, 2, 1, 2, 2]],
  ["atMost", true, [1, 2, 1, 1, 1]],
  ["atLeast", false, [2, 1, 2, 1, 1]],
  ["atLeast", true, [1, 1, 2, 1, 1]],
  ["above", false, [2, 1, 2, 2, 2]],
];
const oddValues: EngineCase[] = oddAnswers.map(([mode, missingTrue, answers]) => ({
  name: `missing, infinite and negative zero values, ${mode} 0, missing ones ${missingTrue ? "as true" : "as false"}`,
  model: treeModel(forest([stump(mode, 0, missingTrue)])),
  rows: odd.length,
  blocks: [odd],
  answers: [f32(...answers)],
}));

/** 300 thresholds of one feature, 0 to 299: the leaf is how many of them a value has passed. */
function ladder(from: number, to: number): TreeNode {
  if (from === to) return from;
  const middle = Math.floor((from + to) / 2);
  return { feature: 0, split: middle, yes: ladder(from, middle), no: ladder(middle + 1, to) };
}
/** As deep as trees may be. */
function chain(levels: number): TreeNode {
  let node: TreeNode = levels;
  for (let level = levels - 1; level >= 0; level--) node = { feature: 0, split: level, yes: level, no: node };
  return node;
}

/** By members 1 and 3, 100 or -2; missing ones as members. */
const byCategory: TreeNode = { feature: 0, mode: "member", members: [1, 3, 100, -2], missingTrue: true, yes: 1, no: 2 };
const categories = f64(0, 1, 2, 3, 100, -2, missing, 1.5, -2.5, infinity);
const ofCategories = (
  how: "floor" | "truncate" | "or missing",
  answers: readonly number[],
  dtype: "float32" | "float64",
): EngineCase => ({
  name: `categories in ${dtype}, fractions by "${how}"`,
  model: treeModel(forest([byCategory], { dtype, whole: { how, columns: [0] } })),
  rows: categories.length,
  blocks: [dtype === "float32" ? Float32Array.from(categories) : categories],
  answers: [dtype === "float32" ? f32(...answers) : f64(...answers)],
});

/** 0 or 1 by each of three features, times 1, 10, 100. */
const digit = (feature: number, by: number): TreeNode => ({ feature, split: 0.5, yes: 0, no: by });
const threeRows = f32(0, 0, 0, 1, 0, 1, 1, 1, 1);

export const treeCases: readonly EngineCase[] = [
  ...atThresholds,
  ...oddValues,
  ofCategories("floor", [2, 1, 2, 1, 1, 1, 1, 1, 2, 2], "float64"),
  ofCategories("truncate", [2, 1, 2, 1, 1, 1, 1, 1, 1, 2], "float64"),
  ofCategories("or missing", [2, 1, 2, 1, 1, 1, 1, 1, 1, 2], "float64"),
  ofCategories("floor", [2, 1, 2, 1, 1, 1, 1, 1, 2, 2], "float32"),
  ofCategories("truncate", [2, 1, 2, 1, 1, 1, 1, 1, 1, 2], "float32"),
  {
    name: "equal and unequal categories, missing ones as their sides say",
    model: treeModel(
      forest(
        [
          { feature: 0, mode: "equal", split: 2, missingTrue: true, yes: 1, no: 2 },
          { feature: 0, mode: "equal", split: 2, yes: 10, no: 20 },
          { feature: 0, mode: "unequal", split: 2, yes: 100, no: 200 },
        ],
        { whole: { how: "floor", columns: [0] } },
      ),
    ),
    rows: 3,
    blocks: [f32(1, 2, missing)],
    answers: [f32(122, 211, 121)],
  },
  {
    name: "a category beside a number: only the category is made whole",
    model: treeModel(
      forest([{ ...(byCategory as object), feature: 1 } as TreeNode, { feature: 0, split: 1.5, yes: 10, no: 20 }], {
        featureCount: 2,
        whole: { how: "floor", columns: [1] },
      }),
    ),
    rows: 2,
    blocks: [f32(1.4, 1.4, 1.6, 2.6)],
    answers: [f32(11, 22)],
  },
  {
    name: "several features, row by row",
    model: treeModel(forest([digit(0, 1), digit(1, 10), digit(2, 100)], { featureCount: 3 })),
    rows: 3,
    blocks: [threeRows],
    answers: [f32(0, 101, 111)],
  },
  {
    name: "several targets, of which one has no tree",
    model: treeModel(
      forest([digit(0, 1), digit(1, 10), digit(2, 100)], { featureCount: 3, targetCount: 3, targets: [2, 0, 2] }),
    ),
    rows: 3,
    blocks: [threeRows],
    answers: [f32(0, 0, 0, 0, 0, 101, 10, 0, 101)],
  },
  {
    name: "leaves in the order of their trees, in float32",
    model: treeModel(forest([1e8, 1, stump("below", 0), -1e8])),
    rows: 1,
    blocks: [f32(1)],
    // Each 1 and 2 is lost in 1e8, whose neighbours are 8 away.
    answers: [f32(0)],
  },
  {
    name: "leaves in float64, where there is room for them",
    model: treeModel(forest([1e8, 1, stump("below", 0), -1e8], { dtype: "float64" })),
    rows: 1,
    blocks: [f64(1)],
    answers: [f64(3)],
  },
  {
    name: "rows in float32 before trees in float64, whose thresholds aren't rounded",
    model: treeModel(forest([stump("below", 0.1)], { dtype: "float64", inputDtype: "float32" })),
    rows: 2,
    // The float32 that is nearest to 0.1 lies above it.
    blocks: [f32(0.1, beside(Math.fround(0.1), -1, "float32"))],
    answers: [f64(2, 1)],
  },
  {
    name: "averages over all trees, whatever their targets",
    model: treeModel(
      forest([digit(0, 1), 5, digit(1, 10), 0.5], {
        featureCount: 2,
        targetCount: 2,
        targets: [0, 0, 1, 1],
        averages: true,
      }),
    ),
    rows: 1,
    blocks: [f32(1, 1)],
    answers: [f32(6 / 4, 10.5 / 4)],
  },
  {
    name: "sums that are divided, multiplied and moved, each step rounded to float32",
    model: treeModel(
      forest([digit(0, 1)], {
        after: [
          { op: "Div", operand: [3] },
          { op: "Mul", operand: [3e5] },
          { op: "Add", operand: [0.1] },
        ],
      }),
    ),
    rows: 2,
    blocks: [f32(0, 1)],
    answers: [f32(0.1, Math.fround(Math.fround(Math.fround(1 / 3) * 3e5) + Math.fround(0.1)))],
  },
  {
    name: "sums that are moved by target",
    model: treeModel(
      forest([digit(0, 1), 7], { targetCount: 2, targets: [0, 1], after: [{ op: "Add", operand: [100, 200] }] }),
    ),
    rows: 1,
    blocks: [f32(1)],
    answers: [f32(101, 207)],
  },
  {
    name: "trees of one leaf alone",
    model: treeModel(forest([1.5, 2])),
    rows: 2,
    blocks: [f32(0, missing)],
    answers: [f32(3.5, 3.5)],
  },
  {
    name: "a tree of one leaf between others",
    model: treeModel(forest([stump("below", 0), 0.25, stump("below", 0)])),
    rows: 2,
    blocks: [f32(-1, 1)],
    answers: [f32(2.25, 4.25)],
  },
  {
    name: "more thresholds of a feature than a byte can count",
    model: treeModel(forest([ladder(0, 300)])),
    rows: 8,
    blocks: [f32(-1, 0, 252, 252.5, 253, 254, 298.5, 299)],
    answers: [f32(0, 1, 253, 253, 254, 255, 299, 300)],
  },
  {
    name: "a tree of a thousand levels",
    model: treeModel(forest([chain(1000)])),
    rows: 4,
    blocks: [f32(-1, 0, 499.5, 2000)],
    answers: [f32(0, 1, 500, 1000)],
  },
  {
    name: "more rows than a tile holds",
    model: treeModel(forest([ladder(0, 300)])),
    rows: 150,
    blocks: [Float32Array.from({ length: 150 }, (_, row) => 2 * row)],
    answers: [Float32Array.from({ length: 150 }, (_, row) => 2 * row + 1)],
  },
  { name: "no row at all", model: treeModel(forest([stump("below", 0)])), rows: 0, blocks: [f32()], answers: [f32()] },
];

const plain: EngineModel = treeModel(forest([ladder(-40, 40), stump("below", 0)]));
const other: EngineModel = treeModel(forest([stump("atMost", 1)]));

export const treeMember: EngineMember = {
  engine: treeEngine,
  plain,
  other,
  cases: treeCases,
  unloadable: [
    { name: "what is no model", model: { ...plain, bytes: new Uint8Array(2048).fill(7) }, says: /./ },
    { name: "an empty file", model: { ...plain, bytes: new Uint8Array(0) }, says: /^it has no TreeEnsemble$/ },
    { name: "half a model", model: { ...plain, bytes: plain.bytes.subarray(0, plain.bytes.length / 2) }, says: /./ },
    {
      name: "a model of several inputs",
      model: { ...plain, inputs: [tensor("X"), tensor("Z")] },
      says: /^it hasn't one input and one output of columns$/,
    },
    {
      name: "a model whose input has another name",
      model: { ...plain, inputs: [tensor("Z")] },
      says: /don't begin with the input "Z"/,
    },
    {
      name: "a model without an output that is declared",
      model: { ...plain, outputs: [tensor("Z")] },
      says: /^what is done to the sums isn't covered$/,
    },
    {
      name: "a model whose output is wider than declared",
      model: treeModel(forest([stump("below", 0)]), treeGraph(forest([stump("below", 0)], { targetCount: 2 }))),
      says: /^it has 2 targets, and the manifest's output 1$/,
    },
    {
      name: "a model whose output is of another type than declared",
      model: { ...plain, outputs: [tensor("Y", [1], "float64")] },
      says: /^its trees are float32, and the manifest's output is float64$/,
    },
    {
      name: "a model of another kind",
      model: {
        ...plain,
        bytes: encodeTrees({ nodes: [{ op: "Identity", inputs: ["X"], outputs: ["Y"] }], inputs: [], outputs: [] }),
      },
      says: /^it has no TreeEnsemble$/,
    },
  ],
  failingRuns: [
    ...[[], [f32(1), f32(1)], [f64(1)], [f32(1, 2)]].map((blocks) => ({
      name: `${blocks.map((block) => `${block.constructor.name} of ${block.length}`).join(" and ") || "nothing"} for one row`,
      model: other,
      rows: 1,
      blocks,
      says: 'model "main": expected one block of float32 [1, 1], got',
      soundRun: { blocks: [f32(1)], answers: [f32(1)] },
    })),
  ],
};
