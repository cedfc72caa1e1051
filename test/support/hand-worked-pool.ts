/**
 * A pool whose workers are the test's hands: each batch waits until the test completes it, lets its worker die, or
 * gives it up as stuck.
 */

import type { Block } from "../../preprocessing/index.js";
import type { RunResult } from "../../server/inference/runner.js";
import { StuckRunError, type WorkerPool } from "../../server/inference/worker-pool.js";

export interface HandWorkedRun {
  readonly key: string;
  readonly blocks: readonly Block[];
  readonly rowCount: number;
  /** After which it counts as stuck. */
  readonly limitMs: number;
}

interface Waiting extends HandWorkedRun {
  readonly resolve: (result: RunResult) => void;
  readonly reject: (error: Error) => void;
}

export class HandWorkedPool implements WorkerPool {
  readonly workers: number;
  onIdle: () => void = () => {};
  /** Workers that are alive; a test may take one away and give it back. */
  alive: number;
  /** What the next worker is said to take. */
  comesMs = 0;
  /** Batches that came while no worker was idle: always a fault of who handed them out. */
  handedOutTooMuch = 0;
  /** The work of a worker; by default the first value of a row, doubled. */
  readonly #work: (run: HandWorkedRun) => RunResult;
  readonly #running: Waiting[] = [];

  constructor(workers: number, work: (run: HandWorkedRun) => RunResult = doubleRows) {
    this.workers = workers;
    this.alive = workers;
    this.#work = work;
  }

  comesInMs(): number {
    return this.alive > 0 ? 0 : this.comesMs;
  }

  get idle(): number {
    return Math.max(0, this.alive - this.#running.length);
  }

  /** Batches that were handed out and haven't ended, oldest first. */
  get running(): readonly HandWorkedRun[] {
    return this.#running;
  }

  async run(key: string, blocks: Block[], rowCount: number, limitMs = Number.POSITIVE_INFINITY): Promise<RunResult> {
    if (this.idle === 0) this.handedOutTooMuch++;
    return new Promise((resolve, reject) => {
      this.#running.push({ key, blocks, rowCount, limitMs, resolve, reject });
    });
  }

  /** Ends the batch at this place; resolves when all that waited have been notified. */
  async complete(index = 0): Promise<void> {
    const [run] = this.#running.splice(index, 1);
    run!.resolve(this.#work(run!));
    this.onIdle();
    await settled();
  }

  /** The worker of the batch at this place dies; another one takes its place at once. */
  async die(index = 0): Promise<void> {
    await this.#fail(index, () => new Error("worker exited with code 134"));
  }

  /** The batch at this place has passed its limit; another worker takes the place of its own at once. */
  async stick(index = 0): Promise<void> {
    await this.#fail(index, ({ limitMs }) => new StuckRunError(limitMs));
  }

  async #fail(index: number, errorOf: (run: HandWorkedRun) => Error): Promise<void> {
    const [run] = this.#running.splice(index, 1);
    run!.reject(errorOf(run!));
    this.onIdle();
    await settled();
  }
}

/** Lets what hangs on promises that are already settled run to its end. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

function doubleRows({ blocks, rowCount }: HandWorkedRun): RunResult {
  const [block] = blocks;
  const width = block!.length / rowCount;
  return {
    raw: [Float32Array.from({ length: rowCount }, (_, row) => 2 * block![row * width]!)],
    failedRows: [],
    failure: undefined,
  };
}
