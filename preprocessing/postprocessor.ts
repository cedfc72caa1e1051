/** The graph after the models: their raw outputs to an answer. */
import { type Column, type Dtype, NumberColumn, type Scalar, stripRows } from "./column.js";
import { type AnswerOutput, type GraphDocument, isPreprocessing, widthOf } from "./graph.js";
import { describe, GraphError } from "./graph-error.js";
import { numberColumns, withoutLists } from "./operator.js";
import { operatorsAfter } from "./operators.js";
import { Refusals } from "./refusals.js";
import { Wiring } from "./wire.js";
import { type Block, planWriter } from "./write-block.js";

export interface PostprocessorInput {
  /** Model and output, as in `main.Y`. */
  name: string;
  dtype: Dtype;
  shape: readonly ["rows", ...number[]];
  width: number;
}

/**
 * What is predicted for a row: a number, a label, or of a model with several outputs a list of numbers, which is never
 * changed.
 */
export type Prediction = Scalar | readonly number[];

export interface Answer {
  /** One per row, all of one kind. */
  predictions: Prediction[];
  /** Row-major [rows, labels]; undefined for regression. */
  probabilities: Float64Array | undefined;
}

export interface Postprocessor {
  readonly inputs: readonly PostprocessorInput[];
  /** What the numbers of a prediction are called, in order; undefined where it is one value. */
  readonly names: readonly string[] | undefined;
  /** What a prediction can be, in the order of the probabilities' columns; undefined for regression. */
  readonly labels: readonly Scalar[] | undefined;
  readonly hasProbabilities: boolean;
  /**
   * Answers rows firstRow .. firstRow+rowCount-1 of the raw blocks; `raw[i]` belongs to `inputs[i]`, row-major.
   *
   * NaN and infinities pass through (a label of NaN is NaN): the caller decides that they are no answer.
   */
  run(raw: readonly Block[], firstRow: number, rowCount: number): Answer;
}

/**
 * Plans a graph. Not reentrant, since the plan owns its scratch columns.
 *
 * @throws {@link GraphError} for wiring, widths and kinds of column that do not fit.
 */
export function createPostprocessor(graph: GraphDocument): Postprocessor {
  if (isPreprocessing(graph))
    throw new GraphError("inputs[0]", 'a tensor with "name", "dtype" and "shape"', "a feature");
  const refusals = new Refusals();
  const wiring = new Wiring();
  const inputs = graph.inputs.map((input) => ({ ...input, width: widthOf(input.shape) }));
  const tables = inputs.map(({ name, dtype, width }) =>
    Array.from({ length: width }, () => new NumberColumn(name, dtype)),
  );
  for (const [index, { name }] of inputs.entries()) wiring.addInput(name, tables[index]!, `inputs[${index}]`);
  wiring.addNodes(graph.nodes, operatorsAfter, refusals);
  const prediction = planPrediction(graph.outputs, wiring);
  const probabilities = planProbabilities(graph.outputs, wiring);
  const { names, labels, write } = prediction;
  refuseOtherLabels(labels, probabilities?.labels, graph.outputs);
  wiring.refuseUnused();

  const { steps } = wiring;
  const raws = tables.map((table) => table.map(({ values }) => values));
  return {
    inputs,
    names,
    labels,
    hasProbabilities: probabilities !== undefined,
    run(raw, firstRow, rowCount) {
      const predictions = new Array<Prediction>(rowCount);
      const answered =
        probabilities === undefined ? undefined : new Float64Array(rowCount * probabilities.labels.length);
      for (let done = 0; done < rowCount; done += stripRows) {
        const count = Math.min(stripRows, rowCount - done);
        for (let index = 0; index < raws.length; index++) readBlock(raw[index]!, raws[index]!, firstRow + done, count);
        for (let index = 0; index < steps.length; index++) steps[index]!(count);
        write(predictions, done, count);
        if (answered !== undefined) probabilities!.write(answered, done, count);
      }
      return { predictions, probabilities: answered };
    },
  };
}

function readBlock(block: Block, columns: readonly Float64Array[], firstRow: number, rowCount: number): void {
  const width = columns.length;
  for (let column = 0; column < width; column++) {
    const values = columns[column]!;
    for (let row = 0; row < rowCount; row++) values[row] = block[(firstRow + row) * width + column]!;
  }
}

interface PlannedPrediction {
  names: readonly string[] | undefined;
  labels: readonly Scalar[] | undefined;
  write: (to: Prediction[], firstRow: number, rowCount: number) => void;
}

function planPrediction(outputs: readonly AnswerOutput[], wiring: Wiring): PlannedPrediction {
  const index = indexOf(outputs, "prediction");
  const output = outputs[index];
  if (output?.name !== "prediction") throw new GraphError("outputs", 'an output "prediction"', "none");
  const path = `outputs[${index}]`;
  const columns = withoutLists(wiring.columnsOf(output.from, `${path}.from`), `${path}.from`);
  const names = output.params?.names;
  refuseMisnamed(columns, names, path);
  if (names !== undefined) return { names, labels: undefined, write: writeLists(columns as readonly NumberColumn[]) };
  const [column] = columns as readonly [Column];
  return { names, labels: column.kind === "text" ? column.labels : undefined, write: writeValues(column) };
}

/** One column without a name, or several of numbers with a name each. */
function refuseMisnamed(columns: readonly Column[], names: readonly string[] | undefined, path: string): void {
  if (columns.length === 1 && names === undefined) return;
  if (columns.some(({ kind }) => kind === "text")) {
    throw new GraphError(
      `${path}.from`,
      "one column of labels alone (a row's other labels go into a bundle each)",
      widthWords(columns),
    );
  }
  if (columns.length !== (names?.length ?? 1)) {
    const expected =
      names === undefined ? 'one column, or "params" with "names" for each' : `${names.length} columns, one per name`;
    throw new GraphError(`${path}.from`, expected, String(columns.length));
  }
  const twice = names?.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new GraphError(`${path}.params.names`, "each name once", `${describe(twice)} again`);
}

function widthWords(columns: readonly Column[]): string {
  return columns.length === 1 ? "one with names" : `${columns.length} columns`;
}

function writeValues({ values }: Column): PlannedPrediction["write"] {
  return (to, firstRow, rowCount) => {
    for (let row = 0; row < rowCount; row++) to[firstRow + row] = values[row]!;
  };
}

function writeLists(columns: readonly NumberColumn[]): PlannedPrediction["write"] {
  const values = columns.map((column) => column.values);
  return (to, firstRow, rowCount) => {
    for (let row = 0; row < rowCount; row++) {
      const list = new Array<number>(values.length);
      for (let column = 0; column < values.length; column++) list[column] = values[column]![row]!;
      to[firstRow + row] = list;
    }
  };
}

interface Probabilities {
  labels: readonly Scalar[];
  write: (to: Float64Array, firstRow: number, rowCount: number) => void;
}

function planProbabilities(outputs: readonly AnswerOutput[], wiring: Wiring): Probabilities | undefined {
  const index = indexOf(outputs, "probabilities");
  const output = outputs[index];
  if (output?.name !== "probabilities") return undefined;
  const path = `outputs[${index}]`;
  const { labels } = output.params;
  const columns = numberColumns(wiring.columnsOf(output.from, `${path}.from`), `${path}.from`);
  if (columns.length === 1 && labels.length === 2) return { labels, write: writeBoth(columns[0]!) };
  if (columns.length === labels.length) return { labels, write: planWriter(columns) };
  throw new GraphError(
    `${path}.params.labels`,
    `${columns.length} labels, one per column, or 2 labels for one column`,
    String(labels.length),
  );
}

/** One column p of two classes: [1 - p, p], where 1 - p is rounded as the library that computed p rounds it. */
function writeBoth({ values, dtype }: NumberColumn): Probabilities["write"] {
  const inFloat32 = dtype === "float32";
  return (to, firstRow, rowCount) => {
    for (let row = 0; row < rowCount; row++) {
      const p = values[row]!;
      to[(firstRow + row) * 2] = inFloat32 ? Math.fround(1 - p) : 1 - p;
      to[(firstRow + row) * 2 + 1] = p;
    }
  };
}

function indexOf(outputs: readonly AnswerOutput[], name: AnswerOutput["name"]): number {
  const index = outputs.findIndex((output) => output.name === name);
  const last = outputs.findLastIndex((output) => output.name === name);
  if (last > index) throw new GraphError(`outputs[${last}].name`, "a name that no earlier output has", describe(name));
  return index;
}

/** Probabilities belong to the labels that are predicted, in the same order. */
function refuseOtherLabels(
  predicted: readonly Scalar[] | undefined,
  labels: readonly Scalar[] | undefined,
  outputs: readonly AnswerOutput[],
): void {
  if (labels === undefined) return;
  const path = `outputs[${indexOf(outputs, "probabilities")}]`;
  if (predicted === undefined)
    throw new GraphError(path, 'no probabilities, since "prediction" is a number', '"probabilities"');
  if (predicted.length === labels.length && predicted.every((label, index) => label === labels[index])) return;
  throw new GraphError(
    `${path}.params.labels`,
    `the labels that are predicted, ${predicted.map(describe).join(", ")}`,
    labels.map(describe).join(", "),
  );
}
