/**
 * Goal: what the operator says is read as left and right, and each way of being no ensemble is refused in a sentence
 * that names it.
 */

import { describe, expect, test } from "vitest";
import { type Ensemble, readEnsemble } from "../../../../../server/inference/tree/ensemble.js";
import { NotCovered } from "../../../../../server/inference/tree/not-covered.js";
import type { OnnxAttribute, OnnxNode, OnnxTensor } from "../../../../../server/inference/tree/onnx-file.js";
import { beside } from "../../../../support/random-forest.js";
import { type Forest, type Mode, type TreeNode, treeAttributes } from "../../../../support/tree-onnx.js";

type Attributes = Record<string, OnnxAttribute>;

/** The operator's node, as it is read from a file. */
function attributesOf(forest: Forest): Attributes {
  const { nodes_splits, leaf_weights, membership_values, nodes_modes, ...others } = treeAttributes(forest);
  return {
    ...others,
    nodes_splits: tensor(nodes_splits, forest.dtype),
    leaf_weights: tensor(leaf_weights, forest.dtype),
    nodes_modes: { dtype: "uint8", shape: [nodes_modes.length], values: Uint8Array.from(nodes_modes) },
    ...(membership_values.length === 0 ? {} : { membership_values: tensor(membership_values, forest.dtype) }),
  };
}

function tensor(values: readonly number[], dtype: "float32" | "float64" = "float32"): OnnxTensor {
  return {
    dtype,
    shape: [values.length],
    values: dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values),
  };
}

/** @param attributes - An undefined one isn't there. */
function read(attributes: Attributes, featureCount: number): Ensemble {
  const given = new Map(Object.entries(attributes).filter(([, value]) => value !== undefined));
  const node: OnnxNode = { op: "TreeEnsemble", domain: "ai.onnx.ml", inputs: ["X"], outputs: ["Y"], attributes: given };
  return readEnsemble(node, featureCount);
}

/**
 * Three nodes, five leaves, two trees: nodes 0 (leaves 0 and 1, in feature 0) and 1 (node 2 and leaf 4), which has
 * leaves 2 and 3.
 */
const stump: TreeNode = { feature: 0, split: 0.5, yes: 1, no: 2 };
const forest: Forest = {
  dtype: "float32",
  featureCount: 2,
  trees: [stump, { feature: 1, split: -1, missingTrue: true, yes: { feature: 0, split: 4, yes: 3, no: 4 }, no: 5 }],
};

describe("a sound ensemble", () => {
  const readForest = (change: Partial<Forest>) => {
    const changed = { ...forest, ...change };
    return read(attributesOf(changed), changed.featureCount);
  };
  /** What a leaf's number stands for. */
  const valueAt = ({ values }: Ensemble, leaf: number) => values[~leaf];

  test("has nodes, leaves, depths and targets", () => {
    const ensemble = readForest({ targets: [1, 0], targetCount: 2 });
    const { nodes, roots } = ensemble;
    expect(ensemble).toMatchObject({ dtype: "float32", targetCount: 2, averages: false });
    expect([...roots]).toEqual([0, 1]);
    expect([...ensemble.targets]).toEqual([1, 0]);
    expect([...ensemble.depths]).toEqual([1, 2]);
    expect([...nodes.feature]).toEqual([0, 1, 0]);
    expect([...nodes.threshold]).toEqual([0.5, -1, 4]);
    expect([...nodes.missingLeft]).toEqual([0, 1, 0]);
    expect([nodes.left[1], nodes.right[1]! < 0]).toEqual([2, true]);
    const leaves = [nodes.left[0]!, nodes.right[0]!, nodes.left[2]!, nodes.right[2]!, nodes.right[1]!];
    expect(leaves.map((leaf) => valueAt(ensemble, leaf))).toEqual([1, 2, 3, 4, 5]);
  });

  test.each<[Mode, boolean, number, readonly [left: number, right: number], 0 | 1]>([
    ["below", false, 0.5, [1, 2], 0],
    ["below", true, 0.5, [1, 2], 1],
    ["atMost", false, beside(0.5, 1, "float64"), [1, 2], 0],
    ["atMost", true, beside(0.5, 1, "float64"), [1, 2], 1],
    ["atLeast", false, 0.5, [2, 1], 1],
    ["atLeast", true, 0.5, [2, 1], 0],
    ["above", false, beside(0.5, 1, "float64"), [2, 1], 1],
    ["above", true, beside(0.5, 1, "float64"), [2, 1], 0],
  ])("goes right at %s (missing values as true: %s) from %s on", (mode, missingTrue, threshold, sides, missingLeft) => {
    const ensemble = readForest({ trees: [{ feature: 0, mode, split: 0.5, missingTrue, yes: 1, no: 2 }] });
    const { nodes } = ensemble;
    expect([nodes.threshold[0], nodes.missingLeft[0]]).toEqual([threshold, missingLeft]);
    expect([valueAt(ensemble, nodes.left[0]!), valueAt(ensemble, nodes.right[0]!)]).toEqual(sides);
  });

  test.each([
    [0, Number.MIN_VALUE],
    [-0, Number.MIN_VALUE],
    [-Number.MIN_VALUE, -0],
    [Number.MAX_VALUE, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, -Number.MAX_VALUE],
    [Number.POSITIVE_INFINITY, Number.NaN],
  ])("at most %s is below %s", (split, threshold) => {
    const ensemble = readForest({ dtype: "float64", trees: [{ feature: 0, mode: "atMost", split, yes: 1, no: 2 }] });
    expect(ensemble.nodes.threshold[0]).toBe(threshold);
  });

  test.each<[Mode, readonly number[], boolean, readonly number[], readonly [left: number, right: number], 0 | 1]>([
    ["member", [7, 3, 3, -2], false, [-2, 3, 7], [1, 2], 0],
    ["member", [7], true, [7], [1, 2], 1],
    ["member", [], false, [], [1, 2], 0],
    ["equal", [], false, [0.5], [1, 2], 0],
    ["equal", [], true, [0.5], [1, 2], 1],
    ["unequal", [], false, [0.5], [2, 1], 0],
    ["unequal", [], true, [0.5], [2, 1], 0],
  ])(
    "goes left at %s of %j (missing values as true: %s) for %j",
    (mode, members, missingTrue, list, sides, missingLeft) => {
      const ensemble = readForest({ trees: [{ feature: 0, mode, split: 0.5, members, missingTrue, yes: 1, no: 2 }] });
      const { nodes } = ensemble;
      expect([nodes.members.get(0), nodes.missingLeft[0]]).toEqual([list, missingLeft]);
      expect([valueAt(ensemble, nodes.left[0]!), valueAt(ensemble, nodes.right[0]!)]).toEqual(sides);
    },
  );

  test("gives each node that splits by members its own", () => {
    const member = (members: readonly number[], yes: TreeNode): TreeNode => ({
      feature: 0,
      mode: "member",
      members,
      yes,
      no: 0,
    });
    const { nodes } = readForest({ trees: [member([1], stump), member([2, 4], member([3], 1))] });
    expect([...nodes.members]).toEqual([
      [0, [1]],
      [2, [2, 4]],
      [3, [3]],
    ]);
  });

  test("has a tree of one leaf where a root's sides end in the same one", () => {
    const ensemble = readForest({ trees: [0.25, stump] });
    expect([ensemble.roots[0]! < 0, ensemble.roots[1]]).toEqual([true, 1]);
    expect(valueAt(ensemble, ensemble.roots[0]!)).toBe(0.25);
    expect([...ensemble.depths]).toEqual([0, 1]);
  });

  test("may leave out what has a default: sums, values that are missing going where what is false goes", () => {
    const {
      aggregate_function: _,
      post_transform: __,
      nodes_missing_value_tracks_true: ___,
      ...attributes
    } = attributesOf(forest);
    const ensemble = read(attributes, 2);
    expect(ensemble.averages).toBe(false);
    expect([...ensemble.nodes.missingLeft]).toEqual([0, 0, 0]);
  });

  test("may average", () => expect(readForest({ averages: true }).averages).toBe(true));
});

/** A chain of so many nodes. */
function chain(levels: number): TreeNode {
  let node: TreeNode = 0;
  for (let level = 0; level < levels; level++) node = { feature: 0, split: level, yes: 1, no: node };
  return node;
}

const sound = attributesOf(forest);
const byMembers = attributesOf({
  ...forest,
  trees: [
    {
      feature: 0,
      mode: "member",
      members: [1],
      yes: { feature: 0, mode: "member", members: [2], yes: 1, no: 2 },
      no: 3,
    },
  ],
});
const changed = (name: string, at: number, value: number): Attributes => ({
  ...sound,
  [name]: (sound[name] as readonly number[]).with(at, value),
});
const lists = [
  "nodes_featureids",
  "nodes_missing_value_tracks_true",
  "nodes_truenodeids",
  "nodes_trueleafs",
  "nodes_falsenodeids",
  "nodes_falseleafs",
  "leaf_targetids",
];
const tensors = ["nodes_splits", "leaf_weights", "nodes_modes"];

test.each<[string, Attributes]>([
  ["it aggregates by function 2, and only sums and means are covered", { ...sound, aggregate_function: 2 }],
  ["it aggregates by function -1, and only sums and means are covered", { ...sound, aggregate_function: -1 }],
  ["the operator transforms its sums", { ...sound, post_transform: 1 }],
  ["it has undefined targets, and 1 to 10000 are covered", { ...sound, n_targets: undefined }],
  ["it has 0 targets, and 1 to 10000 are covered", { ...sound, n_targets: 0 }],
  ["it has -1 targets, and 1 to 10000 are covered", { ...sound, n_targets: -1 }],
  ["it has 10001 targets, and 1 to 10000 are covered", { ...sound, n_targets: 10_001 }],
  [
    "it has 4000001 nodes, and 4000000 is the most",
    { ...sound, nodes_splits: { dtype: "float32", shape: [4_000_001], values: new Float32Array(4_000_001) } },
  ],
  ["its splits are float64 and its leaves float32", { ...sound, nodes_splits: tensor([0, 0, 0], "float64") }],
  ["its splits are other and its leaves other", { ...sound, nodes_splits: other(3), leaf_weights: other(5) }],
  ...tensors.flatMap((name): [string, Attributes][] => [
    [`${name} is missing, or no tensor`, { ...sound, [name]: undefined }],
    [`${name} is missing, or no tensor`, { ...sound, [name]: 1 }],
    [`${name} is missing, or no tensor`, { ...sound, [name]: [1, 2, 3] }],
  ]),
  ...["tree_roots", ...lists].flatMap((name): [string, Attributes][] => [
    // Only where missing values go has a default.
    ...(name === "nodes_missing_value_tracks_true" ? [] : [missing(name)]),
    [`${name} is missing, or no list`, { ...sound, [name]: 1 }],
    [`${name} is missing, or no list`, { ...sound, [name]: tensor([0, 0, 0]) }],
  ]),
  ["membership_values is missing, or no tensor", { ...byMembers, membership_values: [1] }],
  ...lists.flatMap((name): [string, Attributes][] => {
    const list = sound[name] as readonly number[];
    return [
      [`${name} has ${list.length - 1} entries, and ${list.length} are expected`, { ...sound, [name]: list.slice(1) }],
      [`${name} has ${list.length + 1} entries, and ${list.length} are expected`, { ...sound, [name]: [...list, 0] }],
      [`${name} has 0 entries, and ${list.length} are expected`, { ...sound, [name]: [] }],
    ];
  }),
  [
    "nodes_modes has 2 entries, and 3 are expected",
    { ...sound, nodes_modes: { dtype: "uint8", shape: [2], values: Uint8Array.of(1, 1) } },
  ],
  ["tree_roots has 0 entries, and at least 1 are expected", { ...sound, tree_roots: [] }],
  ["tree_roots[1] is 3, out of range: expected 0 to 2", changed("tree_roots", 1, 3)],
  ["tree_roots[0] is -1, out of range: expected 0 to 2", changed("tree_roots", 0, -1)],
  ["nodes_featureids[2] is 2, out of range: expected 0 to 1", changed("nodes_featureids", 2, 2)],
  ["nodes_featureids[0] is -1, out of range: expected 0 to 1", changed("nodes_featureids", 0, -1)],
  [`nodes_featureids[0] is ${2 ** 53}, out of range: expected 0 to 1`, changed("nodes_featureids", 0, 2 ** 53)],
  [
    "nodes_missing_value_tracks_true[1] is 2, out of range: expected 0 to 1",
    changed("nodes_missing_value_tracks_true", 1, 2),
  ],
  ["nodes_trueleafs[0] is 2, out of range: expected 0 to 1", changed("nodes_trueleafs", 0, 2)],
  ["nodes_falseleafs[0] is -1, out of range: expected 0 to 1", changed("nodes_falseleafs", 0, -1)],
  ["nodes_truenodeids[1] is 3, out of range: expected 0 to 2", changed("nodes_truenodeids", 1, 3)],
  ["nodes_truenodeids[1] is -3, out of range: expected 0 to 4", changed("nodes_truenodeids", 1, -3)],
  ["nodes_falsenodeids[1] is 5, out of range: expected 0 to 4", changed("nodes_falsenodeids", 1, 5)],
  ["leaf_targetids[4] is 1, out of range: expected 0 to 0", changed("leaf_targetids", 4, 1)],
  ["nodes_splits[1] is NaN", { ...sound, nodes_splits: tensor([0, Number.NaN, 0]) }],
  [
    "nodes_modes[2] is 7, an unknown one",
    { ...sound, nodes_modes: { dtype: "uint8", shape: [3], values: Uint8Array.of(1, 1, 7) } },
  ],
  ["a leaf isn't a finite number", { ...sound, leaf_weights: tensor([1, 2, Number.POSITIVE_INFINITY, 4, 5]) }],
  ["a leaf isn't a finite number", { ...sound, leaf_weights: tensor([1, 2, Number.NaN, 4, 5]) }],
  [
    "membership_values ends before the last node that splits by members",
    { ...byMembers, membership_values: tensor([1, Number.NaN]) },
  ],
  [
    "membership_values ends before the last node that splits by members",
    { ...byMembers, membership_values: undefined },
  ],
  ["the leaves of tree 1 add to several targets", { ...changed("leaf_targetids", 3, 1), n_targets: 2 }],
  [
    "node 1 is reached twice: its tree isn't one",
    { ...changed("nodes_truenodeids", 2, 1), nodes_trueleafs: [1, 0, 0] },
  ],
  [
    "node 2 is reached twice: its tree isn't one",
    { ...changed("nodes_truenodeids", 2, 2), nodes_trueleafs: [1, 0, 0] },
  ],
  [
    "node 2 is reached twice: its tree isn't one",
    { ...changed("nodes_falsenodeids", 1, 2), nodes_falseleafs: [1, 0, 1] },
  ],
  ["node 0 is reached twice: its tree isn't one", changed("tree_roots", 1, 0)],
  ["node 2 is reached twice: its tree isn't one", { ...sound, tree_roots: [2, 1] }],
  ["tree 0 has more than 1000 levels", attributesOf({ ...forest, trees: [chain(1001)] })],
])("%s (%#)", (sentence, attributes) => {
  expect(() => read(attributes, 2)).toThrow(new NotCovered(sentence));
});

test("a tree of 1000 levels is none too many", () => {
  expect([...read(attributesOf({ ...forest, trees: [chain(1000)] }), 2).depths]).toEqual([1000]);
});

function missing(name: string): [string, Attributes] {
  return [`${name} is missing, or no list`, { ...sound, [name]: undefined }];
}

function other(length: number): OnnxTensor {
  return { dtype: "other", shape: [length], values: new Uint8Array(length) };
}
