/**
 * Places for workers: hands each free worker one task, and gives up a worker whose run lasts far too long. The same for
 * threads and processes.
 *
 * What always holds:
 * - A slot has at most one task, and a task that was handed out is settled once: by its worker, by the worker's death,
 *   or as stuck.
 * - The scheduler hands out only what fits ({@link WorkerSlots.idle}). Proofs hand out more: it waits here, first in,
 *   first out.
 * - A slot whose run is stuck is given up and never used again; a new one is opened in its place.
 */

import type { Block } from "../../preprocessing/index.js";
import type { Loaded, LoadOrder, NotLoaded, WorkerTask } from "./run-task.js";
import type { RunResult } from "./runner.js";
import { StuckRunError, type WorkerPool } from "./worker-pool.js";

/** One worker after the other, in one place: it replaces a worker that dies by itself. */
export interface WorkerSlot {
  /** Whether a task that is handed over now runs at once. */
  readonly alive: boolean;
  /** @throws Error when the worker dies. */
  run(task: WorkerTask): Promise<RunResult | NotLoaded | Loaded>;
  /** Gives up the worker, whatever it runs; resolves when it is gone, which may be never. */
  abandon(): Promise<void>;
  /** Ends the idle worker. */
  close(): Promise<void>;
}

/** A run that was given up. */
export interface StuckRun {
  readonly key: string;
  readonly rowCount: number;
  readonly ranMs: number;
}

export interface WorkerSlotsOptions<Slot extends WorkerSlot> {
  readonly workers: number;
  /** @param onAlive - To be called when the slot's worker came up. */
  readonly open: (onAlive: () => void) => Slot;
  readonly onStuck: (run: StuckRun) => void;
  /** Workers that are given up and haven't ended, up to which a new one takes the place of the next. */
  readonly stuckMax: number;
}

interface Run<Slot> {
  readonly task: WorkerTask;
  readonly limitMs: number;
  readonly resolve: (result: RunResult | Loaded) => void;
  readonly reject: (error: Error) => void;
  /** The only slot that may take it; undefined for any. */
  readonly only: Slot | undefined;
  /** When it was handed to a worker; before, when it came. */
  sinceMs: number;
}

/**
 * How often runs are looked through, milliseconds: how late a stuck one may be noticed. No run has a timer of its own.
 */
const lookEveryMs = 50;

/** How long a worker may take to release a version, once it comes to it, milliseconds. */
const unloadMs = 30_000;

export class NotLoadedError extends Error {}

export class WorkerSlots<Slot extends WorkerSlot> implements WorkerPool {
  readonly workers: number;
  onIdle: () => void = () => {};
  readonly #options: WorkerSlotsOptions<Slot>;
  readonly #slots: Slot[] = [];
  readonly #running = new Map<Slot, Run<Slot>>();
  #waiting: Run<Slot>[] = [];
  /** Given up or closed, and not gone yet. */
  readonly #stuck = new Set<Slot>();
  /** What the last start of a worker took, milliseconds. */
  #startMs = 0;
  /** Since when no worker is known to be there. */
  #noneSinceMs: number | undefined;
  #watch: NodeJS.Timeout | undefined;
  #drained: (() => void) | undefined;
  #closing = false;

  constructor(options: WorkerSlotsOptions<Slot>) {
    this.#options = options;
    this.workers = options.workers;
    for (let i = 0; i < options.workers; i++) this.#open();
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  /** Workers that wait for a task. */
  get idle(): number {
    let free = 0;
    for (const slot of this.#slots) if (slot.alive && !this.#running.has(slot)) free++;
    // What waits for one worker, such as an order to load, leaves the others free.
    for (const { only } of this.#waiting) if (only === undefined) free--;
    return Math.max(0, free);
  }

  /** Workers that are there: fewer than {@link workers} while one is replaced, none if they can't start. */
  get alive(): number {
    return this.#slots.filter(({ alive }) => alive).length;
  }

  /** A start that takes longer than the last one is expected to take as much again. */
  comesInMs(nowMs: number): number {
    if (this.#slots.some(({ alive }) => alive)) return 0;
    this.#noneSinceMs ??= nowMs;
    return Math.abs(this.#startMs - (nowMs - this.#noneSinceMs));
  }

  /** Workers that were given up and still run. */
  get stuck(): number {
    return this.#stuck.size;
  }

  run(key: string, blocks: Block[], rowCount: number, limitMs: number): Promise<RunResult> {
    return this.#enqueue({ key, blocks, rowCount }, limitMs);
  }

  /**
   * Loads a version in one worker.
   *
   * @throws {@link NotLoadedError} when it can't be loaded.
   */
  load(order: LoadOrder, slot: Slot, limitMs: number): Promise<Loaded> {
    return this.#enqueue({ key: order.spec.key, blocks: [], rowCount: 0, load: order }, limitMs, slot);
  }

  /** Releases a version's sessions in every worker, in each after the run that it has; from now on none loads it. */
  async unload(key: string): Promise<void> {
    const order: WorkerTask = { key, blocks: [], rowCount: 0, unload: true };
    // A worker that dies first has nothing to release, and the one that replaces it doesn't load the version.
    await Promise.allSettled(this.#slots.map((slot) => this.#enqueue(order, unloadMs, slot)));
  }

  /**
   * Runs the same rows once in every worker, in batches of a given size: for proofs, before the pool serves.
   *
   * @param makeBlocks - Called once per worker, since what it returns is moved.
   */
  async runInEach(
    key: string,
    makeBlocks: () => Block[],
    rowCount: number,
    batchRows: number,
    limitMs: number,
  ): Promise<RunResult[]> {
    const runs = this.#slots.map((slot) =>
      this.#enqueue<RunResult>({ key, blocks: makeBlocks(), rowCount, batchRows }, limitMs, slot),
    );
    // All to their end, also where one fails: who comes next finds the workers free.
    await Promise.allSettled(runs);
    return Promise.all(runs);
  }

  /** Hands a task to this slot, or to any; at once if it is free. */
  #enqueue<Result extends RunResult | Loaded>(task: WorkerTask, limitMs: number, only?: Slot): Promise<Result> {
    return new Promise<RunResult | Loaded>((resolve, reject) => {
      if (this.#closing) throw new Error("the pool is closed");
      const run = { task, limitMs, resolve, reject, only, sinceMs: performance.now() };
      const isNext = this.#waiting.every((other) => other.only !== undefined && other.only !== only);
      const slot = isNext ? this.#slotFor(run) : undefined;
      if (slot === undefined) this.#waiting.push(run);
      else this.#hand(run, slot);
      if (limitMs < Number.POSITIVE_INFINITY) this.#watch ??= setInterval(() => this.#look(), lookEveryMs).unref();
    }) as Promise<Result>;
  }

  #slotFor({ only }: Run<Slot>): Slot | undefined {
    if (only !== undefined) return only.alive && !this.#running.has(only) ? only : undefined;
    return this.#slots.find((slot) => slot.alive && !this.#running.has(slot));
  }

  #hand(run: Run<Slot>, slot: Slot): void {
    run.sinceMs = performance.now();
    this.#running.set(slot, run);
    slot.run(run.task).then(
      (result) => {
        if (!this.#release(slot, run)) return;
        if ("notLoaded" in result) run.reject(new NotLoadedError(result.notLoaded));
        else run.resolve(result);
        this.#next();
      },
      (error) => {
        if (!this.#release(slot, run)) return;
        run.reject(error);
        this.#next();
      },
    );
  }

  /** @returns Whether the run is still the slot's, and not given up. */
  #release(slot: Slot, run: Run<Slot>): boolean {
    if (this.#running.get(slot) !== run) return false;
    this.#running.delete(slot);
    return true;
  }

  /** A worker became free, or came up. */
  #next(): void {
    for (let i = 0; i < this.#waiting.length; ) {
      const slot = this.#slotFor(this.#waiting[i]!);
      if (slot === undefined) i++;
      else this.#hand(this.#waiting.splice(i, 1)[0]!, slot);
    }
    if (this.#running.size === 0) this.#drained?.();
    this.onIdle();
  }

  #open(): void {
    const openedMs = performance.now();
    let isFirst = true;
    const onAlive = () => {
      if (isFirst) this.#startMs = performance.now() - openedMs;
      isFirst = false;
      this.#noneSinceMs = undefined;
      // It may call back at once, before it is known here.
      queueMicrotask(() => this.#next());
    };
    this.#slots.push(this.#options.open(onAlive));
  }

  #look(): void {
    const nowMs = performance.now();
    for (const [slot, run] of this.#running)
      if (nowMs - run.sinceMs > run.limitMs) this.#giveUp(slot, run, nowMs - run.sinceMs);
    // Nobody is there to run them, and perhaps nobody comes.
    const late = this.#waiting.filter(
      (run) => nowMs - run.sinceMs > run.limitMs && (run.only ? !run.only.alive : this.alive === 0),
    );
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter((run) => !late.includes(run));
    for (const { reject, limitMs } of late) reject(new Error(`no worker was there for ${Math.round(limitMs)} ms`));
  }

  #giveUp(slot: Slot, run: Run<Slot>, ranMs: number): void {
    this.#running.delete(slot);
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    void this.#untilGone(slot, slot.abandon());
    const error = new StuckRunError(run.limitMs);
    run.reject(error);
    // Only in a proof does anything wait here. The same version's other rows would take as long, one after the other.
    const hopeless = (waiting: Run<Slot>) => waiting.only === slot || waiting.task.key === run.task.key;
    for (const waiting of this.#waiting) if (hopeless(waiting)) waiting.reject(error);
    this.#waiting = this.#waiting.filter((waiting) => !hopeless(waiting));
    this.#options.onStuck({ key: run.task.key, rowCount: run.task.rowCount, ranMs });
    if (!this.#closing && this.#stuck.size <= this.#options.stuckMax) this.#open();
    this.#next();
  }

  async #untilGone(slot: Slot, gone: Promise<void>): Promise<void> {
    this.#stuck.add(slot);
    await gone.catch(() => {});
    this.#stuck.delete(slot);
  }

  /**
   * Waits for the runs under way, then ends the workers; the owner hands out no more.
   *
   * @param limitMs - How long to wait before what still runs is given up.
   * @returns How many runs were given up.
   */
  async close(limitMs: number): Promise<number> {
    const endMs = performance.now() + limitMs;
    this.#closing = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("the pool is closed"));
    if (this.#running.size > 0) {
      await within(limitMs, new Promise<void>((resolve) => (this.#drained = resolve)));
    }
    clearInterval(this.#watch);
    const busy = [...this.#running];
    for (const [slot, run] of busy) {
      this.#running.delete(slot);
      this.#slots.splice(this.#slots.indexOf(slot), 1);
      void this.#untilGone(slot, slot.abandon());
      run.reject(new Error("the pool is closed"));
    }
    const ends = this.#slots.splice(0).map((slot) => this.#untilGone(slot, slot.close()));
    await within(Math.max(closeMs, endMs - performance.now()), Promise.all(ends));
    return busy.length;
  }
}

/** How long idle workers may take to end, milliseconds: threads and processes need a few. */
const closeMs = 500;

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
