/** The graph before the models: rows to blocks. */
import { type Dtype, stripRows } from "./column.js";
import { Columns, type RowInput } from "./columns.js";
import { type FeatureInput, type GraphDocument, isPreprocessing, type TensorOutput, widthOf } from "./graph.js";
import { describe, GraphError } from "./graph-error.js";
import { numberColumns } from "./operator.js";
import { operatorsBefore } from "./operators.js";
import { planColumnReader } from "./read-columns.js";
import { planReader, type Row } from "./read-rows.js";
import { Refusals, type RowRefusal } from "./refusals.js";
import { Wiring } from "./wire.js";
import { type Block, planWriter } from "./write-block.js";

export interface PreprocessorOutput {
  name: string;
  dtype: Dtype;
  shape: readonly ["rows", ...number[]];
  /** Values per row: the product of the shape's numbers. */
  width: number;
}

export interface Preprocessor {
  readonly inputs: readonly FeatureInput[];
  readonly outputs: readonly PreprocessorOutput[];
  /**
   * Fills `blocks[i]` for `outputs[i]`: float32 or float64 as the output says, row-major, with room for the rows.
   *
   * @param blockRow - The row of the blocks at which the first one is written. Default 0.
   * @param first - With `end`, which of the rows: `first` to `end - 1`. Default all.
   * @returns The rows that the pipeline refuses, in order, counted from `first`: their values in the blocks mean nothing,
   *   those of the other rows are right. Without refusals a shared empty list: a call allocates nothing.
   * @throws Error for a block of the wrong dtype or length, which is a bug in the caller, never bad input.
   */
  run(
    rows: RowInput<Row>,
    blocks: readonly Block[],
    blockRow?: number,
    first?: number,
    end?: number,
  ): readonly RowRefusal[];
  /** The float64 values before the cast, row-major, one array per output: what proofs compare. */
  features(rows: RowInput<Row>): { features: Float64Array[]; refused: readonly RowRefusal[] };
}

/**
 * Plans a graph. What can be decided once is decided here; not reentrant, since the plan owns its scratch columns.
 *
 * @throws {@link GraphError} for wiring, widths and kinds of column that do not fit.
 */
export function createPreprocessor(graph: GraphDocument): Preprocessor {
  if (!isPreprocessing(graph)) throw new GraphError("inputs[0]", 'a feature with "name" and "type"', "a tensor");
  const refusals = new Refusals();
  const { columns: inputColumns, read } = planReader(graph.inputs, refusals);
  const readColumns = planColumnReader(inputColumns);
  const wiring = new Wiring();
  for (const [index, { name }] of graph.inputs.entries())
    wiring.addInput(name, [inputColumns[index]!], `inputs[${index}]`);
  wiring.addNodes(graph.nodes, operatorsBefore, refusals);
  const planned = graph.outputs.map((output, index) => planOutput(output, index, graph.outputs, wiring));
  wiring.refuseUnused();
  const { steps } = wiring;
  const outputs = planned.map(({ output }) => output);
  const writers = planned.map(({ write }) => write);

  const fill = (
    rows: RowInput<Row>,
    blocks: readonly Block[],
    blockRow: number,
    first: number,
    end: number,
  ): readonly RowRefusal[] => {
    // A run that threw may have left some.
    refusals.take();
    for (let firstRow = first; firstRow < end; firstRow += stripRows) {
      const rowCount = Math.min(stripRows, end - firstRow);
      refusals.firstRow = firstRow - first;
      if (rows instanceof Columns) readColumns(rows, firstRow, rowCount);
      else read(rows, firstRow, rowCount);
      for (let index = 0; index < steps.length; index++) steps[index]!(rowCount);
      for (let index = 0; index < writers.length; index++)
        writers[index]!(blocks[index]!, blockRow + firstRow - first, rowCount);
    }
    return refusals.take();
  };

  return {
    inputs: graph.inputs,
    outputs,
    run(rows, blocks, blockRow = 0, first = 0, end = rows.length) {
      for (let index = 0; index < outputs.length; index++)
        assertBlock(blocks[index], outputs[index]!, blockRow + end - first);
      return fill(rows, blocks, blockRow, first, end);
    },
    features(rows) {
      const features = outputs.map(({ width }) => new Float64Array(rows.length * width));
      return { features, refused: fill(rows, features, 0, 0, rows.length) };
    },
  };
}

function planOutput(output: TensorOutput, index: number, all: readonly TensorOutput[], wiring: Wiring) {
  const path = `outputs[${index}]`;
  const { name, dtype, shape, from } = output;
  if (all.findIndex((other) => other.name === name) < index) {
    throw new GraphError(`${path}.name`, "a name that no earlier output has", describe(name));
  }
  const columns = numberColumns(wiring.columnsOf(from, `${path}.from`), `${path}.from`);
  const width = widthOf(shape);
  if (columns.length !== width)
    throw new GraphError(`${path}.shape`, `${columns.length} values a row, as wide as its columns`, String(width));
  return { output: { name, dtype, shape, width }, write: planWriter(columns) };
}

function assertBlock(block: Block | undefined, { name, dtype, width }: PreprocessorOutput, rowCount: number): void {
  const bytes = dtype === "float32" ? 4 : 8;
  if (block === undefined || block.BYTES_PER_ELEMENT !== bytes || block.length < rowCount * width) {
    throw new Error(
      `block of output "${name}": expected ${dtype} and ${rowCount * width} values, got ${block?.constructor.name} of ${block?.length}`,
    );
  }
}
