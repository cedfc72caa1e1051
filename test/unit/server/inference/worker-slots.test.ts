/** Goal: it is known how long a worker takes to come where none is there, so that no call waits for it in vain. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type WorkerSlot, WorkerSlots } from "../../../../server/inference/worker-slots.js";

/** A worker that comes and goes when a test says so. */
class HandWorkedSlot implements WorkerSlot {
  alive = false;
  readonly #onAlive: () => void;

  constructor(onAlive: () => void) {
    this.#onAlive = onAlive;
  }

  come(): void {
    this.alive = true;
    this.#onAlive();
  }

  run = () => new Promise<never>(() => {});
  abandon = async () => {};
  close = async () => {};
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

function startedIn(...startMs: readonly number[]) {
  const open = (onAlive: () => void) => new HandWorkedSlot(onAlive);
  const pool = new WorkerSlots({ workers: startMs.length, open, onStuck: () => {}, stuckMax: 1 });
  for (const [i, ms] of startMs.entries()) {
    vi.advanceTimersByTime(ms);
    pool.slots[i]!.come();
  }
  return { pool, slots: pool.slots };
}

test("while one is there, none is waited for", () => {
  const { pool, slots } = startedIn(300, 100);
  slots[0]!.alive = false;
  expect(pool.comesInMs(500)).toBe(0);
});

test("the next one takes what the last one took, from when it was missed", () => {
  const { pool, slots } = startedIn(300);
  slots[0]!.alive = false;
  expect(pool.comesInMs(1_000)).toBe(300);
  expect(pool.comesInMs(1_250)).toBe(50);
  slots[0]!.come();
  slots[0]!.alive = false;
  expect(pool.comesInMs(9_000)).toBe(300);
});

test("one that takes longer is expected to take as much again", () => {
  const { pool, slots } = startedIn(300);
  slots[0]!.alive = false;
  pool.comesInMs(1_000);
  expect(pool.comesInMs(2_000)).toBe(700);
});
