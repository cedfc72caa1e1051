/**
 * Goal: what can't be in time never runs, and what is only announced already counts: so nobody works for callers who
 * get nothing.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Call } from "../../../../server/path/call.js";
import { makeCall } from "../../../support/calls.js";
import { createRig, expectedRaw, type SubmittedCall } from "../../../support/scheduler-rig.js";

// 1 ms a row, so that the arithmetic can be done in the head.
const runUs = (rows: number) => 1000 * rows;
const codeOf = ({ error }: SubmittedCall) => error?.code;

describe("calls that can't be in time any more when they are taken", () => {
  test.each([
    { what: "small, in the pool", execution: "pool" as const, rows: 1 },
    { what: "large, in the pool", execution: "pool" as const, rows: 10 },
    { what: "small, where the pool is one of two executors", execution: "auto" as const, rows: 1 },
  ])("are answered overloaded and never run, and those behind them run: $what", async ({ execution, rows }) => {
    const { clock, turns, pool, submit, engine } = createRig({ execution, runUs });
    const first = submit(1);
    turns.untilQuiet();
    const late = [1, 2].map(() => submit(rows, { targetMs: clock.nowMs + 60, deadlineMs: clock.nowMs + 1000 }));
    turns.untilQuiet();
    clock.advance(61);
    const good = Array.from({ length: 12 }, () => submit(rows));
    const ranValues = new Set<number>();
    while (pool.running.length > 0) {
      for (const { blocks } of pool.running) for (const value of blocks[0]!) ranValues.add(value);
      await pool.complete();
      turns.untilQuiet();
    }
    for (const each of late) {
      expect([each.ran, codeOf(each)]).toEqual([1, "overloaded"]);
      expect(each.error!.message).toContain("took longer than expected");
      expect(each.values.some((value) => ranValues.has(value))).toBe(false);
    }
    for (const each of [first, ...good]) expect(each.raw).toEqual(expectedRaw(each));
    expect(engine.runs).toEqual([]);
  });

  test("on the event loop, too, when a turn took longer than it should", () => {
    const { clock, turns, submit, engine } = createRig({ execution: "inline", workers: 0, runUs });
    const late = submit(1, { targetMs: clock.nowMs + 20, deadlineMs: clock.nowMs + 1000 });
    clock.advance(25);
    const good = Array.from({ length: 12 }, () => submit(1));
    turns.untilQuiet();
    expect([late.ran, codeOf(late)]).toEqual([1, "overloaded"]);
    expect(engine.runs.flatMap(({ rows }) => rows.flat())).toEqual(good.flatMap(({ values }) => values));
  });

  test("run all the same where hardly anything else waits", async () => {
    const { clock, turns, pool, submit } = createRig({ execution: "pool", runUs });
    submit(1);
    turns.untilQuiet();
    const late = submit(1, { targetMs: clock.nowMs + 60, deadlineMs: clock.nowMs + 1000 });
    clock.advance(61);
    for (let i = 0; i < 2; i++) {
      await pool.complete();
      turns.untilQuiet();
    }
    expect(late.raw).toEqual(expectedRaw(late));
  });

  test("but whose callers have left are told nothing", async () => {
    const { clock, turns, pool, submit, scheduler } = createRig({ execution: "pool", runUs });
    submit(1);
    turns.untilQuiet();
    const gone = submit(1, { targetMs: clock.nowMs + 60 });
    gone.call.finished = true;
    clock.advance(61);
    await pool.complete();
    turns.untilQuiet();
    expect([gone.ran, gone.error, scheduler.queuedRows, pool.running.length]).toEqual([0, undefined, 0, 0]);
  });
});

/** A call of this lane whose rows aren't known yet. */
function announced({ versions }: ReturnType<typeof createRig>): Call {
  const { call } = makeCall();
  call.version = versions[0];
  return call;
}

describe("before anything of a call is decoded", () => {
  test("nothing is refused where nothing waits, however little time there is", () => {
    const { clock, scheduler, versions } = createRig({ execution: "pool", runUs, sloMs: 40 });
    expect(scheduler.refusal(versions[0]!, 1000, clock.nowMs)).toBeUndefined();
  });

  // 40 rows wait and drain one a millisecond; a quarter of the time that isn't the call's own run is kept.
  test.each([
    { rows: 1, timeMs: 40, refused: true },
    { rows: 1, timeMs: 60, refused: false },
    { rows: 30, timeMs: 60, refused: true },
    { rows: 30, timeMs: 100, refused: false },
    { rows: 30, timeMs: -1, refused: true },
  ])("$rows rows with $timeMs ms left are refused behind 40 others: $refused", ({ rows, timeMs, refused }) => {
    const { clock, scheduler, submit, versions } = createRig({ execution: "pool", runUs, sloMs: 40 });
    // Of the same queue as what is asked for.
    for (let i = 0; i < 40; i += rows > 2 ? 10 : 1) submit(rows > 2 ? 10 : 1);
    const refusal = scheduler.refusal(versions[0]!, rows, clock.nowMs + timeMs);
    expect(refusal?.code).toBe(refused ? "overloaded" : undefined);
    if (refused) expect(refusal!.message).toMatch(/^40 rows wait before this call/);
    if (refused) expect(refusal!.retryAfterMs).toBeGreaterThanOrEqual(1000);
  });

  test("it is known for a second that calls are refused", () => {
    const { clock, scheduler, submit, versions } = createRig({ execution: "pool", runUs, sloMs: 40 });
    submit(10);
    expect(scheduler.isRefusing(clock.nowMs)).toBe(false);
    scheduler.refusal(versions[0]!, 10, clock.nowMs + 1);
    expect([0, 999, 1000].map((ms) => scheduler.isRefusing(clock.nowMs + ms))).toEqual([true, true, false]);
  });

  test("what is read after a long turn is taken for as old as that turn, while calls are refused", () => {
    const { clock, turns, scheduler, submit, versions } = createRig({ execution: "pool", runUs });
    for (let i = 0; i < 3; i++) submit(10);
    const inTime = () => scheduler.refusal(versions[0]!, 1, clock.nowMs + 60) === undefined;
    expect(inTime()).toBe(true);
    turns.turn();
    expect(inTime()).toBe(true);
    scheduler.refusal(versions[0]!, 10, clock.nowMs + 1);
    expect(inTime()).toBe(true);
    clock.advance(30);
    turns.turn();
    expect(inTime()).toBe(false);
    turns.turn();
    clock.advance(3);
    expect(inTime()).toBe(true);
  });

  test("the rows of a refused call aren't queued, and those of others go on", async () => {
    const { clock, scheduler, submit, versions, turns, pool } = createRig({ execution: "pool", runUs, sloMs: 40 });
    const waits = [1, 2, 3].map(() => submit(10));
    expect(scheduler.refusal(versions[0]!, 10, clock.nowMs + 5)).toBeDefined();
    expect(scheduler.queuedRows).toBe(30);
    turns.untilQuiet();
    while (pool.running.length > 0) {
      await pool.complete();
      turns.untilQuiet();
    }
    for (const each of waits) expect(each.raw).toEqual(expectedRaw(each));
  });

  test("a version without a lane refuses nothing and expects nothing: its submission says that it isn't ready", () => {
    const rig = createRig({ execution: "pool", runUs, sloMs: 40 });
    const [elsewhere] = createRig().versions;
    expect(rig.scheduler.refusal(elsewhere!, 1000, 0)).toBeUndefined();
    const call = announced(rig);
    call.version = elsewhere;
    rig.scheduler.expect(call, 1000);
    rig.scheduler.expectNoMore(call);
    expect(call.expectedRows).toBe(0);
  });
});

describe("rows that are being decoded", () => {
  test("count as waiting, until they are no more expected", () => {
    const rig = createRig({ execution: "pool", runUs, sloMs: 40 });
    const { clock, scheduler, versions } = rig;
    const refusal = () => scheduler.refusal(versions[0]!, 50, clock.nowMs + 110);
    const [a, b] = [announced(rig), announced(rig)];
    scheduler.expect(a, 40);
    expect(refusal()).toBeUndefined();
    scheduler.expect(b, 40);
    expect(refusal()).toMatchObject({
      code: "overloaded",
      message: expect.stringMatching(/^80 rows wait before this call/),
    });
    scheduler.expectNoMore(a);
    expect(refusal()).toBeUndefined();
  });

  test("of a small call don't count: it is decoded at once", () => {
    const rig = createRig({ execution: "pool", runUs, sloMs: 40 });
    const call = announced(rig);
    rig.scheduler.expect(call, 1);
    expect([call.expectedRows, rig.lanes[0]!.large.expectedRows]).toEqual([0, 0]);
  });

  test("aren't in the way of calls that have been decoded before them, nor of small ones", () => {
    const rig = createRig({ execution: "pool", runUs, sloMs: 40 });
    const { clock, scheduler, submit, versions } = rig;
    scheduler.expect(announced(rig), 5000);
    submit(50, { targetMs: clock.nowMs + 100 });
    submit(1, { targetMs: clock.nowMs + 100 });
    expect(scheduler.refusal(versions[0]!, 1, clock.nowMs + 100)).toBeUndefined();
    expect(scheduler.refusal(versions[0]!, 50, clock.nowMs + 100)).toBeDefined();
  });

  test("are those of the calls that are under way, whatever comes and ends in whatever order", () => {
    const step = fc.record({
      do: fc.constantFrom("expect", "end"),
      which: fc.nat(9),
      rows: fc.integer({ min: 1, max: 5000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const rig = createRig({ execution: "pool", runUs, sloMs: 40 });
        const calls = Array.from({ length: 10 }, () => announced(rig));
        const expected = calls.map(() => 0);
        for (const { do: what, which, rows } of steps) {
          if (what === "end") {
            rig.scheduler.expectNoMore(calls[which]!);
            expected[which] = 0;
          } else if (expected[which] === 0) {
            rig.scheduler.expect(calls[which]!, rows);
            // Two rows are a batch, and so small.
            expected[which] = rows > 2 ? rows : 0;
          }
          expect(rig.lanes[0]!.large.expectedRows).toBe(expected.reduce((sum, each) => sum + each, 0));
        }
        for (const call of calls) rig.scheduler.expectNoMore(call);
        expect(rig.lanes[0]!.large.expectedRows).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

test.each([
  { what: "of one batch", rows: 200 },
  { what: "of several slices", rows: 700 },
])(
  "a large call $what that ends late makes large calls wary, and not small ones, which don't wait for the pool",
  async ({ rows }) => {
    const { clock, turns, pool, submit, lanes } = createRig({ execution: "auto" });
    const large = submit(rows);
    for (turns.untilQuiet(); pool.running.length > 0; turns.untilQuiet()) {
      clock.advance(500);
      await pool.complete();
    }
    expect(large.raw).toEqual(expectedRaw(large));
    expect(lanes[0]!.large.margin.at(clock.nowMs)).toBeGreaterThan(50);
    expect(lanes[0]!.small.margin.at(clock.nowMs)).toBe(0);
  },
);
