/** Goal: percentiles to the microsecond's grain, and no way for errors to make a server look fast. */

import { describe, expect, test } from "vitest";
import { Tally } from "../../../loadtest/tally.js";

describe("a tally", () => {
  test("gives percentiles of the answered requests within a thousandth", () => {
    const tally = new Tally();
    for (let i = 1; i <= 1000; i++) tally.record({ status: 200 }, i / 10);
    const { requests, ok, errors, latencyMs } = tally.summary();
    expect({ requests, ok, errors }).toEqual({ requests: 1000, ok: 1000, errors: {} });
    for (const [got, expected] of [
      [latencyMs!.p50, 50],
      [latencyMs!.p95, 95],
      [latencyMs!.p99, 99],
      [latencyMs!.p99_9, 99.9],
      [latencyMs!.max, 100],
    ] as const) {
      expect(Math.abs(got / expected - 1)).toBeLessThan(0.001);
    }
  });

  test("tells microseconds apart", () => {
    const tally = new Tally();
    tally.record({ status: 200 }, 0.071);
    expect(tally.summary().latencyMs!.p50).toBe(0.071);
  });

  test("counts errors by kind, the most frequent first, and keeps their latency out", () => {
    const tally = new Tally();
    tally.record({ status: 200 }, 10);
    tally.record({ failure: "ECONNREFUSED" }, 0.01);
    for (let i = 0; i < 3; i++) tally.record({ status: 503 }, 0.01);
    const { requests, ok, errors, latencyMs } = tally.summary();
    expect({ requests, ok }).toEqual({ requests: 5, ok: 1 });
    expect(Object.entries(errors)).toEqual([
      ["status 503", 3],
      ["ECONNREFUSED", 1],
    ]);
    expect(latencyMs!.p50).toBeCloseTo(10, 1);
  });

  test("takes what was never answered as an error and as at least so slow", () => {
    const tally = new Tally();
    tally.recordUnanswered(5000);
    const { ok, errors, latencyMs } = tally.summary();
    expect({ ok, errors }).toEqual({ ok: 0, errors: { unanswered: 1 } });
    expect(latencyMs!.p99).toBeGreaterThan(4990);
  });

  test("has no latency where nothing was answered", () => {
    const tally = new Tally();
    tally.record({ status: 500 }, 1);
    expect(tally.summary().latencyMs).toBeUndefined();
  });
});
