/**
 * What is known of a pool's workers from outside: which batches run, and until when by their forecast. Lanes that share a pool share this.
 */

import type { WorkerPool } from "./worker-pool.js";

export interface RunningBatch {
  /** Monotonic clock, milliseconds. */
  readonly endsMs: number;
}

export class Executors {
  readonly pool: WorkerPool;
  readonly #running: RunningBatch[] = [];

  constructor(pool: WorkerPool) {
    this.pool = pool;
  }

  began(batch: RunningBatch): void {
    this.#running.push(batch);
  }

  ended(batch: RunningBatch): void {
    this.#running.splice(this.#running.indexOf(batch), 1);
  }

  /** @returns Until a worker is free, milliseconds. Of a run that is over its time, as much again is expected. */
  freeInMs(nowMs: number): number {
    if (this.pool.idle > 0 || this.#running.length === 0) return 0;
    let freeInMs = Number.POSITIVE_INFINITY;
    for (const { endsMs } of this.#running) freeInMs = Math.min(freeInMs, Math.abs(endsMs - nowMs));
    return freeInMs;
  }
}
