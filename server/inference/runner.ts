/**
 * Runs all models of a version over a batch, on the calling thread: the same code inline, in a pool worker and in a
 * proof.
 *
 * Wires blocks to the models' inputs by name, and the models' outputs to the postprocessing graph's inputs (`main.Y`).
 */

import type { Block } from "../../preprocessing/index.js";
import type { BatchRow } from "../path/row-index.js";
import type { Contract } from "../versions/contract.js";
import type { Engine, EngineModel } from "./engine.js";
import type { EngineChoice, EngineName } from "./engines.js";
import { rowWidth } from "./tensor.js";

/** What a thread needs to run a version; plain data, so that it can be sent to a worker. */
export interface RunnerSpec {
  readonly key: string;
  readonly models: readonly EngineModel[];
  /** What was chosen for them, one by one; none while nobody has. */
  readonly chosen: readonly EngineName[];
  /** The preprocessing graph's outputs, in order: name, dtype and values per row. */
  readonly blocks: readonly { name: string; dtype: "float32" | "float64"; width: number }[];
  /** The postprocessing graph's inputs, in order. */
  readonly raw: readonly { name: string }[];
}

/** A batch's outputs, and the rows (if any) that fail even when they run alone; their outputs are NaN. */
export interface RunResult {
  readonly raw: Block[];
  readonly failedRows: readonly BatchRow[];
  /** The runtime's text about the first failure: for the log only. */
  readonly failure: string | undefined;
}

export interface Runner {
  readonly spec: RunnerSpec;
  /**
   * Runs a batch; if that fails, runs it once more row by row, so that one bad row never fails its neighbours.
   * @param blocks - One per {@link RunnerSpec.blocks}, row-major, exactly `rowCount` rows; not written to.
   */
  run(blocks: readonly Block[], rowCount: number): RunResult;
  /**
   * Blocks into which rows can be written, to be run from there: the engine's own memory where it has some.
   * @param rowsMost - Rows that are wanted; there may be fewer, at least one.
   */
  room(rowsMost: number): Block[];
  release(): void;
}

export function runnerSpec({
  contract,
  engines,
}: {
  contract: Contract;
  engines: readonly EngineChoice[];
}): RunnerSpec {
  const { key, bundle, preprocessor, postprocessor } = contract;
  return {
    key,
    models: bundle.models.map(({ id, bytes, inputs, outputs }) => ({ id, bytes, inputs, outputs })),
    chosen: engines.map(({ engine }) => engine),
    blocks: preprocessor.outputs.map(({ name, dtype, width }) => ({ name, dtype, width })),
    raw: postprocessor.inputs.map(({ name }) => ({ name })),
  };
}

const noRows: readonly BatchRow[] = Object.freeze([]);

export function createRunner(engine: Engine, spec: RunnerSpec): Runner {
  const blockIndex = new Map(spec.blocks.map(({ name }, index) => [name, index]));
  const sessions = spec.models.map((model) => ({
    session: engine.load(model),
    inputs: model.inputs.map(({ name }) => {
      const index = blockIndex.get(name);
      if (index === undefined)
        throw new Error(`${spec.key}: model "${model.id}" takes "${name}", which preprocessing doesn't give`);
      return index;
    }),
  }));
  // For each input of the postprocessing graph: which model's which output.
  const sources = spec.raw.map(({ name }) => {
    for (const [m, model] of spec.models.entries()) {
      const o = model.outputs.findIndex((output) => name === `${model.id}.${output.name}`);
      if (o >= 0) return { m, o, description: model.outputs[o]! };
    }
    throw new Error(`${spec.key}: postprocessing takes "${name}", which no model gives`);
  });

  function runOnce(blocks: readonly Block[], rowCount: number): Block[] {
    if (sessions.length === 1 && sources.length === 1) {
      const { session, inputs } = sessions[0]!;
      const fed = inputs.length === 1 ? [blocks[inputs[0]!]!] : inputs.map((index) => blocks[index]!);
      return [session.run(fed, rowCount)[sources[0]!.o]!];
    }
    const outputs = sessions.map(({ session, inputs }) =>
      session.run(
        inputs.map((index) => blocks[index]!),
        rowCount,
      ),
    );
    return sources.map(({ m, o }) => outputs[m]![o]!);
  }

  function runRowByRow(blocks: readonly Block[], rowCount: number): RunResult {
    const failedRows: BatchRow[] = [];
    let failure: string | undefined;
    const raw = sources.map(({ description }) => {
      const length = rowCount * rowWidth(description);
      return (description.dtype === "float32" ? new Float32Array(length) : new Float64Array(length)).fill(Number.NaN);
    });
    for (let row = 0; row < rowCount; row++) {
      try {
        const one = runOnce(
          blocks.map((block, index) =>
            block.slice(row * spec.blocks[index]!.width, (row + 1) * spec.blocks[index]!.width),
          ),
          1,
        );
        for (const [index, block] of one.entries()) raw[index]!.set(block as Float32Array, row * block.length);
      } catch (error) {
        failedRows.push(row);
        failure ??= String((error as Error)?.message ?? error);
      }
    }
    return { raw, failedRows, failure };
  }

  return {
    spec,
    run(blocks, rowCount) {
      try {
        return { raw: runOnce(blocks, rowCount), failedRows: noRows, failure: undefined };
      } catch {
        return runRowByRow(blocks, rowCount);
      }
    },
    room(rowsMost) {
      const [only] = sessions;
      if (sessions.length === 1 && spec.blocks.length === 1 && only!.session.room)
        return [only!.session.room(rowsMost)];
      return spec.blocks.map(({ dtype, width }) =>
        dtype === "float32" ? new Float32Array(rowsMost * width) : new Float64Array(rowsMost * width),
      );
    },
    release() {
      for (const { session } of sessions) session.release();
    },
  };
}

/**
 * Runs rows in batches of a given size and puts the outputs together: how a proof sees each size that a worker may meet
 * in one task.
 *
 * @param batchRows - The last batch may be smaller.
 */
export function runInBatches(runner: Runner, blocks: readonly Block[], rowCount: number, batchRows: number): RunResult {
  const { spec } = runner;
  const results: RunResult[] = [];
  for (let first = 0; first < rowCount; first += batchRows) {
    const rows = Math.min(batchRows, rowCount - first);
    const part = blocks.map((block, i) =>
      block.slice(first * spec.blocks[i]!.width, (first + rows) * spec.blocks[i]!.width),
    );
    results.push(runner.run(part, rows));
  }
  const raw = results[0]!.raw.map((block, i) => {
    const parts = results.map((result) => result.raw[i]!);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const whole = block instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
    let offset = 0;
    for (const part of parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  });
  const failedRows = results.flatMap((result, k) => result.failedRows.map((row) => k * batchRows + row));
  return { raw, failedRows, failure: results.find(({ failure }) => failure !== undefined)?.failure };
}

/** Sizes at which a runner is warmed, so that the first calls meet compiled code and a fitted cost. */
export const warmUpRows = [1, 8, 64];

/**
 * Runs blocks until the code is warm.
 *
 * @param observe - Called as often as runs were timed, with the median of their size, to begin the fit of its cost.
 * @param blocksOf - So many rows; zeros where it isn't given.
 * @remarks About 30 runs: 15 ms for a tree ensemble of 400 trees.
 */
export function warmUp(runner: Runner, observe?: ObserveRun, blocksOf?: (rowCount: number) => Block[]): void {
  for (const _ of warmUpSteps(runner, warmUpRows, observe, blocksOf));
}

/** Takes the median of so many rows' runs, microseconds. */
export type ObserveRun = (rowCount: number, durationUs: number) => void;

/** {@link warmUp}, one run a step. */
export function* warmUpSteps(
  runner: Runner,
  sizes: readonly number[],
  observe: ObserveRun = () => {},
  blocksOf: (rowCount: number) => Block[] = (rowCount) => zeros(runner.spec, rowCount),
): Generator<void, void> {
  const durationsUs = sizes.map((): number[] => []);
  for (let round = 0; round < 10; round++) {
    for (const [i, rowCount] of sizes.entries()) {
      const blocks = blocksOf(rowCount);
      const startedMs = performance.now();
      runner.run(blocks, rowCount);
      // The first rounds run in the interpreter.
      if (round >= 3) durationsUs[i]!.push((performance.now() - startedMs) * 1000);
      yield;
    }
  }
  // A run that was interrupted says nothing of the model, and here there is nothing yet to tell it by.
  for (const [i, rowCount] of sizes.entries())
    for (const _ of durationsUs[i]!) observe(rowCount, median(durationsUs[i]!));
}

/** @param values - At least one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function zeros({ blocks }: RunnerSpec, rowCount: number): Block[] {
  return blocks.map(({ dtype, width }) =>
    dtype === "float32" ? new Float32Array(rowCount * width) : new Float64Array(rowCount * width),
  );
}
