/**
 * Goal: callers who leave, workers who die, runs that don't end and rows that fail cost the others nothing, and nobody
 * is told twice.
 */

import { describe, expect, test } from "vitest";
import { StuckRunError } from "../../../../server/inference/worker-pool.js";
import { createRig, expectedRaw, type SubmittedCall } from "../../../support/scheduler-rig.js";

const codeOf = ({ error }: SubmittedCall) => error?.code;

describe("calls that ended while they waited", () => {
  test("aren't run", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    submit(1);
    turns.untilQuiet();
    const [gone, stays] = [submit(5), submit(2)];
    turns.untilQuiet();
    gone.call.finished = true;
    await pool.complete();
    turns.untilQuiet();
    expect(pool.running.map(({ rowCount }) => rowCount)).toEqual([2]);
    await pool.complete();
    expect(gone.ran).toBe(0);
    expect(stays.raw).toEqual(expectedRaw(stays));
  });

  test("are run no further when they are large", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const large = submit(1000);
    turns.untilQuiet();
    large.call.finished = true;
    await pool.complete();
    turns.untilQuiet();
    expect(pool.running).toHaveLength(0);
    expect(large.ran).toBe(0);
  });

  test("are told nothing when their batch was running", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const [gone, stays] = [submit(1), submit(1)];
    turns.untilQuiet();
    gone.call.finished = true;
    await pool.complete();
    expect([gone.ran, stays.ran]).toEqual([0, 1]);
  });

  test("leave nothing behind: the next call runs alone", () => {
    const { turns, submit, batches, scheduler } = createRig({ execution: "inline", workers: 0 });
    for (let i = 0; i < 5; i++) submit(1).call.finished = true;
    turns.untilQuiet();
    expect(scheduler.queuedRows).toBe(0);
    submit(1);
    turns.untilQuiet();
    expect(batches.map(({ rowCount }) => rowCount)).toEqual([1]);
  });
});

describe("a worker that dies", () => {
  test("has its batch run once more, by another", async () => {
    const { turns, pool, submit, troubles } = createRig({ execution: "pool" });
    const calls = [submit(1), submit(2)];
    turns.untilQuiet();
    await pool.die();
    expect(calls.map(({ ran }) => ran)).toEqual([0, 0]);
    turns.untilQuiet();
    expect(pool.running.map(({ rowCount }) => rowCount)).toEqual([3]);
    await pool.complete();
    for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
    expect(troubles).toEqual(["tiny/1: a worker died while it ran 3 rows: worker exited with code 134"]);
  });

  test("twice with the same batch fails the calls of that batch, and no others", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const deadly = [submit(1), submit(2)];
    turns.untilQuiet();
    const later = submit(1);
    await pool.die();
    turns.untilQuiet();
    await pool.die();
    expect(deadly.map(codeOf)).toEqual(["model_failed", "model_failed"]);
    expect(deadly.map(({ ran }) => ran)).toEqual([1, 1]);
    turns.untilQuiet();
    await pool.complete();
    expect(later.raw).toEqual(expectedRaw(later));
  });

  test("twice tells only those who still wait", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const [gone, stays] = [submit(1), submit(1)];
    turns.untilQuiet();
    await pool.die();
    turns.untilQuiet();
    gone.call.finished = true;
    await pool.die();
    expect([gone.ran, stays.ran]).toEqual([0, 1]);
    expect(codeOf(stays)).toBe("model_failed");
  });

  test("has its batch run before what came later", async () => {
    const { turns, pool, submit, order } = createRig({ execution: "pool" });
    const first = submit(1);
    turns.untilQuiet();
    const second = submit(1);
    turns.untilQuiet();
    await pool.die();
    turns.untilQuiet();
    await pool.complete();
    turns.untilQuiet();
    await pool.complete();
    expect(order).toEqual([first, second]);
  });

  test("during one slice of a large call costs only that slice", async () => {
    const { turns, pool, submit, batches } = createRig({ execution: "pool", workers: 3 });
    const large = submit(700);
    turns.untilQuiet();
    await pool.die(1);
    turns.untilQuiet();
    while (pool.running.length > 0) await pool.complete();
    expect(large.ran).toBe(1);
    expect(large.raw).toEqual(expectedRaw(large));
    expect(batches.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(700);
  });

  test("with a batch that nobody waits for any more isn't followed by a second run", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const gone = submit(1);
    turns.untilQuiet();
    gone.call.finished = true;
    await pool.die();
    turns.untilQuiet();
    expect(pool.running).toHaveLength(0);
    const next = submit(1);
    turns.untilQuiet();
    await pool.complete();
    expect(next.raw).toEqual(expectedRaw(next));
  });
});

describe("a run that doesn't end", () => {
  test("fails the calls of its batch with 504, once and without a second try, and the log says so", async () => {
    const { turns, pool, submit, troubles, scheduler } = createRig({ execution: "pool" });
    const stuck = [submit(1), submit(2)];
    turns.untilQuiet();
    await pool.stick();
    turns.untilQuiet();
    expect(stuck.map(({ ran }) => ran)).toEqual([1, 1]);
    expect(stuck.map(codeOf)).toEqual(["deadline_exceeded", "deadline_exceeded"]);
    expect(stuck[0]!.error!.cause).toBeInstanceOf(StuckRunError);
    expect([pool.running.length, scheduler.queuedRows]).toEqual([0, 0]);
    expect(troubles).toEqual(["tiny/1: a batch of 3 rows is given up: a run was still going after 1000 ms"]);
  });

  test("says nothing of the model to the caller, nor of its worker", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const stuck = submit(1);
    turns.untilQuiet();
    await pool.stick();
    expect(stuck.error!.message).toBe("the model ran far longer on this call than it ever did, and was given up");
  });

  test("fails no other calls: those of other workers and those that waited are answered", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool", workers: 2 });
    const stuck = submit(1);
    turns.untilQuiet();
    const beside = submit(1);
    turns.untilQuiet();
    const behind = submit(2);
    await pool.stick();
    turns.untilQuiet();
    while (pool.running.length > 0) await pool.complete();
    expect(codeOf(stuck)).toBe("deadline_exceeded");
    for (const each of [beside, behind]) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("is told to nobody who has left or was answered meanwhile", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const [gone, stays] = [submit(1), submit(1)];
    turns.untilQuiet();
    gone.call.finished = true;
    await pool.stick();
    expect([gone.ran, stays.ran]).toEqual([0, 1]);
  });

  test("during one slice ends a large call: its other slices run no further", async () => {
    const { turns, pool, submit, scheduler } = createRig({ execution: "pool" });
    const large = submit(1000);
    turns.untilQuiet();
    await pool.stick();
    turns.untilQuiet();
    expect(codeOf(large)).toBe("deadline_exceeded");
    expect([pool.running.length, scheduler.queuedRows, large.ran]).toEqual([0, 0, 1]);
  });

  test("in the second try of a batch whose worker died isn't followed by a third", async () => {
    const { turns, pool, submit } = createRig({ execution: "pool" });
    const call = submit(1);
    turns.untilQuiet();
    await pool.die();
    turns.untilQuiet();
    await pool.stick();
    turns.untilQuiet();
    expect([pool.running.length, call.ran, codeOf(call)]).toEqual([0, 1, "deadline_exceeded"]);
  });

  test.each([
    { known: "no run of a long one", tookMs: [], limitMs: 1000 },
    { known: "short runs", tookMs: [1, 99, 2], limitMs: 1000 },
    { known: "a run of 300 ms", tookMs: [1, 300, 2], limitMs: 3000 },
    { known: "longer and longer runs", tookMs: [300, 500, 700], limitMs: 7000 },
  ])("is one of ten times the longest before it, a second at least: $known", async ({ tookMs, limitMs }) => {
    const { clock, turns, pool, submit } = createRig({ execution: "pool" });
    for (const ms of tookMs) {
      submit(1);
      turns.untilQuiet();
      clock.advance(ms);
      await pool.complete();
    }
    submit(1);
    turns.untilQuiet();
    expect(pool.running[0]!.limitMs).toBeCloseTo(limitMs, 6);
  });

  test("is one of ten times its forecast where that is longer, and never one within the objective", () => {
    const slow = createRig({ execution: "pool", runUs: (rows) => 400_000 * rows });
    slow.submit(1);
    slow.turns.untilQuiet();
    expect(slow.pool.running[0]!.limitMs).toBeCloseTo(4000, 6);
    const patient = createRig({ execution: "pool", sloMs: 60_000 });
    patient.submit(1);
    patient.turns.untilQuiet();
    expect(patient.pool.running[0]!.limitMs).toBe(60_000);
  });

  test("leaves the limit of the next one as it was", async () => {
    const { clock, turns, pool, submit } = createRig({ execution: "pool" });
    for (let round = 0; round < 3; round++) {
      submit(1);
      turns.untilQuiet();
      expect(pool.running[0]!.limitMs).toBe(1000);
      clock.advance(1000);
      await pool.stick();
    }
  });
});

describe("rows that the model fails on", () => {
  const compute = ([x]: readonly (readonly number[])[]) => {
    if (x![0] === 666) throw new Error("no leaf");
    return [[2 * x![0]!]];
  };

  test("reach their call, by their place in it, and the log", () => {
    const { turns, submit, troubles } = createRig({ execution: "inline", workers: 0, compute });
    const [good, bad] = [submit(2), submit(3, { values: [5, 666, 7] })];
    turns.untilQuiet();
    expect(good.call.failedRows).toBeUndefined();
    expect(good.raw).toEqual(expectedRaw(good));
    expect(bad.call.failedRows).toEqual([1]);
    expect(bad.raw).toEqual([10, Number.NaN, 14]);
    expect(troubles).toEqual(["tiny/1: the model failed on 1 rows: no leaf"]);
  });
});

test("the log hears what the runtime said, without the numbers that it repeats", () => {
  const { turns, submit, troubles } = createRig({
    execution: "inline",
    workers: 0,
    compute: () => {
      throw new Error("idx=4711 must be within [-3,2], not 1.5e-7");
    },
  });
  submit(1);
  turns.untilQuiet();
  expect(troubles).toEqual(["tiny/1: the model failed on 1 rows: idx=# must be within [-#,#], not #"]);
});
