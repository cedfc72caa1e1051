/**
 * The form of a graph document: what preprocessing.json and postprocessing.json may say.
 *
 * One form serves before and after the models. Only the ends differ: before, inputs are features and outputs are
 * tensors; after, inputs are the models' tensors and outputs are the parts of an answer. This file looks at each part
 * of the document by itself; whether the parts fit together is for `wire.ts`.
 */
import * as z from "zod";
import { closedObject, closedSet, label, listOf, name, parseClosed } from "./closed-schema.js";
import { describe, GraphError, oneOf } from "./graph-error.js";
import { operatorsAfter, operatorsBefore } from "./operators.js";

const format = z.literal("plumb-graph/1", '"plumb-graph/1"');
const dtype = closedSet(["float32", "float64"]);
const shape = z
  .tuple([z.literal("rows", '"rows"')], z.int("a whole number").min(1, "1 or more"), '["rows", ...whole numbers]')
  .describe("The rows of a batch, then the sizes of one row.");
const sources = listOf(name, "names of inputs and ids of nodes").describe(
  "Names of inputs and ids of earlier nodes; their columns stand side by side in this order.",
);

const node = closedObject({
  id: name,
  op: name.describe("An operator of docs/preprocessing.md."),
  inputs: sources,
  params: z
    .record(z.string(), z.unknown(), "an object")
    .describe("The operator's own, under scikit-learn's attribute names without the last underscore."),
});
const nodes = z.array(node, "a list of nodes").describe("In the order in which they run.");

const featureInput = closedObject({
  name,
  type: closedSet(["number", "integer", "boolean", "string", "numbers", "booleans", "strings"]).describe(
    "`numbers`, `booleans` and `strings` are lists: an array of schema.json.",
  ),
});
const tensorInput = closedObject({ name: name.describe("Model and output, as `main.Y`."), dtype, shape });
const tensorOutput = closedObject({ name, dtype, shape, from: sources });
const outputNames = z
  .array(name, "a list of names")
  .min(2, "two names or more: a prediction that is one value has none")
  .describe("Of a prediction that is a list of numbers: what each of its columns is called, in order.");
const answerOutput = z.discriminatedUnion(
  "name",
  [
    closedObject({
      name: z.literal("prediction"),
      from: sources,
      params: closedObject({ names: outputNames }).optional(),
    }),
    closedObject({
      name: z.literal("probabilities"),
      from: sources,
      params: closedObject({ labels: listOf(label, "labels") }),
    }),
  ],
  '"prediction" or "probabilities"',
);

export const preprocessingGraphSchema = closedObject({
  format,
  inputs: listOf(featureInput, "inputs"),
  nodes,
  outputs: listOf(tensorOutput, "outputs"),
});
export const postprocessingGraphSchema = closedObject({
  format,
  inputs: listOf(tensorInput, "inputs"),
  nodes,
  outputs: listOf(answerOutput, "outputs"),
});

export type FeatureInput = z.output<typeof featureInput>;
export type TensorInput = z.output<typeof tensorInput>;
export type GraphNode = z.output<typeof node>;
export type TensorOutput = z.output<typeof tensorOutput>;
export type AnswerOutput = z.output<typeof answerOutput>;
/** Before the models: features in, tensors out. */
export type PreprocessingGraph = z.output<typeof preprocessingGraphSchema>;
/** After the models: tensors in, an answer out. */
export type PostprocessingGraph = z.output<typeof postprocessingGraphSchema>;
export type GraphDocument = PreprocessingGraph | PostprocessingGraph;

/**
 * Checks a graph document, parameters of every node included. Plain JSON in, the same plain JSON out, typed.
 *
 * @throws {@link GraphError} for the first part that is not as the format says.
 */
export function parseGraph(document: unknown): GraphDocument {
  const after = startsWithTensor(document);
  const graph = parseClosed(after ? postprocessingGraphSchema : preprocessingGraphSchema, document, "");
  const operators = after ? operatorsAfter : operatorsBefore;
  for (const [index, { op, params }] of graph.nodes.entries()) {
    const operator = operators.get(op);
    if (operator === undefined) throw new GraphError(`nodes[${index}].op`, oneOf([...operators.keys()]), describe(op));
    operator.checkParams(params, `nodes[${index}].params`);
  }
  return graph;
}

export function isPreprocessing(graph: GraphDocument): graph is PreprocessingGraph {
  return !startsWithTensor(graph);
}

/** Values per row of a tensor. */
export function widthOf([, ...sizes]: readonly ["rows", ...number[]]): number {
  return sizes.reduce((width, size) => width * size, 1);
}

/** The first input tells which end of the models a graph belongs to: a tensor has a dtype, a feature has a type. */
function startsWithTensor(document: unknown): boolean {
  const inputs = (document as { inputs?: unknown } | null | undefined)?.inputs;
  const first: unknown = Array.isArray(inputs) ? inputs[0] : undefined;
  return typeof first === "object" && first !== null && "dtype" in first;
}
