/**
 * Goal: what happened when is known after the run, by the second in which it happened, or in which the request was due.
 */

import { describe, expect, test } from "vitest";
import { RequestLog } from "../../../loadtest/request-log.js";
import { unanswered } from "../../../loadtest/tally.js";
import { timelineOf } from "../../../loadtest/timeline.js";

interface Happened {
  readonly dueMs: number;
  readonly sentMs?: number;
  readonly endedMs: number;
  readonly error?: string;
  readonly rowCount?: number;
}

function logOf(happened: readonly Happened[]): RequestLog {
  const log = new RequestLog(happened.map(({ dueMs, rowCount = 1 }) => ({ atMs: dueMs, rowCount })));
  for (const [index, { dueMs, sentMs = dueMs, endedMs, error }] of happened.entries()) {
    log.sent(index, sentMs);
    log.ended(index, endedMs, error);
  }
  return log;
}

describe("the intervals", () => {
  test("count a request where it left and where it was answered, and its latency where it was due", () => {
    const { intervals } = timelineOf(logOf([{ dueMs: 900, sentMs: 1100, endedMs: 2500 }]), 3);
    expect(intervals.map(({ sent, answered }) => [sent, answered])).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
    ]);
    expect(intervals.map(({ latencyMs }) => latencyMs?.max)).toEqual([1600, undefined, undefined]);
  });

  test("have percentiles by nearest rank", () => {
    const happened = Array.from({ length: 100 }, (_, i) => ({ dueMs: i, endedMs: i + (100 - i) }));
    expect(timelineOf(logOf(happened), 1).intervals[0]!.latencyMs).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
  });

  test("count errors by kind where they ended; only what was never answered has a latency", () => {
    const { intervals } = timelineOf(
      logOf([
        { dueMs: 0, endedMs: 10, error: "status 503" },
        { dueMs: 100, endedMs: 1200, error: "ECONNREFUSED" },
        { dueMs: 200, endedMs: 1900, error: unanswered },
        { dueMs: 300, endedMs: 1900, error: unanswered },
      ]),
      2,
    );
    expect(intervals.map(({ errors }) => errors)).toEqual([{ "status 503": 1 }, { ECONNREFUSED: 1, unanswered: 2 }]);
    expect(intervals[0]!.latencyMs).toEqual({ p50: 1600, p95: 1700, p99: 1700, max: 1700 });
  });

  test("keep large requests out of the latency, and in the counts", () => {
    const { intervals, percentiles } = timelineOf(logOf([{ dueMs: 0, endedMs: 500, rowCount: 1000 }]), 1);
    expect(intervals).toMatchObject([{ sent: 1, answered: 1, latencyMs: undefined }]);
    expect(percentiles).toEqual([]);
  });

  test.each([
    ["a short run is one interval", 0.5, 400, [[0, 0.5]]],
    ["the last one ends with the plan", 2.5, 2400, [[0, 1], [1, 1], [2, 0.5]]], // biome-ignore format: a case a line
    ["an answer a moment late counts to the last", 2, 2900, [[0, 1], [1, 1]]], // biome-ignore format: a case a line
    ["answers a second late or more get their own", 1, 2300, [[0, 1], [1, 1], [2, 0.3]]], // biome-ignore format: a case a line
  ] as const)("%s", (_, durationS, endedMs, expected) => {
    const { intervals } = timelineOf(logOf([{ dueMs: 0, endedMs }]), durationS);
    expect(intervals.map(({ startS, lengthS }) => [startS, Number(lengthS.toFixed(6))])).toEqual(expected);
    expect(intervals.at(-1)!.answered).toBe(1);
  });

  test("are longer in a long run, so that there are never many", () => {
    const { intervals } = timelineOf(logOf([{ dueMs: 3_599_000, endedMs: 3_599_001 }]), 3600);
    expect(intervals).toHaveLength(240);
    expect(intervals[0]!.lengthS).toBe(15);
    expect(intervals[239]).toMatchObject({ sent: 1, answered: 1 });
  });

  test("leave out what never left", () => {
    const log = new RequestLog([{ atMs: 0, rowCount: 1 }]);
    expect(timelineOf(log, 1).intervals).toMatchObject([{ sent: 0, answered: 0, errors: {} }]);
  });
});

describe("the percentiles", () => {
  const curve = (count: number) =>
    timelineOf(logOf(Array.from({ length: count }, (_, i) => ({ dueMs: 0, endedMs: i + 1 }))), 1).percentiles;

  test("go from the 50th to the last that is more than one request", () => {
    const points = curve(1000);
    expect(points[0]).toEqual({ percentile: 50, ms: 500 });
    expect(points.at(-1)).toEqual({ percentile: 99.9, ms: 999 });
    expect(points.map(({ ms }) => ms)).toEqual(points.map(({ ms }) => ms).toSorted((a, b) => a - b));
  });

  test("end at 99.99, however many requests there are", () => expect(curve(100_000).at(-1)!.percentile).toBe(99.99));
  test("need two requests", () => expect([curve(0), curve(1)]).toEqual([[], []]));
});
