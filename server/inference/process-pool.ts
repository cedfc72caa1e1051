/**
 * The pool of processes: for versions whose runs may take any time and any memory (graph-time.ts).
 *
 * A thread inside the runtime can't be ended, and the process can't end beside it: `process.exit` waits for the thread
 * for ever (measured on Node 20). A process can be killed at any moment. So each of these workers is a child process,
 * which is killed and replaced when its run is stuck.
 */

import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import type { Loaded, NotLoaded, WorkerTask } from "./run-task.js";
import type { RunnerSpec, RunResult } from "./runner.js";
import { NotLoadedError, type StuckRun, type WorkerSlot, WorkerSlots } from "./worker-slots.js";

/** What a child gets: a version to load, or a task. */
export type ToProcess = { readonly load: RunnerSpec } | { readonly task: WorkerTask };
/**
 * What it answers to each; undefined says that it has loaded the version. Before, it says once that it is up, in the
 * same form.
 */
export type FromProcess = { readonly result: RunResult | NotLoaded | undefined } | { readonly failed: string };

export interface ProcessPoolOptions {
  readonly workers: number;
  readonly specs: readonly RunnerSpec[];
  /** Another program, for tests of children that die. */
  readonly filename?: string;
  /** How long a child may take to load and warm a version, milliseconds. */
  readonly loadMs?: number;
  /** Called for a child that died while it was idle, or couldn't start. */
  readonly onTrouble: (message: string) => void;
  readonly onStuck: (run: StuckRun) => void;
}

/** How long a child may take until it says that it is up, milliseconds. */
const upMs = 30_000;
/** Far more than a model of gigabytes takes, and than a machine that is short of processors makes of it. */
const loadMsDefault = 30_000;
/** A child that can't start is tried again after so long, and after twice as long each time. */
const backoffMs = { first: 100, max: 10_000 } as const;
/** A pool whose children failed so often in a row doesn't count as starting any more. */
const failuresMax = 3;

/**
 * What the children share: versions that can't be loaded are left out, and of those that could, a failure isn't the
 * version's.
 */
interface Loading {
  readonly specs: RunnerSpec[];
  readonly loadMs: number;
  readonly notLoaded: Map<string, string>;
  readonly loadedOnce: Set<string>;
}

class ChildSlot implements WorkerSlot {
  /** Resolves when the first child is warm; rejected when children failed again and again. */
  readonly warm: Promise<void>;
  /** Children in a row that couldn't start. */
  failures = 0;
  readonly #options: ProcessPoolOptions;
  readonly #loading: Loading;
  readonly #onAlive: () => void;
  #child: ChildProcess | undefined;
  #isReady = false;
  #closed = false;
  /** Which child has which version. */
  readonly #loaded = new Map<string, ChildProcess>();
  #backoff: NodeJS.Timeout | undefined;
  /** Who waits for the child's next answer. */
  #waiting: { resolve: (message: FromProcess) => void; reject: (error: Error) => void } | undefined;
  #settleWarm!: { resolve: () => void; reject: (error: Error) => void };

  constructor(options: ProcessPoolOptions, loading: Loading, onAlive: () => void) {
    this.#options = options;
    this.#loading = loading;
    this.#onAlive = onAlive;
    this.warm = new Promise((resolve, reject) => {
      this.#settleWarm = { resolve, reject };
    });
    this.warm.catch(() => {});
    this.#start();
  }

  get alive(): boolean {
    return this.#isReady;
  }

  async run(task: WorkerTask): Promise<RunResult | NotLoaded | Loaded> {
    if (task.load !== undefined) return await this.#loadLater(task.load.spec);
    if (task.unload) this.#loaded.delete(task.key);
    const message = await this.#ask({ task });
    if ("failed" in message) throw new Error(message.failed);
    return message.result!;
  }

  #start(): void {
    const child = fork(
      this.#options.filename ?? createRequire(import.meta.url).resolve("#process-worker"),
      [String(process.pid)],
      {
        serialization: "advanced",
        // Nothing of the parent's: its flags are about the server.
        execArgv: ["--max-semi-space-size=1"],
        // What the runtime prints would repeat values of rows.
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      },
    );
    this.#child = child;
    child.on("message", (message: FromProcess) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.resolve(message);
    });
    child.once("error", (error) => this.#ended(child, error.message));
    child.once("exit", (code, signal) => this.#ended(child, `the process ended with ${signal ?? `exit code ${code}`}`));
    this.#load(child).then(
      () => {
        if (this.#child !== child) return;
        this.failures = 0;
        this.#isReady = true;
        this.#settleWarm.resolve();
        this.#onAlive();
      },
      // Its end comes by itself, or was brought about.
      () => {},
    );
  }

  /** Loads one version after the other, so that one that fails is known. */
  async #load(child: ChildProcess): Promise<void> {
    const { specs, notLoaded } = this.#loading;
    const lateTimer = setTimeout(() => child.kill("SIGKILL"), upMs);
    await new Promise<FromProcess>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    }).finally(() => clearTimeout(lateTimer));
    // Others may come and go while it loads.
    const isWanted = ({ key }: RunnerSpec) => !notLoaded.has(key) && this.#loaded.get(key) !== child;
    for (let spec = specs.find(isWanted); spec !== undefined; spec = specs.find(isWanted))
      await this.#loadOne(child, spec);
  }

  async #loadOne(child: ChildProcess, spec: RunnerSpec): Promise<void> {
    const { loadMs, notLoaded, loadedOnce } = this.#loading;
    let reason = `loading and warming it took longer than ${loadMs} ms`;
    const timer = setTimeout(() => child.kill("SIGKILL"), loadMs);
    try {
      const message = await this.#ask({ load: withOwnBytes(spec) });
      if ("failed" in message) throw new Error(message.failed);
      this.#loaded.set(spec.key, child);
      if (message.result === undefined) loadedOnce.add(spec.key);
      else notLoaded.set(spec.key, (message.result as NotLoaded).notLoaded);
    } catch (error) {
      if (!child.killed) reason = `the process that loaded it died: ${(error as Error).message}`;
      if (!this.#closed && !loadedOnce.has(spec.key)) notLoaded.set(spec.key, reason);
      child.kill("SIGKILL");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** In a child that is ready; one that came up meanwhile has loaded it with all others. */
  async #loadLater(spec: RunnerSpec): Promise<NotLoaded | Loaded> {
    const { notLoaded } = this.#loading;
    const child = this.#child!;
    if (!notLoaded.has(spec.key) && this.#loaded.get(spec.key) !== child) await this.#loadOne(child, spec);
    const reason = notLoaded.get(spec.key);
    return reason === undefined ? { loaded: undefined } : { notLoaded: reason };
  }

  #ask(message: ToProcess): Promise<FromProcess> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      // A child that is gone is noticed by its end.
      this.#child!.send(message, undefined, undefined, () => {});
    });
  }

  #ended(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    const wasReady = this.#isReady;
    const waiting = this.#waiting;
    this.#child = undefined;
    this.#isReady = false;
    this.#waiting = undefined;
    waiting?.reject(new Error(reason));
    if (this.#closed) return;
    if (wasReady) {
      if (waiting === undefined) this.#options.onTrouble(`an idle process of the pool died: ${reason}`);
      this.#start();
      return;
    }
    this.failures++;
    if (this.failures === failuresMax) {
      this.#options.onTrouble(`a process of the pool can't start: ${reason}`);
      this.#settleWarm.reject(new Error(`a process of the pool can't start: ${reason}`));
    }
    const delayMs = Math.min(backoffMs.max, backoffMs.first * 2 ** (this.failures - 1));
    this.#backoff = setTimeout(() => this.#start(), delayMs);
  }

  /** Kills the child: nothing is in it that has to be saved, and it needs nobody's help to end. */
  async abandon(): Promise<void> {
    this.#closed = true;
    this.#isReady = false;
    clearTimeout(this.#backoff);
    this.#settleWarm.reject(new Error("the pool is closed"));
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  }

  close(): Promise<void> {
    return this.abandon();
  }
}

/** Memory that threads share can't be sent to a process. */
function withOwnBytes(spec: RunnerSpec): RunnerSpec {
  return {
    ...spec,
    models: spec.models.map((model) => ({ ...model, bytes: model.bytes.slice() })),
  };
}

export class ProcessPool extends WorkerSlots<ChildSlot> {
  /** Why versions, by their keys, couldn't be loaded: `run` throws for them. */
  readonly notLoaded: ReadonlyMap<string, string>;
  /**
   * Resolves when each child has loaded and warmed every version, those in {@link notLoaded} excepted; rejected when
   * children can't start.
   */
  readonly started: Promise<void>;
  readonly #loading: Loading;

  /** Starts the children. */
  constructor(options: ProcessPoolOptions) {
    const { workers, specs, onStuck, loadMs = loadMsDefault } = options;
    const loading = { specs: [...specs], loadMs, notLoaded: new Map<string, string>(), loadedOnce: new Set<string>() };
    const open = (onAlive: () => void) => new ChildSlot(options, loading, onAlive);
    // What is killed doesn't stay.
    super({ workers, open, onStuck, stuckMax: Number.POSITIVE_INFINITY });
    this.#loading = loading;
    this.notLoaded = loading.notLoaded;
    this.started = Promise.all(this.slots.map(({ warm }) => warm)).then(() => {});
    this.started.catch(() => {});
  }

  /**
   * Loads one more version in each child.
   *
   * @throws {@link NotLoadedError} when it can't be loaded.
   */
  async loadVersion(spec: RunnerSpec): Promise<void> {
    this.#loading.specs.push(spec);
    const loads = this.slots.map((slot) => this.load({ spec }, slot, Number.POSITIVE_INFINITY));
    // Children that can't even start load nothing, ever.
    const cantStart = new Promise<never>((_, reject) => this.started.catch(reject));
    const ends = await Promise.race([Promise.allSettled(loads), cantStart]);
    const reason = this.notLoaded.get(spec.key);
    if (reason !== undefined) throw new NotLoadedError(reason);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  override async unload(key: string): Promise<void> {
    const { specs, notLoaded, loadedOnce } = this.#loading;
    const place = specs.findIndex((spec) => spec.key === key);
    if (place >= 0) specs.splice(place, 1);
    notLoaded.delete(key);
    loadedOnce.delete(key);
    await super.unload(key);
  }

  /** Whether no child is there and none is about to be. */
  get down(): boolean {
    return this.slots.every(({ alive, failures }) => !alive && failures >= failuresMax);
  }
}
