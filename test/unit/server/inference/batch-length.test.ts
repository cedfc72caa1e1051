/** Goal: a batch is as large as may be without making the most urgent call in it late. */

import { expect, test } from "vitest";
import { batchLength, batchRows, type QueuedCall } from "../../../../server/inference/batch-length.js";

/** 1 ms and 1 ms a row, so that the arithmetic can be done in the head. */
const cost = { fixedUs: 1000, perRowUs: 1000 };
const never = Number.POSITIVE_INFINITY;
const call = (rowCount: number, targetMs = never, arrivedMs = 0): QueuedCall => ({ rowCount, targetMs, arrivedMs });

const cases: {
  name: string;
  queue: QueuedCall[];
  rowsMax?: number;
  nowMs?: number;
  patienceMs?: number;
  length: number;
}[] = [
  { name: "takes a single call", queue: [call(1)], length: 1 },
  { name: "takes all that wait", queue: [call(1), call(2), call(3)], length: 3 },
  { name: "stops before the batch is too large", queue: [call(4), call(4), call(4)], rowsMax: 10, length: 2 },
  { name: "fills the batch to the last row", queue: [call(4), call(4), call(2), call(1)], rowsMax: 10, length: 3 },
  { name: "takes the first call though it alone is too large", queue: [call(50), call(1)], rowsMax: 10, length: 1 },
  {
    name: "stops before the first call would be late",
    queue: [call(1, 104), call(1), call(1), call(1)],
    nowMs: 100,
    length: 3,
  },
  { name: "is exactly on time", queue: [call(1, 105), call(1), call(1), call(1)], nowMs: 100, length: 4 },
  {
    name: "stops before a later, more urgent call would be late",
    queue: [call(3), call(1, 104), call(1)],
    nowMs: 100,
    length: 1,
  },
  {
    name: "isn't cut short by a call that is late already",
    queue: [call(1, 50), call(1), call(1)],
    nowMs: 100,
    length: 3,
  },
  {
    name: "nor by one that couldn't be in time even alone",
    queue: [call(1), call(5, 105), call(1)],
    nowMs: 100,
    length: 3,
  },
  {
    name: "keeps the deadlines behind a late call",
    queue: [call(1, 50), call(1, 104), call(1), call(1)],
    nowMs: 100,
    length: 3,
  },
  {
    name: "stops before a caller has left",
    queue: [call(1, never, 94), call(1), call(1)],
    nowMs: 100,
    patienceMs: 9,
    length: 2,
  },
  {
    name: "isn't cut short by one who will have left",
    queue: [call(1, 200, 92), call(1, 200, 99)],
    nowMs: 100,
    patienceMs: 9,
    length: 2,
  },
  {
    name: "looks no further than the call that ends the batch",
    queue: [call(9), call(2), call(1)],
    rowsMax: 10,
    length: 1,
  },
];

test.each(cases)("$name", ({ queue, rowsMax = 1000, nowMs = 0, patienceMs = never, length }) => {
  expect(batchLength(queue, cost, rowsMax, nowMs, patienceMs)).toBe(length);
});

const bounds = [
  {
    name: "a cheap model: the most that a batch may hold",
    fixedUs: 50,
    perRowUs: 0.4,
    objectiveMs: 200,
    shared: false,
    rows: 256,
  },
  {
    name: "a dear one: a sixteenth of the objective",
    fixedUs: 50,
    perRowUs: 1000,
    objectiveMs: 200,
    shared: false,
    rows: 12,
  },
  {
    name: "one whose row outlasts that: one row",
    fixedUs: 50,
    perRowUs: 30_000,
    objectiveMs: 200,
    shared: false,
    rows: 1,
  },
  {
    name: "one with a fixed part: 5 % of the batch",
    fixedUs: 1000,
    perRowUs: 100,
    objectiveMs: 200,
    shared: false,
    rows: 190,
  },
  {
    name: "one whose fixed part is large: a third of the objective",
    fixedUs: 20_000,
    perRowUs: 1000,
    objectiveMs: 200,
    shared: false,
    rows: 46,
  },
  {
    name: "one that is nothing but a fixed part: whatever waits",
    fixedUs: 50_000,
    perRowUs: 10,
    objectiveMs: 100,
    shared: false,
    rows: 256,
  },
  { name: "a short objective: an eighth of it", fixedUs: 100, perRowUs: 100, objectiveMs: 10, shared: false, rows: 11 },
  { name: "others wait too: shorter ones", fixedUs: 50, perRowUs: 10, objectiveMs: 200, shared: true, rows: 45 },
];

test.each(bounds)("rows of a batch, $name", ({ rows, objectiveMs, shared, ...fitted }) => {
  expect(batchRows(fitted, { objectiveMs, shared })).toBe(rows);
});
