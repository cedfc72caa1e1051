/** Goal: every call is counted once, as what it was; and rows are for nobody where no caller could use the answer. */

import { describe, expect, test } from "vitest";
import { bottleneckOf, countPhase, rowsForNobody, slicesOf } from "../../../../loadtest/overload/phase-report.js";
import { calls, ledgerOf } from "./ledgers.js";

const mixed = () =>
  ledgerOf([
    { dueMs: 0, tookMs: 10 },
    { dueMs: 10, tookMs: 200 },
    { dueMs: 20, tookMs: 201 },
    { dueMs: 30, tookMs: 2, status: 503, retryAfterS: 1 },
    { dueMs: 40, tookMs: 4, status: 429, retryAfterS: 3 },
    { dueMs: 50, tookMs: 5, status: 503, retryAfterS: 1 },
    { dueMs: 60, tookMs: 1000, status: 504 },
    { dueMs: 70, tookMs: 10, gaveUp: true },
    { dueMs: 80, tookMs: 3, status: 1 },
    { dueMs: 90 },
    { dueMs: 1000, tookMs: 10 },
  ]);

describe("countPhase", () => {
  test("counts each call that was due in the phase once", () => {
    const counts = countPhase(mixed(), { untilMs: 1000, withinMs: 200 });
    expect(counts).toMatchObject({ calls: 10, retries: 0, good: 2, late: 1, leftByClient: 1, lost: 1, unanswered: 1 });
    expect(counts.accepted).toEqual({ count: 3, p50: 200, p95: 201, p99: 201, max: 201 });
    expect(counts.refused).toMatchObject({ count: 3, p50: 4, p99: 5 });
    expect(counts.statuses.map(({ status, count }) => [status, count])).toEqual([
      [429, 1],
      [503, 2],
      [504, 1],
    ]);
    expect(counts.retryAfter).toEqual([
      { seconds: 1, count: 2 },
      { seconds: 3, count: 1 },
    ]);
    const others = counts.statuses.reduce((sum, { count }) => sum + count, 0);
    expect(counts.accepted.count + others + counts.leftByClient + counts.lost + counts.unanswered).toBe(counts.calls);
  });

  test("gives rates over the phase's own length", () => {
    expect(countPhase(mixed(), { untilMs: 500, withinMs: 200 })).toMatchObject({
      offeredPerSecond: 20,
      goodPerSecond: 4,
    });
  });

  test("counts a try again to the phase of its call, however late it comes", () => {
    const ledger = ledgerOf([{ dueMs: 999, tookMs: 3, status: 503 }], 2);
    const again = ledger.again(0, 1002);
    ledger.endedMs[again] = 1012;
    ledger.status[again] = 200;
    expect(countPhase(ledger, { untilMs: 1000, withinMs: 200 })).toMatchObject({
      calls: 2,
      retries: 1,
      good: 1,
      refused: { count: 1 },
    });
  });

  test("leaves out what was left out of the plan", () => {
    const ledger = mixed();
    ledger.leaveOut(2);
    expect(countPhase(ledger, { untilMs: Infinity, withinMs: 200 }).calls).toBe(2);
    expect(ledger.lastDueMs()).toBe(10);
  });
});

test("slices hold every call by when it was due", () => {
  const slices = slicesOf(mixed(), 200, 500);
  expect(slices.map(({ startS, offered }) => [startS, offered])).toEqual([
    [0, 10],
    [0.5, 0],
    [1, 1],
  ]);
  expect(slices[0]).toMatchObject({ good: 2, late: 1, refused: 4, failed: 3 });
});

describe("rowsForNobody", () => {
  test("is what ran beyond the answers that a caller waited for, within its deadline", () => {
    const ledger = ledgerOf([
      ...calls(0, 8, 1, { tookMs: 40 }),
      { dueMs: 9, tookMs: 60 },
      { dueMs: 10, tookMs: 10, gaveUp: true },
    ]);
    expect(rowsForNobody(ledger, 10, 1, 50)).toEqual({ rowsRun: 10, rowsForNobody: 2, share: 0.2 });
    expect(rowsForNobody(ledger, 10, 1, Infinity)).toMatchObject({ rowsForNobody: 1 });
    expect(rowsForNobody(ledger, 100, 10, 50)).toMatchObject({ rowsForNobody: 20 });
  });

  test("is none where nothing ran, or answers came from a cache", () => {
    const ledger = ledgerOf(calls(0, 4, 1, { tookMs: 1 }));
    expect(rowsForNobody(ledger, 0, 1, 50)).toEqual({ rowsRun: 0, rowsForNobody: 0, share: 0 });
    expect(rowsForNobody(ledger, 3, 1, 50).rowsForNobody).toBe(0);
  });
});

test("calls may leave later where they may take longer", () => {
  const facts = { lagMsP99: 9, lagMsMax: 30, processorShare: 0.4, waitedForConnection: 0 };
  expect(bottleneckOf(facts, { connectionsEnough: true, objectiveMs: 200 })).toBeUndefined();
  expect(bottleneckOf(facts, { connectionsEnough: true, objectiveMs: 100 })).toMatch(/left 9 ms late/);
});

describe("bottleneckOf", () => {
  const fine = { lagMsP99: 1, lagMsMax: 30, processorShare: 0.4, waitedForConnection: 0 };
  test.each([
    [fine, true, undefined],
    [{ ...fine, lagMsP99: 6 }, true, /left 6 ms late/],
    [{ ...fine, processorShare: 0.95 }, true, /95 % of a processor/],
    [{ ...fine, waitedForConnection: 12 }, false, /12 calls found no free connection/],
    [{ ...fine, waitedForConnection: 12 }, true, undefined],
    [fine, false, undefined],
    [{ ...fine, lagMsP99: 5 }, true, undefined],
  ] as const)("%#", (facts, connectionsEnough, expected) => {
    if (expected === undefined) expect(bottleneckOf(facts, { connectionsEnough, objectiveMs: 100 })).toBeUndefined();
    else expect(bottleneckOf(facts, { connectionsEnough, objectiveMs: 100 })).toMatch(expected);
  });
});
