/**
 * What a worker does, be it a thread or a process: it loads and warms a runner for each version, and runs batches on
 * them.
 */

import type { Block } from "../../preprocessing/index.js";
import { asChosen } from "./engines.js";
import { type Prepared, type PrepareOrder, prepareRunner } from "./prepare.js";
import { createRunner, type Runner, type RunnerSpec, type RunResult, runInBatches, warmUp } from "./runner.js";

export interface WorkerTask {
  readonly key: string;
  readonly blocks: Block[];
  readonly rowCount: number;
  /** Only in proofs: run the rows in batches of this size. */
  readonly batchRows?: number;
  /** In place of a run. */
  readonly load?: LoadOrder;
  /** In place of a run: the version's sessions are released. */
  readonly unload?: true;
}

/** A version for a worker that already runs. */
export interface LoadOrder {
  readonly spec: RunnerSpec;
  /** For the first worker that gets it; the others load what that one chose. */
  readonly prepare?: PrepareOrder;
}

/** What is said to a {@link LoadOrder}, and to an order to unload. */
export interface Loaded {
  /** Undefined where nobody asked. */
  readonly loaded: Prepared | undefined;
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

export function runTask(runners: Runners, task: WorkerTask): RunResult | NotLoaded | Loaded {
  const { key, blocks, rowCount, batchRows = rowCount, load, unload } = task;
  if (load !== undefined) return takeOrder(runners, load);
  if (key === upKey) return { loaded: undefined };
  const runner = runners.get(key);
  if (unload) return release(runners, key, runner);
  if (runner === undefined) throw new Error(`this worker doesn't hold ${key}`);
  if ("notLoaded" in runner) return runner;
  return batchRows >= rowCount ? runner.run(blocks, rowCount) : runInBatches(runner, blocks, rowCount, batchRows);
}

function takeOrder(runners: Runners, { spec, prepare }: LoadOrder): NotLoaded | Loaded {
  let runner: Runner | NotLoaded;
  let loaded: Prepared | undefined;
  try {
    if (prepare === undefined) runner = loadRunner(spec);
    else ({ runner, prepared: loaded } = prepareRunner(spec, prepare));
  } catch (error) {
    runner = { notLoaded: (error as Error).message };
  }
  runners.set(spec.key, runner);
  return "notLoaded" in runner ? runner : { loaded };
}

/** Harmless for a version that this worker doesn't hold. */
function release(runners: Runners, key: string, runner: Runner | NotLoaded | undefined): Loaded {
  runners.delete(key);
  if (runner !== undefined && "release" in runner) runner.release();
  return { loaded: undefined };
}

const upKey = "";
/** Answered by a worker that is up, whatever it has loaded. */
export const upTask: WorkerTask = { key: upKey, blocks: [], rowCount: 0 };

/** A task of one row of zeros: what a worker answers once it is warm. */
export function warmingTask({ key, blocks }: Pick<RunnerSpec, "key" | "blocks">): WorkerTask {
  const zeros = blocks.map(({ width, dtype }) =>
    dtype === "float32" ? new Float32Array(width) : new Float64Array(width),
  );
  return { key, blocks: zeros, rowCount: 1, batchRows: 1 };
}
