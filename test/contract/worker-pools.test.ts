/** Goal: what the scheduler and a stop may count on, of threads as of processes. */

import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pool } from "../../server/inference/pool.js";
import { ProcessPool } from "../../server/inference/process-pool.js";
import { StuckRunError } from "../../server/inference/worker-pool.js";
import type { StuckRun } from "../../server/inference/worker-slots.js";
import { orders } from "../support/blocking-work.mjs";
import { makeSpec } from "../support/versions.js";

const fixture = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url));
const quickly = { interval: 5, timeout: 20_000 };
/** For runs that aren't meant to be stuck. */
const longMs = 20_000;

const key = "tiny/1";
const specs = [makeSpec(), { ...makeSpec(), key: "unloadable" }];
let stuckRuns: StuckRun[];
let troubles: string[];
let pool: Pool | ProcessPool;

const members = {
  threads: () => new Pool({ workers: 2, specs, filename: fixture("blocking-worker.mjs"), ...listeners() }),
  processes: () => new ProcessPool({ workers: 2, specs, filename: fixture("blocking-process.mjs"), ...listeners() }),
};

function listeners() {
  return {
    onTrouble: (message: string) => void troubles.push(message),
    onStuck: (run: StuckRun) => void stuckRuns.push(run),
  };
}

/** The worker's number, then the rows. */
async function run(rows: number[], limitMs = longMs): Promise<number[]> {
  const { raw } = await pool.run(key, [Float32Array.from(rows)], rows.length, limitMs);
  return Array.from(raw[0]!);
}

const ended = (promise: Promise<unknown>) =>
  promise.then(
    () => "answered",
    (error: Error) => error,
  );

const expectWhole = () => expect.poll(() => [pool.alive, pool.idle], quickly).toEqual([2, 2]);

describe.each(Object.keys(members) as (keyof typeof members)[])("a pool of %s", (member) => {
  beforeEach(async () => {
    stuckRuns = [];
    troubles = [];
    pool = members[member]();
    await pool.started;
  });

  afterEach(async () => {
    await pool.close(0);
  });

  test("has all its workers once it has started, and knows which versions they couldn't load", async () => {
    expect([pool.workers, pool.alive, pool.idle]).toEqual([2, 2, 2]);
    expect([...pool.notLoaded]).toEqual([["unloadable", "told not to load"]]);
    await expect(pool.run("unloadable", [new Float32Array(1)], 1, longMs)).rejects.toThrow("told not to load");
  });

  test("gives each batch to an idle worker, and says when one became idle", async () => {
    let idleCalls = 0;
    pool.onIdle = () => idleCalls++;
    const first = run([orders.blockBriefly]);
    expect(pool.idle).toBe(1);
    const second = run([orders.blockBriefly]);
    expect(pool.idle).toBe(0);
    const [[one], [two]] = (await Promise.all([first, second])) as [number[], number[]];
    expect(one).not.toBe(two);
    expect(pool.idle).toBe(2);
    expect(idleCalls).toBeGreaterThanOrEqual(2);
  });

  test("keeps what is handed out beyond its workers, and runs all of it", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => run([i])));
    expect(answers.map(([, row]) => row)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(pool.idle).toBe(2);
  });

  test("runs rows once in each worker", async () => {
    const results = await pool.runInEach(key, () => [Float32Array.of(7)], 1, 1, longMs);
    expect(new Set(results.map(({ raw }) => raw[0]![0])).size).toBe(2);
  });

  test("unloads a version in each worker after the run that it has, and leaves the others free meanwhile", async () => {
    const order: string[] = [];
    const ends = [
      run([orders.blockBriefly]).then(() => order.push("the long run")),
      pool.unload("another/1").then(() => order.push("unloaded")),
      run([5]).then(() => order.push("a short run")),
    ];
    await Promise.all(ends);
    expect(order).toEqual(["a short run", "the long run", "unloaded"]);
    expect(pool.idle).toBe(2);
  });

  test("unloads also what it couldn't load, and where a worker dies of what it runs", async () => {
    const dead = ended(run([orders.die]));
    await Promise.all([pool.unload("unloadable"), pool.unload(key)]);
    expect(await dead).toBeInstanceOf(Error);
    expect([...pool.notLoaded]).toEqual([]);
    await expectWhole();
  });

  test("rejects the batch of a worker that dies, and no other, and replaces it", async () => {
    const other = run([orders.blockBriefly]);
    const error = await ended(run([orders.die]));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(StuckRunError);
    expect(await ended(other)).toBe("answered");
    await expectWhole();
    expect((await run([5]))[1]).toBe(5);
    expect(stuckRuns).toEqual([]);
  });

  test("gives up a run that takes too long, with its worker, and no other", async () => {
    const other = run([orders.blockBriefly]);
    const started = performance.now();
    expect(await ended(run([orders.block, 1, 2], 100))).toBeInstanceOf(StuckRunError);
    expect(performance.now() - started).toBeLessThan(2900);
    expect(stuckRuns).toMatchObject([{ key, rowCount: 3 }]);
    expect(stuckRuns[0]!.ranMs).toBeGreaterThan(100);
    expect(await ended(other)).toBe("answered");
    await expectWhole();
    expect((await run([5]))[1]).toBe(5);
  });

  test("in a proof, gives up what waits of the same version too", async () => {
    const runs = [orders.block, orders.block, 1, 2].map((row) => ended(run([row], 100)));
    expect((await Promise.all(runs)).every((end) => end instanceof StuckRunError)).toBe(true);
    await expectWhole();
  });

  test("closes once its runs have ended", async () => {
    const runs = [run([orders.blockBriefly]), run([orders.blockBriefly])];
    expect(await pool.close(longMs)).toBe(0);
    expect(await Promise.all(runs.map(ended))).toEqual(["answered", "answered"]);
    expect(pool.alive).toBe(0);
    await expect(run([1])).rejects.toThrow("closed");
  });

  test("closes in time though a run doesn't end, and says how many it gave up", async () => {
    const cut = ended(run([orders.block]));
    const startedMs = performance.now();
    expect(await pool.close(100)).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(2900);
    expect(await cut).toBeInstanceOf(Error);
  });
});

test("a thread that is written off is counted until its run ends", async () => {
  [stuckRuns, troubles] = [[], []];
  const threads = members.threads();
  pool = threads;
  await threads.started;
  await ended(run([orders.block], 100));
  expect(threads.stuck).toBe(1);
  await expect.poll(() => threads.stuck, quickly).toBe(0);
  expect(troubles).toEqual([]);
  await threads.close(0);
});

describe("a process that can't load a version", () => {
  test.each([
    ["deadly", "the process that loaded it died: the process ended with exit code 5"],
    ["endless", "loading and warming it took longer than 300 ms"],
  ])("since that is %s leaves it out, and has the others", async (bad, reason) => {
    [stuckRuns, troubles] = [[], []];
    const specs = [{ ...makeSpec(), key: bad }, makeSpec()];
    pool = new ProcessPool({
      workers: 1,
      specs,
      filename: fixture("blocking-process.mjs"),
      loadMs: 300,
      ...listeners(),
    });
    await pool.started;
    expect([...pool.notLoaded]).toEqual([[bad, reason]]);
    expect((await run([5]))[1]).toBe(5);
    await pool.close(0);
  });
});

test("processes that can't start make the start fail, with their reason", async () => {
  [stuckRuns, troubles] = [[], []];
  const failing = new ProcessPool({ workers: 1, specs, filename: fixture("none.mjs"), ...listeners() });
  await expect(failing.started).rejects.toThrow(/^a process of the pool can't start: /);
  expect(failing.down).toBe(true);
  await failing.close(0);
});
