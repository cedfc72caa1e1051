/** Executors beside the event loop, as the scheduler sees them: each runs one batch at a time. */

import type { Block } from "../../preprocessing/index.js";
import type { RunResult } from "./runner.js";

export interface WorkerPool {
  /** Workers that wait for a batch; zero while the pool is down. */
  readonly idle: number;
  readonly workers: number;
  /** Until a worker is there, where none is because those that were have died or were given up, milliseconds. */
  comesInMs(nowMs: number): number;
  /**
   * Runs a batch in an idle worker.
   *
   * @param blocks - Moved to the worker: empty afterwards.
   * @param limitMs - A run that takes longer counts as stuck.
   * @throws {@link StuckRunError} when the run took longer than `limitMs`; any other Error when the worker died.
   */
  run(key: string, blocks: Block[], rowCount: number, limitMs: number): Promise<RunResult>;
  /** The one listener for "a worker became free". */
  onIdle: () => void;
}

/**
 * A run took far longer than any known one: its worker is written off and replaced, and the batch isn't tried again.
 */
export class StuckRunError extends Error {
  constructor(limitMs: number) {
    super(`a run was still going after ${Math.round(limitMs)} ms`);
    this.name = "StuckRunError";
  }
}
