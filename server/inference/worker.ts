/**
 * A thread of the pool: one runner per version, loaded and warm before the worker takes its first batch.
 *
 * Piscina imports this file in each worker and calls its default export once per batch. Nothing here logs: what is
 * worth saying travels back with the result, because a worker waits for its output to drain before it answers.
 */

import { move, transferableSymbol, valueSymbol, workerData } from "piscina";
import { loadRunner, type Runners, runTask, type WorkerTask } from "./run-task.js";
import type { RunnerSpec, RunResult } from "./runner.js";

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

const runners: Runners = new Map((workerData as readonly RunnerSpec[]).map((spec) => [spec.key, loadRunner(spec)]));

export default function runBatch(task: WorkerTask): unknown {
  const result = runTask(runners, task);
  if (!("raw" in result)) return result;
  // Typed for single values only, but it takes whatever follows the protocol.
  return move(new MovedResult(result) as unknown as Parameters<typeof move>[0]);
}
