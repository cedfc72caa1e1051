/** Goal: engines are timed on the same rows, another row each time, in turns; and a round's figures belong together. */

import { expect, test } from "vitest";
import { type ContenderName, type Timer, timeInRounds } from "../../../../bench/engines/rounds.js";
import { cutIntoCalls, processorMs, usPerRow } from "../../../../bench/engines/timing.js";
import type { EngineSession } from "../../../../server/inference/engine.js";

test("rows are cut into calls of their own memory, and what fills no call is left out", () => {
  const rows = Float32Array.from({ length: 14 }, (_, i) => i); // seven rows of two
  const calls = cutIntoCalls(rows, 2, 3);
  expect(calls.map((call) => [...call])).toEqual([
    [0, 1, 2, 3, 4, 5],
    [6, 7, 8, 9, 10, 11],
  ]);
  expect(new Set([rows.buffer, ...calls.map(({ buffer }) => buffer)]).size).toBe(3);
});

/** A session whose clock moves by `ms` with each run. */
function ticking(ms: number) {
  let time = 0;
  const seen: number[] = [];
  const session: EngineSession = {
    run([block], rowCount) {
      time += ms;
      seen.push(block![0]!);
      expect(block).toHaveLength(rowCount);
      return [];
    },
    release() {},
  };
  return { session, seen, now: () => time };
}

test("calls take the rows in turn, until the time is up", () => {
  const { session, seen, now } = ticking(2);
  const calls = cutIntoCalls(
    Float32Array.from({ length: 2048 }, (_, i) => i),
    1,
    512,
  );
  expect(usPerRow({ session, calls, rowCount: 512, first: 6, leastMs: 9, now })).toBeCloseTo(2000 / 512, 10);
  expect(seen).toEqual([1024, 1536, 0, 512, 1024]);
});

test("a call that is longer than the time runs once", () => {
  const { session, seen, now } = ticking(500);
  const calls = cutIntoCalls(new Float32Array(2048), 1, 1024);
  expect(usPerRow({ session, calls, rowCount: 1024, first: 0, leastMs: 10, now })).toBeCloseTo(500_000 / 1024, 10);
  expect(seen).toHaveLength(1);
});

test("the clock is looked at once in 512 rows", () => {
  let looks = 0;
  const { session, now } = ticking(1);
  const looking = () => {
    looks++;
    return now();
  };
  const calls = cutIntoCalls(new Float32Array(8), 1, 1);
  usPerRow({ session, calls, rowCount: 1, first: 0, leastMs: 1024, now: looking });
  expect(looks).toBe(3); // one before, and one after each 512 calls
});

test("the clock moves by what this process computes", () => {
  const [begun, { user, system }] = [processorMs(), process.cpuUsage()];
  expect(Math.abs(begun - (user + system) / 1000)).toBeLessThan(50);
  while (processorMs() === begun);
  expect(processorMs()).toBeGreaterThan(begun);
});

test("each round times every engine at each number of rows, beginning with another one; the first two aren't counted", async () => {
  const asked: string[] = [];
  const timer =
    (name: string, us: number): Timer =>
    ({ rowCount, first, leastMs }) => {
      asked.push(`${name}${rowCount}@${first}`);
      expect(leastMs).toBe(5);
      return us * rowCount;
    };
  const timers = new Map<ContenderName, Timer>([
    ["tree", timer("t", 1)],
    ["onnxruntime", timer("o", 3)],
  ]);
  const byRows = await timeInRounds(timers, { rowCounts: [1, 8], rounds: 2, leastMs: 5 });
  expect(asked.slice(8)).toEqual([
    "t1@1994",
    "o1@1994",
    "t8@1994",
    "o8@1994",
    "o1@2991",
    "t1@2991",
    "o8@2991",
    "t8@2991",
  ]);
  expect(asked).toHaveLength(16);
  expect(byRows).toEqual([
    {
      rowCount: 1,
      rounds: [
        { tree: 1, onnxruntime: 3 },
        { tree: 1, onnxruntime: 3 },
      ],
    },
    {
      rowCount: 8,
      rounds: [
        { tree: 8, onnxruntime: 24 },
        { tree: 8, onnxruntime: 24 },
      ],
    },
  ]);
});
