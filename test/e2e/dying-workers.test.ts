/**
 * Goal: a worker that dies costs at most the calls that it ran, twice; never the process, and never the other workers.
 */

import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pool } from "../../server/inference/pool.js";
import { runnerSpec } from "../../server/inference/runner.js";
import { Scheduler } from "../../server/inference/scheduler.js";
import type { Call } from "../../server/path/call.js";
import { makeQueuedCall } from "../support/calls.js";
import { makeVersion } from "../support/versions.js";

const filename = fileURLToPath(new URL("../support/dying-worker.mjs", import.meta.url));
const quickly = { interval: 5, timeout: 20_000 };
/** Values of a row, and what a worker does at the sight of them. */
const values = { dieRunning: -1, exitIdle: -2, throwIdle: -3 };
const places = { bootsLeft: 0, deathsLeft: 1, mayEnd: 2 };
const version = makeVersion();

let orders: Int32Array;
let troubles: string[];
let pool: Pool;
let scheduler: Scheduler;

beforeEach(async () => {
  orders = new Int32Array(new SharedArrayBuffer(12));
  orders[places.bootsLeft] = 1000;
  troubles = [];
  pool = await startPool(2);
  scheduler = new Scheduler({
    execution: "pool",
    pool,
    now: () => performance.now(),
    defer: setImmediate,
    onBatch: () => {},
    onTrouble: (_, message) => troubles.push(message),
  });
  scheduler.addLane(version, undefined);
});

afterEach(async () => {
  await pool.close(10_000);
});

function startPool(workers: number): Promise<Pool> {
  const spec = { ...runnerSpec(version), dying: { orders, ...places, ...values } };
  return Pool.start({ workers, specs: [spec], filename, onTrouble: (message) => troubles.push(message) });
}

/** Submits a call of these rows; resolves when it ran, or failed. */
function ran(...rows: number[]): Promise<Call> {
  return new Promise((resolve) => {
    const call = makeQueuedCall(version, [Float32Array.from(rows)], rows.length);
    call.onRun = resolve;
    scheduler.submit(call);
  });
}

const rawOf = (call: Call) => Array.from(call.raw[0]!.subarray(call.rawFirstRow, call.rawFirstRow + call.rowCount));

async function expectRecovered(): Promise<void> {
  await expect.poll(() => [pool.alive, pool.idle], quickly).toEqual([2, 2]);
  const calls = await Promise.all(Array.from({ length: 20 }, (_, i) => ran(i, i + 0.5)));
  expect(calls.map(rawOf)).toEqual(Array.from({ length: 20 }, (_, i) => [i, i + 0.5]));
}

describe("a worker that dies while it runs a batch", () => {
  test("has its batch run once more, by another, and is replaced", async () => {
    orders[places.deathsLeft] = 1;
    const call = await ran(7, values.dieRunning, 8);
    expect(call.error).toBeUndefined();
    expect(rawOf(call)).toEqual([7, values.dieRunning, 8]);
    expect(troubles).toEqual([expect.stringMatching(/^a worker died while it ran 3 rows: worker exited with code: 3/)]);
    await expectRecovered();
  });

  test("and whose batch kills the next one too fails that batch, and no other call", async () => {
    orders[places.deathsLeft] = 2;
    const poison = ran(values.dieRunning);
    // Handed out by then: no other call is in its batch.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const others = Array.from({ length: 50 }, (_, i) => ran(i));
    const failed = await poison;
    expect(failed.error).toMatchObject({ code: "model_failed", message: "the worker that ran this call died, twice" });
    expect((await Promise.all(others)).map((call) => [call.error, ...rawOf(call)])).toEqual(
      Array.from({ length: 50 }, (_, i) => [undefined, i]),
    );
    expect(orders[places.deathsLeft]).toBeLessThanOrEqual(0);
    await expectRecovered();
  });

  test("again and again leaves a pool that works", async () => {
    for (let round = 0; round < 5; round++) {
      orders[places.deathsLeft] = 2;
      expect((await ran(values.dieRunning)).error).toMatchObject({ code: "model_failed" });
    }
    expect(troubles).toHaveLength(10);
    await expectRecovered();
  });

  test("takes with it none of the large call's other slices", async () => {
    orders[places.deathsLeft] = 1;
    const rows = Array.from({ length: 2_000 }, (_, i) => (i === 1_000 ? values.dieRunning : i));
    const call = await ran(...rows);
    expect(call.error).toBeUndefined();
    expect(rawOf(call)).toEqual(rows);
    await expectRecovered();
  });
});

describe("a worker that dies while it is idle doesn't end the process", () => {
  test.each(["throwIdle", "exitIdle"] as const)("%s", async (way) => {
    const call = await ran(values[way]);
    expect(rawOf(call)).toEqual([values[way]]);
    Atomics.store(orders, places.mayEnd, 1);
    Atomics.notify(orders, places.mayEnd);
    // An exit isn't an error; what ends by one is told of.
    if (way === "throwIdle") await expect.poll(() => troubles, quickly).toEqual(["a pool worker died: told to throw"]);
    await expect.poll(() => orders[places.bootsLeft], quickly).toBe(1000 - 3);
    await expectRecovered();
  });
});

describe("workers that can't start", () => {
  test("make the start of the pool fail, with their reason", async () => {
    orders[places.bootsLeft] = 0;
    await expect(startPool(2)).rejects.toThrow("told not to boot");
    await expect(startPool(1)).rejects.toThrow("told not to boot");
  });

  test("in the place of one that died leave the others at work", async () => {
    orders[places.bootsLeft] = 0;
    orders[places.deathsLeft] = 1;
    const call = await ran(values.dieRunning, 5);
    expect(rawOf(call)).toEqual([values.dieRunning, 5]);
    await expect.poll(() => troubles.some((message) => message.includes("told not to boot")), quickly).toBe(true);
    await expect.poll(() => [pool.alive, pool.idle], quickly).toEqual([1, 1]);
    const calls = await Promise.all(Array.from({ length: 20 }, (_, i) => ran(i)));
    expect(calls.map(rawOf)).toEqual(Array.from({ length: 20 }, (_, i) => [i]));
  });

  test("in the place of all of them leave a pool that says that nobody is there", async () => {
    orders[places.bootsLeft] = 0;
    orders[places.deathsLeft] = 2;
    const calls = [ran(...Array(256).fill(values.dieRunning)), ran(...Array(256).fill(values.dieRunning))];
    await expect.poll(() => [pool.alive, pool.idle], quickly).toEqual([0, 0]);
    // Nothing is handed to nobody: the call waits for its deadline, which is the server's to keep.
    expect(await Promise.race([...calls, new Promise((resolve) => setImmediate(resolve, "waiting"))])).toBe("waiting");
  });
});
