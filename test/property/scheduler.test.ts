/**
 * Goal: whatever comes, dies, hangs, expires or leaves, every call ends exactly once, with its own rows' answers; no
 * row runs twice unless a worker died on it; and nobody who could work is idle while work waits.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Execution } from "../../server/inference/choose-executor.js";
import { createRig, expectedRaw, type SubmittedCall } from "../support/scheduler-rig.js";

type Step =
  | { do: "submit"; lane: number; rows: number; targetInMs: number; deadlineInMs: number }
  | { do: "turn" }
  | { do: "complete" | "die" | "stick" | "leave"; which: number }
  | { do: "pass"; ms: number };

const never = Number.POSITIVE_INFINITY;
const which = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      lane: fc.nat(1),
      rows: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
        { weight: 1, arbitrary: fc.integer({ min: 100, max: 700 }) },
      ),
      targetInMs: fc.constantFrom(never, 0.02, 0.5, 5, 100),
      deadlineInMs: fc.constantFrom(never, 0.1, 1, 5, 100),
    }),
  },
  { weight: 6, arbitrary: fc.constant<Step>({ do: "turn" }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("complete" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stick" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(0.1, 2, 50) }) },
);

const world = fc.record({
  execution: fc.constantFrom<Execution>("auto", "inline", "pool"),
  workers: fc.integer({ min: 1, max: 3 }),
  perRowUs: fc.constantFrom(4, 60, 700),
  // None, one that is soon full, and one with room for all.
  intakeRows: fc.constantFrom(0, 12, 4000),
});

test("every call ends once, and nobody idles while work waits", async () => {
  await fc.assert(
    fc.asyncProperty(
      world,
      fc.array(step, { maxLength: 80 }),
      async ({ execution, workers, perRowUs, intakeRows }, steps) => {
        const rig = createRig({ execution, workers, lanes: 2, intakeRows, runUs: (rows) => 20 + perRowUs * rows });
        const { clock, turns, pool, engine } = rig;
        const calls: SubmittedCall[] = [];
        /** How calls ended other than by their run: expired, left. */
        const ended = new Map<SubmittedCall, string>();
        /**
         * Per row (each has a value of its own) how often a run of it began, how often one died and how often one was
         * given up.
         */
        const began = new Map<number, number>();
        const died = new Map<number, number>();
        const stuck = new Map<number, number>();
        const count = (map: Map<number, number>, values: Iterable<number>) => {
          for (const value of values) map.set(value, (map.get(value) ?? 0) + 1);
        };
        const end = (call: SubmittedCall, how: string) => {
          if (call.call.finished) return;
          call.call.finished = true;
          ended.set(call, how);
        };
        const endPoolRun = async (index: number, how: "complete" | "die" | "stick") => {
          const values = pool.running[index]!.blocks[0]!.slice();
          count(began, values);
          if (how === "die") count(died, values);
          if (how === "stick") count(stuck, values);
          await pool[how](index);
        };

        for (const next of steps) {
          if (next.do === "submit") {
            try {
              const { nowMs } = clock;
              calls.push(
                rig.submit(next.rows, {
                  lane: next.lane,
                  targetMs: nowMs + next.targetInMs,
                  deadlineMs: nowMs + next.deadlineInMs,
                }),
              );
            } catch (error) {
              expect(error).toMatchObject({ code: "overloaded" });
              expect(next.targetInMs).toBeLessThan(never);
            }
          } else if (next.do === "turn") turns.turn();
          else if (next.do === "pass") {
            clock.advance(next.ms);
            for (const call of calls) if (call.call.deadlineMs <= clock.nowMs) end(call, "expired");
          } else if (next.do === "leave") {
            if (calls.length > 0) end(calls[next.which % calls.length]!, "left");
          } else if (pool.running.length > 0) await endPoolRun(next.which % pool.running.length, next.do);

          expect(pool.handedOutTooMuch).toBe(0);
          if (turns.waiting === 0) {
            // Nothing is deferred: whoever could take something has taken it.
            const taken = new Set([
              ...pool.running.flatMap(({ blocks }) => Array.from(blocks[0]!)),
              ...engine.runs.flatMap(({ rows }) => rows.flat()),
            ]);
            for (const [value, times] of began) if (times > (died.get(value) ?? 0)) taken.add(value);
            const waits = calls.some(({ call, values }) => !call.finished && values.some((value) => !taken.has(value)));
            if (waits) expect(execution !== "inline" && pool.idle === 0).toBe(true);
          }
        }

        turns.untilQuiet();
        while (pool.running.length > 0) {
          await endPoolRun(0, "complete");
          turns.untilQuiet();
        }
        for (const run of engine.runs) count(began, run.rows.flat());
        for (const call of calls) {
          expect(call.ran + (ended.has(call) ? 1 : 0)).toBe(1);
          // Only who has a time is refused for it.
          if (call.error?.code === "overloaded")
            expect(Math.min(call.call.targetMs, call.call.deadlineMs)).toBeLessThan(never);
          else if (call.error?.code === "deadline_exceeded")
            expect(call.values.some((value) => stuck.has(value))).toBe(true);
          else if (call.error) expect(call.error.code).toBe("model_failed");
          else if (call.ran === 1) expect(call.raw).toEqual(expectedRaw(call));
        }
        for (const [value, times] of began) {
          const deaths = died.get(value) ?? 0;
          expect(deaths).toBeLessThanOrEqual(2);
          expect(times).toBeLessThanOrEqual(1 + Math.min(1, deaths));
        }
        expect(rig.lanes.every((lane) => lane.idle)).toBe(true);
      },
    ),
    { numRuns: 150 },
  );
});
