/**
 * The workers of a server: threads for versions whose runs are bounded, processes for the others (graph-time.ts), each
 * where it is needed.
 *
 * The threads start at once, empty: what a version's loading takes longer than a turn of the event loop is done in the
 * first of them. Counts over both, for health and metrics.
 */

import { Pool } from "./pool.js";
import type { Prepared, PrepareOrder } from "./prepare.js";
import { ProcessPool } from "./process-pool.js";
import type { RunnerSpec } from "./runner.js";
import type { StuckRun } from "./worker-slots.js";

export interface PoolsOptions {
  /** Threads; 0 for none that serve. There is one process at least where there is a version that needs it. */
  readonly workers: number;
  readonly onTrouble: (message: string) => void;
  /** @param way - What ran it. */
  readonly onStuck: (run: StuckRun, way: "thread" | "process") => void;
}

/**
 * Threads end with the run that they have: if that is a bounded one, within a moment. Milliseconds, also when a drain's
 * time is over.
 */
const threadGraceMs = 250;

export class Pools {
  readonly #options: PoolsOptions;
  /** Undefined where there is no need of them. */
  #threads: Pool | undefined;
  #processes: ProcessPool | undefined;
  /** The threads, or one that is only there to load. */
  #loaders: Pool | undefined;
  #holdsBounded = false;
  readonly #stuckRuns = new Map<string, number>();
  #threadsLeft = 0;

  /** Starts the threads. */
  constructor(options: PoolsOptions) {
    this.#options = options;
    this.#openLoaders();
  }

  /** Those that serve. */
  get threads(): Pool | undefined {
    return this.#threads;
  }

  get processes(): ProcessPool | undefined {
    return this.#processes;
  }

  /**
   * Loads a bounded version in the threads.
   *
   * @throws NotLoadedError when it can't be loaded; any other Error when a worker died.
   */
  async loadInThreads(spec: RunnerSpec, prepare: PrepareOrder): Promise<Prepared> {
    const prepared = await this.#openLoaders().loadVersion(spec, prepare);
    this.#holdsBounded = true;
    return prepared;
  }

  /** Loads an unbounded version in the processes, which the first one starts. @throws As {@link loadInThreads}. */
  async loadInProcesses(spec: RunnerSpec): Promise<ProcessPool> {
    const { workers, onTrouble } = this.#options;
    this.#processes ??= new ProcessPool({
      workers: Math.max(1, workers),
      specs: [],
      onTrouble,
      onStuck: this.#count("process"),
    });
    await this.#processes.loadVersion(spec);
    return this.#processes;
  }

  /** Releases a version's sessions wherever there are some; nothing of it runs any more. */
  async unload(key: string): Promise<void> {
    await Promise.all([this.#loaders?.unload(key), this.#processes?.unload(key)]);
  }

  /** Ends threads that nothing will run in, while nothing is to be loaded. */
  async endLoading(): Promise<void> {
    const loaders = this.#loaders;
    if (loaders === undefined || (loaders === this.#threads && this.#holdsBounded)) return;
    this.#loaders = undefined;
    if (loaders === this.#threads) this.#threads = undefined;
    await loaders.close(threadGraceMs);
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

  /** A version is gone, and with it what was counted for it. */
  forget(key: string): void {
    this.#stuckRuns.delete(key);
  }

  /** Runs of a version that were given up. */
  stuckRuns(key: string): number {
    return this.#stuckRuns.get(key) ?? 0;
  }

  /**
   * Whether one of the pools has nobody left to run a batch. A process that was killed is soon replaced, and doesn't
   * count.
   */
  get down(): boolean {
    return (this.#holdsBounded && this.#threads?.alive === 0) || this.#processes?.down === true;
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
    const ofThreads = (this.#loaders ?? this.#threads)?.close(Math.max(limitMs, threadGraceMs));
    const killed = (await this.#processes?.close(limitMs)) ?? 0;
    await ofThreads;
    this.#threadsLeft = this.#loaders?.stuck ?? this.stuck;
    return killed + this.#threadsLeft;
  }

  #openLoaders(): Pool {
    if (this.#options.workers > 0) this.#threads ??= this.#openThreads(this.#options.workers);
    this.#loaders ??= this.#threads ?? this.#openThreads(1);
    return this.#loaders;
  }

  #openThreads(workers: number): Pool {
    return new Pool({ workers, specs: [], onTrouble: this.#options.onTrouble, onStuck: this.#count("thread") });
  }

  #count(way: "thread" | "process") {
    return (run: StuckRun) => {
      this.#stuckRuns.set(run.key, this.stuckRuns(run.key) + 1);
      this.#options.onStuck(run, way);
    };
  }
}
