/**
 * What a worker does, be it a thread or a process: it loads and warms a runner for each version, and runs batches on them.
 */

import type { Block } from "../../preprocessing/index.js";
import { asChosen } from "./engines.js";
import { createRunner, type Runner, type RunnerSpec, type RunResult, runInBatches, warmUp } from "./runner.js";

export interface WorkerTask {
  readonly key: string;
  readonly blocks: Block[];
  readonly rowCount: number;
  /** Only in proofs: run the rows in batches of this size. */
  readonly batchRows?: number;
}

/** What is said instead of a result when this worker couldn't load the version: the others run all the same. */
export interface NotLoaded {
  readonly notLoaded: string;
}

/** A worker's runners, by the versions' keys. */
export type Runners = Map<string, Runner | NotLoaded>;

export function loadRunner(spec: RunnerSpec): Runner | NotLoaded {
  try {
    const runner = createRunner(asChosen(spec), spec);
    warmUp(runner);
    return runner;
  } catch (error) {
    return { notLoaded: (error as Error).message };
  }
}

export function runTask(runners: Runners, { key, blocks, rowCount, batchRows = rowCount }: WorkerTask): RunResult | NotLoaded {
  const runner = runners.get(key);
  if (runner === undefined) throw new Error(`this worker's generation doesn't hold ${key}`);
  if ("notLoaded" in runner) return runner;
  return batchRows >= rowCount ? runner.run(blocks, rowCount) : runInBatches(runner, blocks, rowCount, batchRows);
}

/** A task of one row of zeros: what a worker answers once it is warm. */
export function warmingTask({ key, blocks }: Pick<RunnerSpec, "key" | "blocks">): WorkerTask {
  const zeros = blocks.map(({ width, dtype }) => (dtype === "float32" ? new Float32Array(width) : new Float64Array(width)));
  return { key, blocks: zeros, rowCount: 1, batchRows: 1 };
}
