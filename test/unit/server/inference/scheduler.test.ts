/**
 * Goal: work goes at once to whoever is free, in a fair order, and every call that wants an answer gets exactly one.
 */

import { describe, expect, test } from "vitest";
import { createRig, expectedRaw } from "../../../support/scheduler-rig.js";

const caught = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
};

describe("on the event loop", () => {
  test("calls that came in one turn run together at its end", () => {
    const { turns, engine, submit } = createRig({ execution: "inline", workers: 0 });
    const calls = [submit(1), submit(2), submit(3)];
    expect(engine.runs).toHaveLength(0);
    turns.turn();
    expect(engine.runs.map(({ rowCount }) => rowCount)).toEqual([6]);
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("a turn is held for its budget and no longer; the rest runs in the next ones", () => {
    const runUs = (rows: number) => 20 + 20 * rows;
    const { clock, turns, submit, order } = createRig({ execution: "inline", workers: 0, runUs });
    const calls = Array.from({ length: 100 }, () => submit(1));
    let turnCount = 0;
    while (turns.waiting > 0) {
      const beforeMs = clock.nowMs;
      turns.turn();
      turnCount++;
      expect(clock.nowMs - beforeMs).toBeLessThan(0.5 + runUs(1) / 1000);
    }
    expect(turnCount).toBeGreaterThan(3);
    expect(order).toEqual(calls);
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("a model whose single row outlasts a turn gets one row a turn, since nobody else could run it", () => {
    const { turns, engine, submit } = createRig({ execution: "inline", workers: 0, runUs: (rows) => 2000 * rows });
    const calls = [submit(1), submit(1), submit(3)];
    turns.turn();
    expect(engine.runs).toHaveLength(1);
    turns.untilQuiet();
    expect(engine.runs.every(({ rowCount }) => rowCount === 1)).toBe(true);
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("a large call runs in slices and is told once, with all its rows", () => {
    const { turns, submit, batches } = createRig({ execution: "inline", workers: 0 });
    const large = submit(1000);
    turns.untilQuiet();
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(1000);
    expect(large.ran).toBe(1);
    expect(large.raw).toEqual(expectedRaw(large));
  });

  test.each(["inline", "auto"] as const)(
    "a model that could take thousands of rows in a turn gets 256 at once (%s)",
    (execution) => {
      const runUs = (rows: number) => 5 + 0.01 * rows;
      const { turns, submit, engine } = createRig({ execution, workers: execution === "inline" ? 0 : 1, runUs });
      const calls = [submit(200), submit(256), submit(100), ...(execution === "inline" ? [submit(1000)] : [])];
      turns.untilQuiet();
      expect(engine.runs.every(({ rowCount }) => rowCount <= 256)).toBe(true);
      for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
    },
  );

  test("a small call goes ahead of a large one that came before it", () => {
    const { turns, submit, order } = createRig({ execution: "inline", workers: 0 });
    const [large, small] = [submit(1000), submit(1)];
    turns.turn();
    expect(order).toEqual([small]);
    turns.untilQuiet();
    expect(order).toEqual([small, large]);
  });

  test("a small call that comes between the slices of a large one runs in its own turn", () => {
    const { turns, submit, order } = createRig({ execution: "inline", workers: 0 });
    const large = submit(2000);
    turns.turn();
    expect(order).toEqual([]);
    const small = submit(1);
    turns.turn();
    expect(order).toEqual([small]);
    turns.untilQuiet();
    expect(order).toEqual([small, large]);
  });

  test("lanes take turns: a busy one doesn't starve another", () => {
    const { turns, submit, order } = createRig({
      execution: "inline",
      workers: 0,
      lanes: 2,
      runUs: (rows) => 100 * rows,
    });
    for (let i = 0; i < 100; i++) submit(1, { lane: 0 });
    const other = submit(1, { lane: 1 });
    turns.turn();
    turns.turn();
    expect(order).toContain(other);
    expect(order.length).toBeLessThan(20);
  });

  test("no pool means that everything runs here, whatever was asked for", () => {
    const { turns, submit, batches } = createRig({ execution: "pool", workers: 0 });
    const call = submit(1);
    turns.untilQuiet();
    expect(call.raw).toEqual(expectedRaw(call));
    expect(batches.map(({ executor }) => executor)).toEqual(["inline"]);
  });
});

describe("in the pool", () => {
  test("an idle worker gets what came in this turn, in one batch", async () => {
    const { turns, pool, submit, batches } = createRig({ execution: "pool" });
    const calls = [submit(1), submit(2)];
    turns.turn();
    expect(pool.running.map(({ key, rowCount }) => [key, rowCount])).toEqual([["tiny/1", 3]]);
    await pool.complete();
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
    expect(batches).toMatchObject([{ executor: "pool", rowCount: 3 }]);
  });

  test("calls that come while all workers are busy gather, and go together when one is free", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    submit(1);
    turns.untilQuiet();
    const calls = [submit(1), submit(1), submit(1)];
    turns.untilQuiet();
    expect(pool.running).toHaveLength(1);
    await pool.complete();
    turns.untilQuiet();
    expect(pool.running.map(({ rowCount }) => rowCount)).toEqual([3]);
    await pool.complete();
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("no worker idles while slices of a large call wait", () => {
    const { turns, pool, submit } = createRig({ execution: "pool", workers: 3 });
    submit(1000);
    turns.turn();
    expect(pool.running).toHaveLength(3);
    expect(pool.handedOutTooMuch).toBe(0);
  });

  test("small and large calls take turns when there is one worker", async () => {
    const { turns, pool, submit, order } = createRig({ execution: "pool" });
    const large = submit(1000);
    turns.turn();
    const small = submit(1);
    turns.turn();
    await pool.complete();
    turns.turn();
    await pool.complete();
    expect(order).toEqual([small]);
    while (!large.call.finished) {
      turns.untilQuiet();
      await pool.complete();
    }
    expect(large.ran).toBe(1);
    expect(large.raw).toEqual(expectedRaw(large));
  });

  test("a stream of small calls doesn't starve a large one", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const large = submit(1000);
    let rounds = 0;
    while (!large.call.finished && rounds++ < 20) {
      submit(1);
      turns.untilQuiet();
      await pool.complete();
    }
    expect(large.raw).toEqual(expectedRaw(large));
  });

  test("slices that end in another order make the same answer", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool", workers: 3 });
    const large = submit(700);
    turns.turn();
    await pool.complete(2);
    await pool.complete(0);
    expect(large.ran).toBe(0);
    await pool.complete(0);
    expect(large.ran).toBe(1);
    expect(large.raw).toEqual(expectedRaw(large));
  });

  test("a version that has no session on the event loop runs only there", async () => {
    const { turns, pool, submit, engine } = createRig({ execution: "auto", poolOnly: true });
    const call = submit(1);
    turns.untilQuiet();
    expect(pool.running).toHaveLength(1);
    await pool.complete();
    expect(call.raw).toEqual(expectedRaw(call));
    expect(engine.runs).toHaveLength(0);
  });

  test("a worker that is missing gets nothing until it is back", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    pool.alive = 0;
    const call = submit(1);
    turns.untilQuiet();
    expect(pool.running).toHaveLength(0);
    pool.alive = 1;
    pool.onIdle();
    turns.untilQuiet();
    await pool.complete();
    expect(call.raw).toEqual(expectedRaw(call));
  });
});

describe("decided per batch", () => {
  test("few rows run on the event loop, a large call in the pool, at once", async () => {
    const { turns, pool, submit, order, batches } = createRig({ execution: "auto" });
    const [large, small] = [submit(256), submit(1)];
    turns.turn();
    expect(pool.running.map(({ rowCount }) => rowCount)).toEqual([256]);
    expect(order).toEqual([small]);
    await pool.complete();
    expect(order).toEqual([small, large]);
    expect(batches.map(({ executor }) => executor)).toEqual(["inline", "pool"]);
  });

  test("what a turn can't take goes to an idle worker while the event loop runs the rest", async () => {
    const { turns, pool, submit } = createRig({ execution: "auto", runUs: (rows) => 20 * rows });
    const calls = Array.from({ length: 400 }, () => submit(1));
    turns.turn();
    expect(pool.running).toHaveLength(1);
    expect(calls.some(({ ran }) => ran === 1)).toBe(true);
    turns.untilQuiet();
    await pool.complete();
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("while a model too slow for the event loop waits for a worker, the event loop rests", async () => {
    const { turns, pool, submit } = createRig({ execution: "auto", runUs: (rows) => 2000 * rows });
    submit(1);
    turns.untilQuiet();
    const second = submit(1);
    turns.untilQuiet(3);
    expect(second.ran).toBe(0);
    await pool.complete();
    turns.untilQuiet(3);
    await pool.complete();
    expect(second.raw).toEqual(expectedRaw(second));
  });
});

describe("a call that can't be in time", () => {
  // 1 ms a row, so that the arithmetic can be done in the head.
  const runUs = (rows: number) => 1000 * rows;

  test("is refused when it comes, before any work", () => {
    const { clock, turns, submit, engine } = createRig({ execution: "inline", workers: 0, runUs });
    const error = caught(() => submit(10, { targetMs: clock.nowMs + 9, deadlineMs: clock.nowMs + 9 }));
    expect(error).toMatchObject({
      code: "overloaded",
      message: expect.stringContaining("no row waits before this call"),
    });
    turns.untilQuiet();
    expect(engine.runs).toHaveLength(0);
  });

  test("runs late where nothing waits, if its caller waits longer: it would be refused for ever", () => {
    const { clock, turns, submit } = createRig({ execution: "inline", workers: 0, runUs });
    const call = submit(10, { targetMs: clock.nowMs + 9, deadlineMs: clock.nowMs + 45 });
    turns.untilQuiet();
    expect(call.raw).toEqual(expectedRaw(call));
    submit(10);
    expect(caught(() => submit(10, { targetMs: clock.nowMs + 9, deadlineMs: clock.nowMs + 45 }))).toMatchObject({
      code: "overloaded",
    });
  });

  test("is taken when the time just suffices", () => {
    const { clock, turns, submit } = createRig({ execution: "inline", workers: 0, runUs });
    const call = submit(10, { targetMs: clock.nowMs + 10.001 });
    turns.untilQuiet();
    expect(call.raw).toEqual(expectedRaw(call));
  });

  test("is refused for the rows that wait before it", () => {
    const { clock, submit } = createRig({ execution: "inline", workers: 0, runUs });
    for (let i = 0; i < 8; i++) submit(1);
    // A quarter of the time is kept: 8 ms are waited for, 1 ms is its own.
    submit(1, { targetMs: clock.nowMs + 8 / 0.75 + 1.001 });
    expect(caught(() => submit(1, { targetMs: clock.nowMs + 8 / 0.75 + 1.001 }))).toMatchObject({
      code: "overloaded",
      message: expect.stringContaining("9 rows wait before this call"),
    });
  });

  test("is taken after some refusals if only an estimate stood against it, which a run then corrects", async () => {
    const { clock, turns, pool, submit, lanes } = createRig({ execution: "auto", workers: 1 });
    const [lane] = lanes;
    // A machine that stood still for a moment while a batch ran.
    for (let i = 0; i < 30; i++) lane!.poolCost.observe(256, 1_000_000);
    const attempt = () => submit(256, { targetMs: clock.nowMs + 100, deadlineMs: clock.nowMs + 100 });
    let refused = 0;
    for (let taken = false; !taken; ) {
      try {
        attempt();
        taken = true;
      } catch (error) {
        expect(error).toMatchObject({ code: "overloaded" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(3);
    expect(refused).toBeLessThan(100);
    turns.turn();
    while (pool.running.length > 0) {
      clock.advance(1);
      await pool.complete();
      turns.untilQuiet();
    }
    expect(lane!.poolCost.of(256)).toBeLessThan(100_000);
    attempt();
  });

  test("has the more time, the more workers there are", () => {
    const { clock, submit } = createRig({ execution: "pool", workers: 4, runUs, sloMs: 40 });
    // Slices of two rows: four workers drain four rows a millisecond.
    submit(16);
    const ownMs = 2 / 4 + 2;
    submit(4, { targetMs: clock.nowMs + 4 / 0.75 + ownMs + 0.001 });
    expect(caught(() => submit(4, { targetMs: clock.nowMs + 4 / 0.75 + ownMs + 0.001 }))).toMatchObject({
      code: "overloaded",
    });
  });

  test("doesn't count large calls before it when it is small and runs on the event loop", () => {
    const { clock, submit } = createRig({ execution: "auto", runUs: (rows) => 10 * rows });
    submit(5000);
    submit(1, { targetMs: clock.nowMs + 1 });
    expect(caught(() => submit(5000, { targetMs: clock.nowMs + 60 }))).toMatchObject({ code: "overloaded" });
  });
});

test("a version without a lane isn't ready", () => {
  const { submit, versions } = createRig();
  versions.push(createRig().versions[0]!);
  expect(caught(() => submit(1, { lane: 1 }))).toMatchObject({ code: "not_ready" });
});

test("a call's record says where, with how many rows and when it ran", async () => {
  const { clock, turns, pool, submit, batches } = createRig({ execution: "auto" });
  const [small, large] = [submit(3), submit(256)];
  turns.turn();
  expect(small.call).toMatchObject({ executor: "inline", batchRows: 3 });
  expect(small.call.runEndedMs - small.call.runStartedMs).toBeCloseTo((20 + 4 * 3) / 1000, 9);
  clock.advance(5);
  await pool.complete();
  expect(large.call).toMatchObject({ executor: "pool", batchRows: 256 });
  expect(large.call.runEndedMs - large.call.runStartedMs).toBeGreaterThanOrEqual(5);
  expect(batches).toMatchObject([
    { version: 1, executor: "inline", rowCount: 3 },
    { version: 1, executor: "pool", rowCount: 256 },
  ]);
  expect(batches[0]!.durationUs).toBeCloseTo(32, 6);
});

describe("rows that wait in an intake", () => {
  test("stay those of their calls, though others come before they run", () => {
    const { turns, submit } = createRig({
      execution: "inline",
      workers: 0,
      intakeRows: 6,
      runUs: (rows) => 400 * rows,
    });
    const calls = [submit(1), submit(1), submit(1), submit(1)];
    turns.turn();
    calls.push(submit(1), submit(1), submit(1));
    turns.turn();
    calls.push(submit(1), submit(1), submit(1));
    turns.untilQuiet();
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("are there again once nobody waits", () => {
    const { turns, submit } = createRig({ execution: "inline", workers: 0, intakeRows: 4 });
    for (let round = 0; round < 3; round++) {
      const calls = [submit(1), submit(3)];
      expect(calls.map(({ call }) => call.blockRow)).toEqual([0, 1]);
      turns.untilQuiet();
      for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
    }
  });

  test("are given to a worker once more when the first one died, whatever has come since", async () => {
    const { turns, pool, submit } = createRig({
      execution: "auto",
      workers: 1,
      intakeRows: 10,
      runUs: (rows) => 100 * rows,
    });
    const calls = Array.from({ length: 10 }, () => submit(1));
    turns.turn();
    expect(pool.running).toHaveLength(1);
    expect(calls.filter(({ ran }) => ran === 1).length).toBeGreaterThan(0);
    await pool.die();
    calls.push(...Array.from({ length: 10 }, () => submit(1)));
    for (let round = 0; round < 4; round++) {
      turns.untilQuiet();
      if (pool.running.length > 0) await pool.complete();
    }
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("leave with a call that is too large for the event loop", () => {
    const { turns, submit, lanes, versions } = createRig({
      execution: "inline",
      workers: 0,
      intakeRows: 300,
      runUs: (rows) => 4 * rows,
    });
    const large = submit(200);
    expect(versions[0]!.intake!.holds(large.call)).toBe(false);
    const small = submit(1);
    turns.untilQuiet();
    for (const each of [large, small]) expect(each.raw).toEqual(expectedRaw(each));
    expect(lanes[0]!.idle).toBe(true);
  });
});
