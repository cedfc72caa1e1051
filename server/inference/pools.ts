/**
 * The workers of a server: threads for versions whose runs are bounded, processes for the others (graph-time.ts), each where it is needed.
 *
 * Begins both at once. Counts over both, for health and metrics.
 */

import { Pool } from "./pool.js";
import { ProcessPool } from "./process-pool.js";
import type { RunnerSpec } from "./runner.js";
import type { StuckRun } from "./worker-slots.js";

export interface PoolsOptions {
  /** Threads; 0 for none. There is one process at least where there is a version that needs it. */
  readonly workers: number;
  readonly bounded: readonly RunnerSpec[];
  readonly unbounded: readonly RunnerSpec[];
  readonly onTrouble: (message: string) => void;
  /** @param way - What ran it. */
  readonly onStuck: (run: StuckRun, way: "thread" | "process") => void;
}

/** Threads end with the run that they have: if that is a bounded one, within a moment. Milliseconds, also when a drain's time is over. */
const threadGraceMs = 250;

export class Pools {
  /** Resolve when their workers have loaded; undefined where there is no need of them. */
  readonly threads: Promise<Pool> | undefined;
  readonly processes: Promise<ProcessPool> | undefined;
  readonly #threads: Pool | undefined;
  readonly #processes: ProcessPool | undefined;
  readonly #stuckRuns = new Map<string, number>();
  #threadsLeft = 0;

  constructor({ workers, bounded, unbounded, onTrouble, onStuck }: PoolsOptions) {
    const count = (way: "thread" | "process") => (run: StuckRun) => {
      this.#stuckRuns.set(run.key, this.stuckRuns(run.key) + 1);
      onStuck(run, way);
    };
    if (workers > 0 && bounded.length > 0) {
      const pool = new Pool({ workers, specs: bounded, onTrouble, onStuck: count("thread") });
      this.#threads = pool;
      this.threads = pool.started.then(() => pool);
      this.threads.catch(() => {});
    }
    if (unbounded.length > 0) {
      const pool = new ProcessPool({ workers: Math.max(1, workers), specs: unbounded, onTrouble, onStuck: count("process") });
      this.#processes = pool;
      this.processes = pool.started.then(() => pool);
      this.processes.catch(() => {});
    }
  }

  get alive(): number {
    return (this.#threads?.alive ?? 0) + (this.#processes?.alive ?? 0);
  }

  get idle(): number {
    return (this.#threads?.idle ?? 0) + (this.#processes?.idle ?? 0);
  }

  /** Threads that were written off and still run. */
  get stuck(): number {
    return this.#threads?.stuck ?? 0;
  }

  /** Runs of a version that were given up. */
  stuckRuns(key: string): number {
    return this.#stuckRuns.get(key) ?? 0;
  }

  /** Whether one of the pools has nobody left to run a batch. A process that was killed is soon replaced, and doesn't count. */
  get down(): boolean {
    return this.#threads?.alive === 0 || this.#processes?.down === true;
  }

  /** After {@link close}: threads that still run. The process can't exit beside them. */
  get threadsLeft(): number {
    return this.#threadsLeft;
  }

  /** Ends the processes at once, and so whatever waits for them. */
  async kill(): Promise<void> {
    await this.#processes?.close(0);
  }

  /**
   * Waits for what runs, then ends the workers.
   *
   * @param limitMs - How long to wait.
   * @returns How many runs were still under way, and were cut off.
   */
  async close(limitMs: number): Promise<number> {
    const ofThreads = this.#threads?.close(Math.max(limitMs, threadGraceMs));
    const killed = (await this.#processes?.close(limitMs)) ?? 0;
    await ofThreads;
    this.#threadsLeft = this.stuck;
    return killed + this.#threadsLeft;
  }
}
