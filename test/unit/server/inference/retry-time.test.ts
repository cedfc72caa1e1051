/** Goal: refused callers come back when there is room, and later the more of them there are. */

import { expect, test } from "vitest";
import { Arrivals } from "../../../../server/inference/arrivals.js";
import { retryAfterMs } from "../../../../server/inference/retry-time.js";
import { runLimitMs } from "../../../../server/inference/run-limit.js";

test.each([
  { name: "a second at least", waitMs: 10, askedRows: 100, admittedRows: 100, afterMs: 1000 },
  { name: "until what waits has drained", waitMs: 2500, askedRows: 100, admittedRows: 100, afterMs: 2500 },
  {
    name: "ten times as long where one in ten is let in",
    waitMs: 400,
    askedRows: 1000,
    admittedRows: 100,
    afterMs: 4000,
  },
  { name: "a minute at most", waitMs: 1000, askedRows: 1e6, admittedRows: 0, afterMs: 60_000 },
])("$name", ({ afterMs, ...demand }) => {
  expect(retryAfterMs(demand)).toBe(afterMs);
});

test("what was asked for fades within seconds", () => {
  const arrivals = new Arrivals();
  arrivals.admitted(10, 0);
  arrivals.refused(90, 0);
  expect(arrivals.rows(0)).toEqual({ askedRows: 100, admittedRows: 10 });
  const { askedRows, admittedRows } = arrivals.rows(5000);
  expect(askedRows).toBeLessThan(1);
  expect(askedRows / admittedRows).toBeCloseTo(10, 6);
});

test.each([
  {
    name: "of a model that runs a millisecond: a second",
    objectiveMs: 200,
    expectedMs: 1,
    longestMs: 3,
    limitMs: 1000,
  },
  { name: "of a slow one: ten times its longest", objectiveMs: 200, expectedMs: 200, longestMs: 400, limitMs: 4000 },
  {
    name: "of a batch larger than any before: ten times what is expected of it",
    objectiveMs: 200,
    expectedMs: 900,
    longestMs: 400,
    limitMs: 9000,
  },
  {
    name: "of a model with a long objective: the objective",
    objectiveMs: 5000,
    expectedMs: 1,
    longestMs: 3,
    limitMs: 5000,
  },
])("the limit of a run $name", ({ limitMs, ...known }) => {
  expect(runLimitMs(known)).toBe(limitMs);
});
