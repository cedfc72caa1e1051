/**
 * Goal: a call is let in exactly if what waits, what runs and its own run leave it in time; and a late one makes room.
 */

import { describe, expect, test } from "vitest";
import {
  forecast,
  isInTime,
  isWorthRunning,
  isWorthTrying,
  type QueueLoad,
} from "../../../../server/inference/forecast.js";

/** 1 ms and 1 ms a row, so that the arithmetic can be done in the head. */
const cost = { fixedUs: 1000, perRowUs: 1000 };
const load = (rowsAhead: number, freeInMs = 0): QueueLoad => ({ rowsAhead, freeInMs, rowsPerMs: 0.5, batchRows: 10 });

const forecasts: { name: string; load: QueueLoad; rows: number; waitMs: number; ownMs: number }[] = [
  { name: "alone: its own run", load: load(0), rows: 1, waitMs: 0, ownMs: 2 },
  { name: "a batch runs: its end, then its own run", load: load(0, 7), rows: 1, waitMs: 7, ownMs: 2 },
  { name: "rows before it that fit into its batch: they run with it", load: load(4), rows: 1, waitMs: 0, ownMs: 6 },
  { name: "exactly one batch", load: load(9), rows: 1, waitMs: 0, ownMs: 11 },
  { name: "more than one batch: what is too much drains first", load: load(19), rows: 1, waitMs: 20, ownMs: 11 },
  {
    name: "in slices: rows before it drain, its own drain too, and the last slice runs",
    load: load(5),
    rows: 30,
    waitMs: 10,
    ownMs: 51,
  },
];

test.each(forecasts)("forecast, $name", ({ load: given, rows, waitMs, ownMs }) => {
  expect(forecast(given, cost, rows)).toEqual({ waitMs, ownMs });
});

const decisions: { name: string; waitMs: number; ownMs: number; timeMs: number; marginMs?: number; inTime: boolean }[] =
  [
    { name: "nothing to wait for, and time enough", waitMs: 0, ownMs: 10, timeMs: 10, inTime: true },
    { name: "nothing to wait for, and too long a run", waitMs: 0, ownMs: 10, timeMs: 9.99, inTime: false },
    {
      name: "nothing to wait for: a margin is for waiting",
      waitMs: 0,
      ownMs: 10,
      timeMs: 10,
      marginMs: 5,
      inTime: true,
    },
    { name: "three quarters of the spare time", waitMs: 75, ownMs: 10, timeMs: 110, inTime: true },
    { name: "more than that", waitMs: 75.1, ownMs: 10, timeMs: 110, inTime: false },
    { name: "forecasts were 20 ms wrong", waitMs: 55, ownMs: 10, timeMs: 110, marginMs: 20, inTime: true },
    { name: "and so less may wait", waitMs: 55.1, ownMs: 10, timeMs: 110, marginMs: 20, inTime: false },
    {
      name: "forecasts were wrong beyond measure: a quarter may still wait",
      waitMs: 25,
      ownMs: 10,
      timeMs: 110,
      marginMs: 1e6,
      inTime: true,
    },
    { name: "a caller that waits for ever", waitMs: 1e9, ownMs: 1e9, timeMs: Number.POSITIVE_INFINITY, inTime: true },
  ];

test.each(decisions)("in time? $name", ({ waitMs, ownMs, timeMs, marginMs = 0, inTime }) => {
  expect(isInTime({ waitMs, ownMs }, timeMs, marginMs)).toBe(inTime);
});

test.each([
  { name: "alone it would be in time", waitMs: 0, ownMs: 200, deadlineMs: 1000, tried: false },
  { name: "it can't be in time at all, and nothing waits", waitMs: 0, ownMs: 201, deadlineMs: 1000, tried: true },
  { name: "hardly anything waits", waitMs: 25, ownMs: 201, deadlineMs: 1000, tried: true },
  { name: "others would be delayed", waitMs: 25.1, ownMs: 201, deadlineMs: 1000, tried: false },
  { name: "it would miss its deadline", waitMs: 25, ownMs: 976, deadlineMs: 1000, tried: false },
  { name: "its caller waits no longer than that", waitMs: 0, ownMs: 201, deadlineMs: 200, tried: false },
])("of 200 ms, tried although it will be late? $name", ({ waitMs, ownMs, deadlineMs, tried }) => {
  expect(isWorthTrying({ waitMs, ownMs }, 200, deadlineMs)).toBe(tried);
});

describe("a call that is about to be taken", () => {
  const call = { arrivedMs: 1000, targetMs: 1200, deadlineMs: 2000 };

  test.each([
    { name: "in time", runMs: 10, backlogMs: 1e6, nowMs: 1190, runs: true },
    { name: "late, and others wait", runMs: 10, backlogMs: 26, nowMs: 1191, runs: false },
    { name: "late, and hardly anything waits", runMs: 10, backlogMs: 25, nowMs: 1191, runs: true },
    { name: "past its deadline at the end of its run", runMs: 10, backlogMs: 0, nowMs: 1991, runs: false },
  ])("$name", ({ runMs, backlogMs, nowMs, runs }) => {
    expect(isWorthRunning(call, runMs, () => backlogMs, nowMs)).toBe(runs);
  });
});
