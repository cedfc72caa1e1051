/**
 * The pool of threads: workers with a session of every version that threads run. The only importer of piscina.
 *
 * Versions come and go between two runs of a worker: it loads one, or releases one, as a task like any other. A worker
 * is never terminated while it runs, because that kills the process (SIGABRT inside onnxruntime, 5 of 5), and for the
 * same reason no task ever carries an AbortSignal. So a thread whose run is stuck can only be left alone: it holds a
 * processor until its run ends, if it ever does. Each thread has a Piscina of its own, so that it can be left
 * alone. Piscina's own queue stays empty: it is neither first-in first-out nor bounded when it says so.
 */

import { createRequire } from "node:module";
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Prepared, PrepareOrder } from "./prepare.js";
import { type Loaded, type NotLoaded, upTask, type WorkerTask, warmingTask } from "./run-task.js";
import type { RunnerSpec, RunResult } from "./runner.js";
import { NotLoadedError, type StuckRun, type WorkerSlot, WorkerSlots } from "./worker-slots.js";

export interface PoolOptions {
  readonly workers: number;
  /** What every worker loads when it starts; {@link Pool.loadVersion} adds to them, {@link Pool.unload} takes away. */
  readonly specs: readonly RunnerSpec[];
  /** Another worker file, for tests of workers that die. */
  readonly filename?: string;
  /** Called for a worker that died while it was idle, or couldn't start. */
  readonly onTrouble: (message: string) => void;
  readonly onStuck?: (run: StuckRun) => void;
}

/**
 * Megabytes of objects that may gather in a worker before V8 looks for garbage. They are a few per batch, and gone with
 * it; of V8's own 48 MB, two workers under large requests took 12 MB more of the process, and were no faster.
 */
const youngMB = 3;

/**
 * Each stuck thread holds a processor: past so many the pool shrinks, until the server isn't ready and is restarted.
 */
const stuckMax = 4;

class Thread implements WorkerSlot {
  /** Resolves when the first worker is warm. */
  readonly warm: Promise<void>;
  readonly #piscina: Piscina<WorkerTask, RunResult | NotLoaded | Loaded>;
  /** The worker that came up and hasn't ended. */
  #worker: Worker | undefined;
  #isWarm = false;
  #workers = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor({ specs, filename, onTrouble }: PoolOptions, onAlive: () => void) {
    this.#piscina = new Piscina({
      // By name, since a bundler may put this code into any file.
      filename: filename ?? createRequire(import.meta.url).resolve("#worker"),
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      workerHistogram: false,
      workerData: specs,
      resourceLimits: { maxYoungGenerationSizeMb: youngMB },
    });
    this.#piscina.on("workerCreate", ({ id }: { id: number }) => {
      // Its `workerDestroy` comes for workers that fail at boot too, of which it never told the beginning.
      const worker = this.#piscina.threads.find(({ threadId }) => threadId === id);
      if (worker === undefined) return;
      this.#worker = worker;
      for (const end of ["error", "exit"]) {
        worker.once(end, () => {
          if (this.#worker === worker) this.#worker = undefined;
        });
      }
      // Piscina takes its first worker for ready at once, and all later ones once they have loaded.
      if (++this.#workers > 1) this.#isWarm = true;
      if (this.#isWarm) onAlive();
    });
    // Without this listener the death of an idle worker would end the process.
    this.#piscina.on("error", (error: Error) => onTrouble(`a pool worker died: ${error.message}`));
    // A batch that waits for a worker to load would count as a long run.
    this.warm = this.#post(specs[0] === undefined ? upTask : warmingTask(specs[0])).then(() => {
      this.#isWarm = true;
      onAlive();
    });
    this.warm.catch((error: Error) => onTrouble(`a pool worker can't start: ${error.message}`));
  }

  get alive(): boolean {
    return this.#isWarm && this.#worker !== undefined;
  }

  run(task: WorkerTask): Promise<RunResult | NotLoaded | Loaded> {
    return this.#post(task);
  }

  #post(task: WorkerTask): Promise<RunResult | NotLoaded | Loaded> {
    const result = this.#piscina.run(task, { transferList: task.blocks.map(({ buffer }) => buffer as ArrayBuffer) });
    this.#running = result;
    return result;
  }

  async abandon(): Promise<void> {
    await this.#running.catch(() => {});
    await this.close();
  }

  close(): Promise<void> {
    return this.#piscina.close();
  }
}

export class Pool extends WorkerSlots<Thread> {
  /** Why versions, by their keys, couldn't be loaded by the workers: `run` throws for them. */
  readonly notLoaded = new Map<string, string>();
  /**
   * Resolves when every worker has loaded and warmed every version, those in {@link notLoaded} excepted; rejected with
   * the worker's message when one can't start.
   */
  readonly started: Promise<void>;
  /** What a worker that replaces another one loads: as it is when that one starts. */
  readonly #specs: RunnerSpec[];

  /** Starts the threads. */
  constructor(options: PoolOptions) {
    const specs = [...options.specs];
    const open = (onAlive: () => void) => new Thread({ ...options, specs }, onAlive);
    super({ workers: options.workers, open, onStuck: options.onStuck ?? (() => {}), stuckMax });
    this.#specs = specs;
    this.started = this.#untilWarm(options.specs);
    this.started.catch(() => {});
  }

  /** Starts the threads, and resolves when they have started. */
  static async start(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(options);
    await pool.started;
    return pool;
  }

  async #untilWarm(specs: readonly RunnerSpec[]): Promise<void> {
    // Threads load what the main thread chooses, which takes as long as it takes: no limit here.
    const limitMs = Number.POSITIVE_INFINITY;
    await Promise.all(this.slots.map(({ warm }) => warm));
    for (const spec of specs) {
      try {
        await this.runInEach(spec.key, () => warmingTask(spec).blocks, 1, 1, limitMs);
      } catch (error) {
        if (!(error instanceof NotLoadedError)) throw error;
        this.notLoaded.set(spec.key, error.message);
      }
    }
  }

  override async unload(key: string): Promise<void> {
    const place = this.#specs.findIndex((spec) => spec.key === key);
    if (place >= 0) this.#specs.splice(place, 1);
    this.notLoaded.delete(key);
    await super.unload(key);
  }

  /**
   * Loads one more version: the first worker chooses its engines, the others load what that one chose. The event loop
   * does nothing for it but send and receive.
   *
   * @throws {@link NotLoadedError} when it can't be loaded; any other Error when a worker died.
   */
  async loadVersion(spec: RunnerSpec, prepare: PrepareOrder): Promise<Prepared> {
    // A session is created in one step, which nothing can end: no limit.
    const limitMs = Number.POSITIVE_INFINITY;
    const [first, ...others] = this.slots as [Thread, ...Thread[]];
    const prepared = (await this.load({ spec, prepare }, first, limitMs)).loaded!;
    const settled = { ...spec, chosen: prepared.choices.map(({ engine }) => engine) };
    this.#specs.push(settled);
    await Promise.all(others.map((slot) => this.load({ spec: settled }, slot, limitMs)));
    return prepared;
  }
}
