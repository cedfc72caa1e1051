/**
 * What is known of a pool's workers from outside: which batches run, and until when by their forecast. Lanes that share
 * a pool share this.
 */

import type { WorkerPool } from "./worker-pool.js";

export interface RunningBatch {
  /** Monotonic clock, milliseconds. */
  readonly endsMs: number;
}

/** Queues whose calls came within this time share the workers, milliseconds. */
const sharedMs = 1000;

interface Seen {
  readonly queue: object | undefined;
  atMs: number;
}

export class Executors {
  readonly pool: WorkerPool;
  readonly #running: RunningBatch[] = [];
  /** The queue whose call came last, and the last other one. */
  #last: Seen = { queue: undefined, atMs: Number.NEGATIVE_INFINITY };
  #other = this.#last;

  constructor(pool: WorkerPool) {
    this.pool = pool;
  }

  /** A call came for these workers. */
  seen(queue: object, nowMs: number): void {
    if (this.#last.queue === queue) this.#last.atMs = nowMs;
    else {
      this.#other = this.#last;
      this.#last = { queue, atMs: nowMs };
    }
  }

  /** Whether other queues than this one have had calls lately. */
  isShared(queue: object, nowMs: number): boolean {
    const { atMs } = this.#last.queue === queue ? this.#other : this.#last;
    return nowMs - atMs < sharedMs;
  }

  began(batch: RunningBatch): void {
    this.#running.push(batch);
  }

  ended(batch: RunningBatch): void {
    this.#running.splice(this.#running.indexOf(batch), 1);
  }

  /** @returns Until a worker is free, milliseconds. Of a run that is over its time, as much again is expected. */
  freeInMs(nowMs: number): number {
    if (this.pool.idle > 0) return 0;
    if (this.#running.length === 0) return this.pool.comesInMs(nowMs);
    let freeInMs = Number.POSITIVE_INFINITY;
    for (const { endsMs } of this.#running) freeInMs = Math.min(freeInMs, Math.abs(endsMs - nowMs));
    return freeInMs;
  }
}
