/**
 * A pool worker: one runner per version, loaded and warm before the worker takes its first batch.
 *
 * Piscina imports this file in each worker and calls its default export once per batch. Nothing here logs: what is worth saying travels
 * back with the result, because a worker waits for its output to drain before it answers.
 */

import { move, transferableSymbol, valueSymbol, workerData } from "piscina";
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

/** Piscina's protocol for a result of several buffers that are moved, not copied. */
class MovedResult {
  readonly #result: RunResult;

  constructor(result: RunResult) {
    this.#result = result;
  }

  get [transferableSymbol](): readonly ArrayBufferLike[] {
    return this.#result.raw.map(({ buffer }) => buffer);
  }

  get [valueSymbol](): RunResult {
    return this.#result;
  }
}

const runners = new Map<string, Runner | NotLoaded>();
for (const spec of workerData as readonly RunnerSpec[]) runners.set(spec.key, load(spec));

function load(spec: RunnerSpec): Runner | NotLoaded {
  try {
    const runner = createRunner(asChosen(spec), spec);
    warmUp(runner);
    return runner;
  } catch (error) {
    return { notLoaded: (error as Error).message };
  }
}

export default function runBatch({ key, blocks, rowCount, batchRows = rowCount }: WorkerTask): unknown {
  const runner = runners.get(key);
  if (runner === undefined) throw new Error(`this worker's generation doesn't hold ${key}`);
  if ("notLoaded" in runner) return runner;
  const result = batchRows >= rowCount ? runner.run(blocks, rowCount) : runInBatches(runner, blocks, rowCount, batchRows);
  // Typed for single values only, but it takes whatever follows the protocol.
  return move(new MovedResult(result) as unknown as Parameters<typeof move>[0]);
}
