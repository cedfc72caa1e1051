/**
 * Goal: of the graphs that may stand round trees, those that the trainer writes are understood, and every other is
 * refused by what is odd in it.
 */

import { describe, expect, test } from "vitest";
import type { EngineModel } from "../../../../../server/inference/engine.js";
import { NotCovered } from "../../../../../server/inference/tree/not-covered.js";
import { readTreeModel } from "../../../../../server/inference/tree/tree-model.js";
import type { OnnxGraph, OnnxNode, OnnxTensor } from "../../../../support/onnx-file.js";
import { type Forest, type TreeNode, treeGraph, treeModel } from "../../../../support/tree-onnx.js";

const stump: TreeNode = { feature: 1, split: 0.5, yes: 1, no: 2 };
const forest: Forest = { dtype: "float32", featureCount: 3, trees: [stump] };
const twoTargets: Forest = { ...forest, targetCount: 2, trees: [stump, stump], targets: [0, 1] };
const mixed: Forest = { ...forest, dtype: "float64", inputDtype: "float32" };
const whole = (how: NonNullable<Forest["whole"]>["how"], of: Forest = forest): Forest => ({
  ...of,
  whole: { how, columns: [0, 2] },
});
const stepping = (...steps: NonNullable<Forest["after"]>): Forest => ({ ...twoTargets, after: steps });

const asTheyAre = ["as it is", "as it is", "as it is"];

describe("covered", () => {
  test.each<[string, Forest, object]>([
    ["trees alone", forest, { inputDtype: "float32", rules: asTheyAre, after: [], ensemble: { dtype: "float32" } }],
    [
      "float64 trees alone",
      { ...forest, dtype: "float64" },
      { inputDtype: "float64", rules: asTheyAre, ensemble: { dtype: "float64" } },
    ],
    [
      "rows cast to the trees' float64",
      mixed,
      { inputDtype: "float32", rules: asTheyAre, ensemble: { dtype: "float64" } },
    ],
    ["categories rounded down", whole("floor"), { rules: ["floor", "as it is", "floor"] }],
    ["categories cut off", whole("truncate"), { rules: ["truncate", "as it is", "truncate"] }],
    [
      "categories that are missing if they aren't whole",
      whole("or missing"),
      { rules: ["or missing", "as it is", "or missing"] },
    ],
    [
      "categories after a cast",
      whole("or missing", mixed),
      { inputDtype: "float32", rules: ["or missing", "as it is", "or missing"] },
    ],
    [
      "steps after the sums, by one constant and by one for each target",
      stepping({ op: "Div", operand: [4] }, { op: "Mul", operand: [2, 3] }, { op: "Add", operand: [0.5] }),
      {
        after: [
          { op: "Div", operand: Float64Array.of(4, 4) },
          { op: "Mul", operand: Float64Array.of(2, 3) },
          { op: "Add", operand: Float64Array.of(0.5, 0.5) },
        ],
      },
    ],
  ])("%s", (_, covered, expected) => {
    expect(readTreeModel(treeModel(covered))).toMatchObject({ featureCount: 3, ...expected });
  });

  test("a cast to the type that the rows have", () => {
    const graph = treeGraph(forest);
    const nodes = [
      { op: "Cast", inputs: ["X"], outputs: ["C"], attributes: { to: 1 } },
      { ...graph.nodes[0]!, inputs: ["C"] },
    ];
    expect(readTreeModel(treeModel(forest, { ...graph, nodes }))).toMatchObject({
      inputDtype: "float32",
      rules: asTheyAre,
    });
  });

  test.each([[[1, 2]], [[2]], [[1, 1, 2]]])("a constant of shape %j, where it lies along a row", (shape) => {
    const sound = treeGraph(stepping({ op: "Add", operand: [1, 2] }));
    const read = () => readTreeModel(treeModel(twoTargets, withConstant(sound, "O0", { shape })));
    if (shape.length <= 2) expect(read().after).toEqual([{ op: "Add", operand: Float64Array.of(1, 2) }]);
    else expect(read).toThrow(new NotCovered("a constant is as wide as neither one target nor all"));
  });
});

function withConstant(graph: OnnxGraph, name: string, change: Partial<OnnxTensor>): OnnxGraph {
  return { ...graph, constants: { ...graph.constants, [name]: { ...graph.constants![name]!, ...change } } };
}

/** The graph with what `change` makes of its nodes of an operator. */
function withNode(graph: OnnxGraph, op: string, change: (node: OnnxNode) => Partial<OnnxNode>): OnnxGraph {
  return { ...graph, nodes: graph.nodes.map((node) => (node.op === op ? { ...node, ...change(node) } : node)) };
}

const plus = (graph: OnnxGraph, ...nodes: OnnxNode[]): OnnxGraph => ({ ...graph, nodes: [...graph.nodes, ...nodes] });
const trees = treeGraph(forest).nodes[0]!;
const added = treeGraph(stepping({ op: "Add", operand: [1, 2] }));
const oddColumns = "it chooses columns in a way that isn't covered";
const oddWhole = "it makes whole numbers in a way that isn't covered";
const oddAfter = "what is done to the sums isn't covered";
const oddWidth = "a constant is as wide as neither one target nor all";
const notFromInput = `its trees don't begin with the input "X", cast or with whole categories at most`;

describe("refused, by what is odd in the graph", () => {
  test.each<[string, string, OnnxGraph, Forest?]>([
    [
      "no trees",
      "it has no TreeEnsemble",
      withNode(treeGraph(forest), "TreeEnsemble", () => ({ op: "TreeEnsembleRegressor" })),
    ],
    [
      "trees of a domain of somebody's own",
      "it has no TreeEnsemble",
      withNode(treeGraph(forest), "TreeEnsemble", () => ({ domain: "mine" })),
    ],
    ["trees twice", "it has 2 TreeEnsembles", plus(treeGraph(forest), { ...trees, outputs: ["Z"] })],
    [
      "a cast to whole numbers",
      "it casts to a type that isn't covered",
      withNode(treeGraph(mixed), "Cast", () => ({ attributes: { to: 7 } })),
      mixed,
    ],
    [
      "a cast to nothing",
      "it casts to a type that isn't covered",
      withNode(treeGraph(mixed), "Cast", () => ({ attributes: {} })),
      mixed,
    ],
    [
      "something else before the trees",
      notFromInput,
      plus(
        withNode(treeGraph(forest), "TreeEnsemble", () => ({ inputs: ["I"] })),
        { op: "Identity", inputs: ["X"], outputs: ["I"] },
      ),
    ],
    [
      "something else before a cast",
      notFromInput,
      plus(
        withNode(treeGraph(mixed), "Cast", () => ({ inputs: ["I"] })),
        { op: "Identity", inputs: ["X"], outputs: ["I"] },
      ),
      mixed,
    ],
    [
      "a mask that isn't of truth values",
      oddColumns,
      withConstant(treeGraph(whole("floor")), "M", { type: "float32" }),
    ],
    ["a mask of another width", oddColumns, withConstant(treeGraph(whole("floor")), "M", { shape: [1], values: [1] })],
    ["a mask that lies along a column", oddColumns, withConstant(treeGraph(whole("floor")), "M", { shape: [3, 1] })],
    [
      "a mask that is computed",
      '"I" isn\'t a constant',
      plus(
        withNode(treeGraph(whole("floor")), "Where", ({ inputs }) => ({ inputs: ["I", ...inputs.slice(1)] })),
        { op: "Identity", inputs: ["M"], outputs: ["I"] },
      ),
    ],
    ["numbers rounded to the nearest", oddWhole, withNode(treeGraph(whole("floor")), "Floor", () => ({ op: "Round" }))],
    [
      "whole numbers of another block",
      oddWhole,
      withNode(treeGraph(whole("floor")), "Floor", () => ({ inputs: ["M"] })),
    ],
    [
      "a fraction cut off from another number on",
      oddWhole,
      withConstant(treeGraph(whole("truncate")), "Z", { values: [1] }),
    ],
    [
      "a fraction cut off by another operator",
      oddWhole,
      withNode(treeGraph(whole("truncate")), "Ceil", () => ({ op: "Round" })),
    ],
    [
      "something else than missing for what isn't whole",
      oddWhole,
      withConstant(treeGraph(whole("or missing")), "Q", { values: [-1] }),
    ],
    [
      "comparisons with something else than the whole number",
      oddWhole,
      withNode(treeGraph(whole("or missing")), "Floor", () => ({ op: "Round" })),
    ],
    ["another operator after the sums", oddAfter, withNode(added, "Add", () => ({ op: "Sub" })), twoTargets],
    [
      "a constant before the sums",
      oddAfter,
      withNode(added, "Add", ({ inputs }) => ({ inputs: inputs.toReversed() })),
      twoTargets,
    ],
    ["sums that two take", oddAfter, plus(added, { op: "Neg", inputs: ["T0"], outputs: ["N"] }), twoTargets],
    [
      "sums that lead to themselves",
      'its node "Add" leads back to itself',
      withNode(added, "Add", ({ inputs }) => ({ outputs: [inputs[0]!] })),
      twoTargets,
    ],
    ["sums that lead nowhere", oddAfter, withNode(treeGraph(forest), "TreeEnsemble", () => ({ outputs: ["T"] }))],
    [
      "an operand that isn't a constant",
      '"X" isn\'t a constant',
      withNode(added, "Add", ({ inputs }) => ({ inputs: [inputs[0]!, "X"] })),
      twoTargets,
    ],
    ["an operand of another width", oddWidth, withConstant(added, "O0", { shape: [3], values: [1, 2, 3] }), twoTargets],
    ["an operand that lies along a column", oddWidth, withConstant(added, "O0", { shape: [2, 1] }), twoTargets],
    [
      "a node beside it all",
      'it has a node "Neg" beside its trees',
      plus(treeGraph(forest), { op: "Neg", inputs: ["X"], outputs: ["N"] }),
    ],
  ])("%s", (_, sentence, graph, of = forest) => {
    expect(() => readTreeModel(treeModel(of, graph))).toThrow(new NotCovered(sentence));
  });
});

describe("refused, since ONNX Runtime would pass over a step that isn't the last", () => {
  const last = { op: "Add", operand: [3] } as const;

  test.each<["Div" | "Mul" | "Add", number]>([
    ["Div", 1 + 2 ** -52],
    ["Mul", 1 - 2 ** -53],
    ["Mul", 1 + 2 ** -24],
    ["Add", 1e-50],
    ["Add", -1e-50],
    ["Add", 0],
  ])("%s by %s", (op, value) => {
    const single: Forest = { ...forest, dtype: "float64" };
    const read = (steps: Forest["after"] & object) => readTreeModel(treeModel({ ...single, after: steps }));
    expect(() => read([{ op, operand: [value] }, last])).toThrow(
      new NotCovered(`ONNX Runtime passes over a step of ${value}`),
    );
    expect(read([last, { op, operand: [value] }]).after).toHaveLength(2);
    expect(read([{ op, operand: [value === 0 ? 1 : 1.5] }, last]).after).toHaveLength(2);
  });
});

describe("refused, by what the manifest declares", () => {
  const model = treeModel(forest);
  const [input, output] = [model.inputs[0]!, model.outputs[0]!];
  const columns = "it hasn't one input and one output of columns";

  test.each<[string, string, Partial<EngineModel>]>([
    ["two inputs", columns, { inputs: [input, { ...input, name: "Z" }] }],
    ["no input", columns, { inputs: [] }],
    ["two outputs", columns, { outputs: [output, { ...output, name: "Z" }] }],
    ["an input of matrices", columns, { inputs: [{ ...input, shape: ["rows", 3, 1] }] }],
    ["an output of no columns", columns, { outputs: [{ ...output, shape: ["rows"] }] }],
    [
      "an output that is wider",
      "it has 1 targets, and the manifest's output 2",
      { outputs: [{ ...output, shape: ["rows", 2] }] },
    ],
    [
      "an output in another type",
      "its trees are float32, and the manifest's output is float64",
      { outputs: [{ ...output, dtype: "float64" }] },
    ],
    [
      "an input in another type",
      "its trees are float32, and what they get is something else",
      { inputs: [{ ...input, dtype: "float64" }] },
    ],
    [
      "an input that is narrower",
      "nodes_featureids[0] is 1, out of range: expected 0 to 0",
      { inputs: [{ ...input, shape: ["rows", 1] }] },
    ],
  ])("%s", (_, sentence, change) => {
    expect(() => readTreeModel({ ...model, ...change })).toThrow(new NotCovered(sentence));
  });

  test("rows in float64 that are cast to float32", () => {
    const narrow: Forest = { ...forest, inputDtype: "float64" };
    expect(() => readTreeModel(treeModel(narrow))).toThrow(
      new NotCovered("its trees are float32, and what they get is something else"),
    );
  });
});

describe("refused, since the runtime looks for a member by the integer part of a value", () => {
  const member = (members: readonly number[]): TreeNode => ({ feature: 0, mode: "member", members, yes: 1, no: 2 });
  const open = "node 0 splits by members a feature that may not be whole";
  const large = "node 0 has members that are no whole numbers of 32 bits";

  test.each<[string, string, Forest]>([
    ["members of a feature that may have fractions", open, { ...forest, trees: [member([1])] }],
    [
      "a comparison for equality with one",
      open,
      { ...forest, trees: [{ feature: 0, mode: "equal", split: 1, yes: 1, no: 2 }] },
    ],
    [
      "members of the wrong column",
      open,
      { ...whole("floor"), trees: [{ ...(member([1]) as object), feature: 1 } as TreeNode] },
    ],
    ["a member with a fraction", large, { ...whole("floor"), trees: [member([1, 1.5])] }],
    ["a member of more than 32 bits", large, { ...whole("floor"), trees: [member([2 ** 31])] }],
    ["an infinite member", large, { ...whole("floor"), trees: [member([Number.NEGATIVE_INFINITY])] }],
  ])("%s", (_, sentence, of) => {
    expect(() => readTreeModel(treeModel(of))).toThrow(new NotCovered(sentence));
  });
});
