/**
 * An engine whose models are functions of a row, for tests that must know each answer beforehand and every row that
 * ran.
 */

import type { Block } from "../../preprocessing/index.js";
import type { Engine, EngineModel, TensorDescription } from "../../server/inference/engine.js";
import { rowWidth } from "../../server/inference/tensor.js";

export interface PuppetRun {
  readonly model: string;
  readonly rowCount: number;
  /** The values of the first input, row by row. */
  readonly rows: readonly (readonly number[])[];
}

export interface PuppetEngine extends Engine {
  /** Every run that was asked for, failed ones included. */
  readonly runs: PuppetRun[];
  readonly released: string[];
}

/** One row in (the values of each input), one row out (the values of each output). May throw, as a runtime does. */
export type RowFunction = (
  inputs: readonly (readonly number[])[],
  model: EngineModel,
) => readonly (readonly number[])[];

/**
 * @param compute - By default every output is the first input's first value, doubled.
 * @param onRun - Called before each run: moves a clock, or throws.
 */
export function createPuppetEngine(
  compute: RowFunction = doubled,
  onRun: (run: PuppetRun) => void = () => {},
): PuppetEngine {
  const runs: PuppetRun[] = [];
  const released: string[] = [];
  return {
    name: "puppet",
    runs,
    released,
    load(model) {
      return {
        run(blocks, rowCount) {
          const inputs = model.inputs.map((input, i) => rowsOf(blocks[i]!, rowWidth(input), rowCount));
          const run = { model: model.id, rowCount, rows: inputs[0]! };
          runs.push(run);
          onRun(run);
          const answers = run.rows.map((_, row) =>
            compute(
              inputs.map((rows) => rows[row]!),
              model,
            ),
          );
          return model.outputs.map((output, o) =>
            blockOf(
              output,
              answers.flatMap((answer) => answer[o]!),
            ),
          );
        },
        release() {
          released.push(model.id);
        },
      };
    },
  };
}

/** The number that the default puppet answers for `x`, in the precision of a float32 model. */
export function doubledInFloat32(x: number): number {
  return Math.fround(2 * Math.fround(x));
}

const doubled: RowFunction = ([input], { outputs }) =>
  outputs.map((output) => new Array<number>(rowWidth(output)).fill(2 * input![0]!));

export function rowsOf(block: Block, width: number, rowCount: number): number[][] {
  if (block.length !== width * rowCount)
    throw new Error(`expected ${rowCount} rows of ${width} values, got ${block.length} values`);
  return Array.from({ length: rowCount }, (_, row) => Array.from(block.subarray(row * width, (row + 1) * width)));
}

function blockOf({ dtype }: TensorDescription, values: readonly number[]): Block {
  return dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
}
