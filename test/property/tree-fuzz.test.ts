/**
 * Goal: whatever stands in a model file, the tree kernel refuses it in a sentence or answers as ONNX Runtime does. It
 * never traps, reads outside its memory or goes on for ever.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Block } from "../../preprocessing/index.js";
import type { EngineModel, EngineSession } from "../../server/inference/engine.js";
import { onnxruntime } from "../../server/inference/session.js";
import { NotCovered } from "../../server/inference/tree/not-covered.js";
import { treeEngine } from "../../server/inference/tree/tree-engine.js";
import { fuzzTimeoutMs, rounds } from "../support/fuzzing.js";
import type { OnnxGraph, OnnxNode, OnnxTensor } from "../support/onnx-file.js";
import { type ForestTraits, forestTraits, makeForest, randomOf, rowsFor } from "../support/random-forest.js";
import { type Forest, type TreeAttributes, treeAttributes, treeGraph, treeModel } from "../support/tree-onnx.js";

const rowCount = 70;
/** Small forests: of a large one's numbers, most changes say the same. */
const smallForest = forestTraits.map(
  (traits: ForestTraits): Forest =>
    makeForest({
      ...traits,
      treeCount: 1 + (traits.treeCount % 6),
      depth: traits.depth % 5,
      featureCount: 1 + (traits.featureCount % 4),
    }),
);

type Outcome = "refused" | "ONNX Runtime refuses" | "equal";

function load(model: EngineModel): EngineSession | Error {
  try {
    return treeEngine.load(model);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    const { name, message } = error as Error;
    // What V8 throws where the code went wrong by itself; a trap is a RuntimeError.
    expect(`${name}: ${message}`).not.toMatch(
      /RuntimeError|TypeError|ReferenceError|call stack|allocation failed|Invalid \w+ length/,
    );
    expect(message.split(" ").length).toBeGreaterThan(2);
    return error as Error;
  }
}

/** Loads it on both engines and holds their answers against each other. */
function outcomeOf(model: EngineModel, forest: Forest): Outcome {
  const session = load(model);
  if (session instanceof Error) return "refused";
  const rows = rowsFor(forest, rowCount, randomOf(1));
  const [got] = session.run([rows], rowCount);
  const expected = referenceAnswers(model, rows);
  if (expected === undefined) return "ONNX Runtime refuses";
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(got![i], expected[i]))
      expect.fail(`number ${i}: ONNX Runtime gives ${expected[i]}, the kernel ${got![i]}`);
  }
  return "equal";
}

/**
 * @returns Undefined where ONNX Runtime doesn't load the file, or doesn't run it: of a graph that says one type and
 *   means another, say.
 */
function referenceAnswers(model: EngineModel, rows: Block): Block | undefined {
  let reference: EngineSession | undefined;
  try {
    reference = onnxruntime.load(model);
    return reference.run([rows], rowCount)[0];
  } catch {
    return undefined;
  } finally {
    reference?.release();
  }
}

/** Counts outcomes, since a fuzz test whose every input is refused (or none) would tell nothing. */
function tally() {
  const counts: Record<Outcome, number> = { refused: 0, "ONNX Runtime refuses": 0, equal: 0 };
  return { counts, add: (outcome: Outcome) => counts[outcome]++ };
}

type Lists = Record<string, number[] | number | undefined>;
interface Change {
  readonly kind: keyof typeof changes;
  readonly list: string;
  readonly at: number;
  readonly value: number;
  readonly other: number;
}

const lists = Object.keys(treeAttributes({ dtype: "float32", featureCount: 1, trees: [0] }));
const floats = new Set(["nodes_splits", "leaf_weights", "membership_values"]);

/** Each breaks one thing; a value that the list can't hold becomes one that it can when it is written. */
const changes = {
  set: (to: Lists, { list, at, value }: Change) => {
    const values = to[list];
    if (Array.isArray(values) && values.length > 0)
      values[at % values.length] = floats.has(list) || Number.isInteger(value) ? value : 0;
    else if (typeof values === "number") to[list] = Number.isInteger(value) ? value : 0;
  },
  copy: (to: Lists, { list, at, other }: Change) => {
    const values = to[list];
    if (Array.isArray(values) && values.length > 0) values[at % values.length] = values[other % values.length]!;
  },
  shorten: (to: Lists, { list, at }: Change) => {
    const values = to[list];
    if (Array.isArray(values)) values.splice(at % (values.length + 1));
  },
  lengthen: (to: Lists, { list, value }: Change) => {
    const values = to[list];
    if (Array.isArray(values)) values.push(floats.has(list) || Number.isInteger(value) ? value : 0);
  },
  remove: (to: Lists, { list }: Change) => {
    to[list] = undefined;
  },
  exchange: (to: Lists, { list, at, other }: Change) => {
    const values = to[list];
    if (!Array.isArray(values) || values.length === 0) return;
    const [a, b] = [at % values.length, other % values.length];
    [values[a], values[b]] = [values[b]!, values[a]!];
  },
  /** A child that is a node, any one: the parent, itself, another tree's. */
  lead: (to: Lists, { at, other, value }: Change) => {
    const side = value < 2 ? "true" : "false";
    const [ids, leafs] = [to[`nodes_${side}nodeids`], to[`nodes_${side}leafs`]];
    if (!Array.isArray(ids) || !Array.isArray(leafs) || ids.length === 0) return;
    ids[at % ids.length] = other % ids.length;
    leafs[at % ids.length] = 0;
  },
  /** A child that is a leaf, any one: another node's too. */
  end: (to: Lists, { at, other, value }: Change) => {
    const side = value < 2 ? "true" : "false";
    const [ids, leafs, weights] = [to[`nodes_${side}nodeids`], to[`nodes_${side}leafs`], to.leaf_weights];
    if (!Array.isArray(ids) || !Array.isArray(leafs) || !Array.isArray(weights) || ids.length === 0) return;
    ids[at % ids.length] = other % weights.length;
    leafs[at % ids.length] = 1;
  },
} as const;

const oddValues = [
  ...[-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 31, 255, 256, 1e7, 2 ** 31 - 1, 2 ** 31, 2 ** 32, -(2 ** 31), 2 ** 53, -(2 ** 53)],
  ...[-0, 0.5, 1e-45, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...(Object.keys(changes) as (keyof typeof changes)[])),
  // The three that are single numbers say the most.
  list: fc.oneof(
    { arbitrary: fc.constantFrom(...lists), weight: 3 },
    { arbitrary: fc.constantFrom("n_targets", "aggregate_function", "post_transform"), weight: 1 },
  ),
  at: fc.nat({ max: 10_000 }),
  value: fc.constantFrom(...oddValues),
  other: fc.nat({ max: 10_000 }),
});

const graphKinds = ["input", "output", "operator", "drop", "twice", "constant", "shape", "domain"] as const;
const operators = [
  "TreeEnsemble",
  "Cast",
  "Where",
  "Floor",
  "Ceil",
  "Less",
  "Equal",
  "Div",
  "Mul",
  "Add",
  "Sub",
  "Identity",
];
interface GraphChange {
  readonly kind: (typeof graphKinds)[number];
  readonly at: number;
  readonly place: number;
  readonly name: number;
}
const graphChange: fc.Arbitrary<GraphChange> = fc.record({
  kind: fc.constantFrom(...graphKinds),
  at: fc.nat({ max: 100 }),
  place: fc.nat({ max: 3 }),
  name: fc.nat({ max: 100 }),
});

/**
 * One thing of the graph is another: a name, an operator, a constant's values or shape, or a node is gone or there
 * twice.
 */
function changedGraph(graph: OnnxGraph, { kind, at, place, name }: GraphChange): OnnxGraph {
  if (graph.nodes.length === 0) return graph;
  const constants = Object.entries(graph.constants ?? {});
  const names = [
    "X",
    "Y",
    ...graph.nodes.flatMap(({ outputs }) => outputs),
    ...constants.map(([constant]) => constant),
  ];
  const index = at % graph.nodes.length;
  const node = graph.nodes[index]!;
  const withNode = (change: Partial<OnnxNode>) => ({
    ...graph,
    nodes: graph.nodes.with(index, { ...node, ...change }),
  });
  const renamed = (list: readonly string[]) => list.with(place % list.length, names[name % names.length]!);
  const withConstant = (change: (tensor: OnnxTensor) => Partial<OnnxTensor>): OnnxGraph => {
    const chosen = constants[at % Math.max(1, constants.length)];
    if (chosen === undefined) return graph;
    return { ...graph, constants: { ...graph.constants, [chosen[0]]: { ...chosen[1], ...change(chosen[1]) } } };
  };
  switch (kind) {
    case "input":
      return withNode({ inputs: renamed(node.inputs) });
    case "output":
      return withNode({ outputs: renamed(node.outputs) });
    case "operator":
      return withNode({ op: operators[name % operators.length]! });
    case "domain":
      return withNode({ domain: ["", "ai.onnx.ml", "com.microsoft"][name % 3]! });
    case "drop":
      return { ...graph, nodes: graph.nodes.toSpliced(index, 1) };
    case "twice":
      return { ...graph, nodes: [...graph.nodes, node] };
    case "constant":
      return withConstant(({ values }) => ({
        values: values.map((value, i) => (i === place % values.length ? oddValues[name % oddValues.length]! : value)),
      }));
    case "shape":
      return withConstant(({ values }) => ({
        shape: [[values.length], [values.length, 1], [1, values.length], [1, 1, values.length], []][name % 5]!,
      }));
  }
}

describe("a file that was changed", () => {
  test(
    "in the operator's attributes is refused for what is wrong, or answered as ONNX Runtime does",
    () => {
      const { counts, add } = tally();
      fc.assert(
        fc.property(smallForest, fc.array(change, { minLength: 1, maxLength: 3 }), (forest, broken) => {
          const attributes = treeAttributes(forest) as unknown as Lists;
          for (const one of broken) changes[one.kind](attributes, one);
          const model = treeModel(forest, treeGraph(forest, withoutGaps(attributes)));
          // The file itself is sound, so nothing else may be said of it.
          const session = load(model);
          if (session instanceof Error) expect(session).toBeInstanceOf(NotCovered);
          add(outcomeOf(model, forest));
        }),
        rounds(1500),
      );
      expect(Math.min(counts.refused, counts.equal)).toBeGreaterThan(0);
    },
    fuzzTimeoutMs,
  );

  test(
    "in its bytes is refused, or answered as ONNX Runtime does",
    () => {
      const { counts, add } = tally();
      const edit = fc.record({
        at: fc.nat({ max: 1_000_000 }),
        kind: fc.constantFrom("flip", "set", "drop", "insert", "copy"),
        byte: fc.nat({ max: 255 }),
      });
      fc.assert(
        fc.property(smallForest, fc.array(edit, { minLength: 1, maxLength: 4 }), (forest, edits) => {
          const model = treeModel(forest);
          const bytes = [...model.bytes];
          for (const { at, kind, byte } of edits) {
            const place = at % bytes.length;
            if (kind === "flip") bytes[place]! ^= 1 << (byte & 7);
            else if (kind === "set") bytes[place] = byte;
            else if (kind === "drop") bytes.splice(place, 1 + (byte & 15));
            else if (kind === "insert") bytes.splice(place, 0, byte);
            else bytes.splice(place, 0, ...bytes.slice(byte, byte + 20));
          }
          add(outcomeOf({ ...model, bytes: Uint8Array.from(bytes) }, forest));
        }),
        rounds(1500),
      );
      expect(Math.min(counts.refused, counts.equal)).toBeGreaterThan(0);
    },
    fuzzTimeoutMs,
  );

  test(
    "in the graph round the operator is refused for what is odd, or answered as ONNX Runtime does",
    () => {
      const { counts, add } = tally();
      fc.assert(
        fc.property(smallForest, fc.array(graphChange, { minLength: 1, maxLength: 3 }), (forest, broken) => {
          let graph = treeGraph(forest);
          for (const one of broken) graph = changedGraph(graph, one);
          const model = treeModel(forest, graph);
          const session = load(model);
          if (session instanceof Error) expect(session).toBeInstanceOf(NotCovered);
          add(outcomeOf(model, forest));
        }),
        rounds(1000),
      );
      expect(Math.min(counts.refused, counts.equal)).toBeGreaterThan(0);
    },
    fuzzTimeoutMs,
  );

  test(
    "by its end's being cut off is refused, or answered as ONNX Runtime does",
    () => {
      fc.assert(
        fc.property(smallForest, fc.double({ min: 0, max: 1, noNaN: true }), (forest, share) => {
          const model = treeModel(forest);
          outcomeOf({ ...model, bytes: model.bytes.subarray(0, Math.floor(share * model.bytes.length)) }, forest);
        }),
        rounds(300),
      );
    },
    fuzzTimeoutMs,
  );
});

function withoutGaps(attributes: Lists): Partial<TreeAttributes> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
