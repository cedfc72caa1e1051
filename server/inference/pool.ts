/**
 * The pool: a generation of workers, each with a session of every version that it was started with. The only importer of piscina.
 *
 * To change versions, a new generation is started beside the old one, and the old one is closed when it is drained; a worker is never
 * terminated while it runs, because that kills the process (SIGABRT inside onnxruntime, 5 of 5), and for the same reason no task ever
 * carries an AbortSignal. Piscina's own queue stays empty: it gets a batch only when a worker is idle, since its queue is neither first-in
 * first-out nor bounded when it says so.
 */

import { createRequire } from "node:module";
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Block } from "../../preprocessing/index.js";
import type { RunnerSpec, RunResult } from "./runner.js";
import type { NotLoaded, WorkerTask } from "./worker.js";
import type { WorkerPool } from "./worker-pool.js";

export interface PoolOptions {
  readonly workers: number;
  readonly specs: readonly RunnerSpec[];
  /** Another worker file, for tests of workers that die. */
  readonly filename?: string;
  /** Hears of a worker that died while it was idle, or couldn't start. */
  readonly onTrouble: (message: string) => void;
}

/**
 * Megabytes of objects that may gather in a worker before V8 looks for garbage. They are a few per batch, and gone with it; of V8's own 48 MB, two
 * workers under large requests took 12 MB more of the process, and were no faster.
 */
const youngMB = 3;

class NotLoadedError extends Error {}

export class Pool implements WorkerPool {
  readonly workers: number;
  onIdle: () => void = () => {};
  /** Why versions, by their keys, couldn't be loaded by the workers: `run` throws for them. */
  readonly notLoaded = new Map<string, string>();
  readonly #piscina: Piscina<WorkerTask, RunResult | NotLoaded>;
  /** Workers that came up and haven't ended. */
  readonly #threads = new Set<Worker>();
  #busy = 0;
  #drained: (() => void) | undefined;

  private constructor({ workers, specs, filename, onTrouble }: PoolOptions) {
    this.workers = workers;
    this.#piscina = new Piscina({
      // By name, since a bundler may put this code into any file.
      filename: filename ?? createRequire(import.meta.url).resolve("#worker"),
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      workerHistogram: false,
      workerData: specs,
      resourceLimits: { maxYoungGenerationSizeMb: youngMB },
    });
    this.#piscina.on("workerCreate", ({ id }: { id: number }) => {
      // Its `workerDestroy` comes for workers that fail at boot too, of which it never told the beginning.
      const thread = this.#piscina.threads.find(({ threadId }) => threadId === id);
      if (thread === undefined) return;
      this.#threads.add(thread);
      for (const end of ["error", "exit"]) thread.once(end, () => this.#threads.delete(thread));
      this.onIdle();
    });
    // Without this listener the death of an idle worker would end the process.
    this.#piscina.on("error", (error: Error) => onTrouble(`a pool worker died: ${error.message}`));
  }

  /**
   * Starts a generation; resolves when every worker has loaded and warmed every version, those in {@link notLoaded} excepted.
   *
   * @throws Error when a worker can't start: its message is the worker's.
   */
  static async start(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(options);
    for (const spec of options.specs) {
      // Answered once each worker is warm.
      const blocks = () => spec.blocks.map(({ width, dtype }) => (dtype === "float32" ? new Float32Array(width) : new Float64Array(width)));
      try {
        await pool.runInEach(spec.key, blocks, 1, 1);
      } catch (error) {
        if (!(error instanceof NotLoadedError)) throw error;
        pool.notLoaded.set(spec.key, error.message);
      }
    }
    return pool;
  }

  get idle(): number {
    return Math.max(0, this.#threads.size - this.#busy);
  }

  /** Workers that are there: fewer than {@link workers} while one is replaced, none if they can't start. */
  get alive(): number {
    return this.#threads.size;
  }

  /**
   * Runs a batch in an idle worker.
   *
   * @param blocks - Moved to the worker: empty afterwards.
   * @throws Error when the worker dies; a model that fails is a {@link RunResult} with failed rows.
   */
  async run(key: string, blocks: Block[], rowCount: number): Promise<RunResult> {
    return this.#post({ key, blocks, rowCount });
  }

  /**
   * Runs the same rows once in every worker, in batches of a given size: for proofs, before the pool serves.
   *
   * @param makeBlocks - Called once per worker, since what it returns is moved.
   */
  async runInEach(key: string, makeBlocks: () => Block[], rowCount: number, batchRows: number): Promise<RunResult[]> {
    // A worker takes one task at a time, so as many tasks as there are workers reach them all.
    return Promise.all(Array.from({ length: this.workers }, () => this.#post({ key, blocks: makeBlocks(), rowCount, batchRows })));
  }

  async #post(task: WorkerTask): Promise<RunResult> {
    this.#busy++;
    try {
      const result = await this.#piscina.run(task, { transferList: task.blocks.map(({ buffer }) => buffer as ArrayBuffer) });
      if ("notLoaded" in result) throw new NotLoadedError(result.notLoaded);
      return result;
    } finally {
      this.#busy--;
      if (this.#busy === 0) this.#drained?.();
      this.onIdle();
    }
  }

  /** Waits for the batches that run, then ends the workers; the owner hands out no more. */
  async close(): Promise<void> {
    if (this.#busy > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await this.#piscina.close();
  }
}
