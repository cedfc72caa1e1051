/**
 * Goal: a shadow answers the champion's calls after their replies, is compared row by row, gives way to calls, and never
 * reaches a caller.
 */

import { afterEach, describe, expect, it, vi } from "vitest";
import { createPath, type PredictPath } from "../../../../server/path/predict.js";
import { describeModelComparison } from "../../../../server/release/comparison-figures.js";
import { Shadows } from "../../../../server/release/shadows.js";
import { Arms } from "../../../../server/routing/arms.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import type { Route } from "../../../../server/routing/route.js";
import { RouteTable } from "../../../../server/routing/route-table.js";
import { routed } from "../../../../server/routing/routed.js";
import { Registry } from "../../../../server/versions/registry.js";
import type { CallOptions } from "../../../support/calls.js";
import { createHandPath } from "../../../support/hand-path.js";
import { binaryGraph, makeVersion, type VersionOptions } from "../../../support/versions.js";

function createRig(route: Route = { champion: 1, shadows: [{ version: 2 }] }, options: VersionOptions = {}) {
  const table = new RouteTable();
  const registry = new Registry("tiny", routed(table, newestReady));
  const versions = [1, 2].map((number) => makeVersion({ number, ...options }));
  const rig = createHandPath(versions, { registry });
  table.swap({ tiny: route });
  let isRefusing = false;
  let inFlight = 0;
  const shadows = new Shadows({
    now: rig.parts.now,
    wallClock: () => new Date("2026-12-01T08:00:00Z"),
    defer: rig.turns.defer,
    callsInFlight: () => inFlight,
    isRefusing: () => isRefusing,
  });
  const path = createPath({ ...rig.parts, arms: new Arms(table, registry, true), observers: [shadows] });
  shadows.attach(createPath({ ...rig.parts, observers: [{ onCall: (call) => shadows.done(call) }] }));

  /** One call to its reply. */
  function answer(options: CallOptions, outputs?: readonly number[]) {
    const made = rig.send(options, path as PredictPath);
    if (made.sent.length === 0) rig.run(outputs);
    return made.sent[0]!;
  }
  /** Shadows' calls, one after the other, each answered so. */
  function runShadows(...outputs: (readonly number[] | undefined)[]) {
    for (const each of outputs) {
      rig.turns.untilQuiet();
      rig.run(each);
    }
    rig.turns.untilQuiet();
  }
  return {
    rig,
    shadows,
    versions,
    answer,
    runShadows,
    setRefusing: (is: boolean) => {
      isRefusing = is;
    },
    setInFlight: (calls: number) => {
      inFlight = calls;
    },
    described: () => {
      const model = { model: "tiny", champion: 1, shadows: shadows.pairs.map((pair) => shadows.figures(pair)) };
      // biome-ignore lint/suspicious/noExplicitAny: as the listener answers it
      return (describeModelComparison(model) as any).shadows;
    },
  };
}

const rows = (...values: number[]) => JSON.stringify({ rows: values.map((x) => ({ x })) });

it("the same answers have a difference of exactly 0", () => {
  const { answer, runShadows, described, versions } = createRig();
  expect(answer({ body: rows(1, 0.1, -3) }).body.version).toBe(1);
  runShadows(undefined);
  const [{ calls, difference, ...one }] = described();
  expect(calls).toEqual({ compared: 1, shadow_failed: 0, champion_failed: 0, shed: 0, skipped: 0 });
  expect(one).toMatchObject({ rows: 3, flips: null, worst_rows: [], since: "2026-12-01T08:00:00.000Z" });
  expect(difference).toMatchObject({ same_rows: 3, mean: 0, mean_absolute: 0, p99_absolute: 0, largest_absolute: 0 });
  expect(versions.map(({ references }) => references)).toEqual([0, 0]);
});

it("others are measured, and the rows that differ most are named, without their features", () => {
  const { answer, runShadows, described } = createRig();
  answer({ body: rows(1, 2), requestId: "first" }, [1, 2]);
  answer({ body: rows(5), requestId: "second" }, [5]);
  runShadows([1, 2.5], [4]);
  const [{ difference, worst_rows }] = described();
  expect(difference).toMatchObject({ same_rows: 1, mean: -0.5 / 3, mean_absolute: 0.5, largest_absolute: 1 });
  expect(difference.p50_absolute).toBeCloseTo(0.5, 1);
  expect(difference.histogram.filter(({ rows }: { rows: number }) => rows > 0)).toEqual([
    { up_to: 0, rows: 1 },
    { up_to: 1, rows: 2 },
  ]);
  expect(worst_rows).toEqual([
    { request_id: "second", row: 0, champion: 5, shadow: 4, difference: -1 },
    { request_id: "first", row: 1, champion: 2, shadow: 2.5, difference: 0.5 },
  ]);
});

it("a classifier's difference is that of its probabilities, and a flip is another label", () => {
  const { answer, runShadows, described } = createRig(undefined, {
    task: "classification",
    postprocessing: binaryGraph(["ham", "spam"]),
  });
  answer({ body: rows(1, 2) }, [1, 2]);
  runShadows([0.5, -2]);
  const [{ flips, rows: count, difference }] = described();
  expect([count, flips]).toEqual([2, 1]);
  expect(difference.largest_absolute).toBeCloseTo(0.7616, 4);
});

it("a shadow that fails, or a champion that does, is counted, and no caller sees a shadow", () => {
  const { answer, rig, shadows, described } = createRig();
  expect(answer({ body: rows(1) }, [1]).status).toBe(200);
  rig.turns.untilQuiet();
  rig.run([Number.NaN]);
  expect(answer({ body: rows(1) }, [Number.NaN]).status).toBe(500);
  expect(answer({ body: "{" }).status).toBe(400);
  rig.turns.untilQuiet();
  expect(described()[0].calls).toMatchObject({ compared: 0, shadow_failed: 1, champion_failed: 1 });
  expect(shadows.pairs).toHaveLength(1);
});

describe("calls come first", () => {
  afterEach(() => void vi.useRealTimers());

  it("while any is in flight, a shadow rests nine times as long as the last one took", () => {
    vi.useFakeTimers();
    const { answer, rig, setInFlight } = createRig();
    answer({ body: rows(1) });
    rig.turns.untilQuiet();
    rig.clock.advance(10);
    rig.run();
    setInFlight(1);
    answer({ body: rows(1) });
    rig.turns.untilQuiet();
    rig.clock.advance(80);
    vi.advanceTimersByTime(10);
    expect(rig.submitted).toEqual([]);
    rig.clock.advance(20);
    vi.advanceTimersByTime(10);
    expect(rig.submitted).toHaveLength(1);
  });

  it("while calls are refused, none runs", () => {
    vi.useFakeTimers();
    const { answer, rig, setRefusing } = createRig();
    setRefusing(true);
    answer({ body: rows(1) });
    rig.turns.untilQuiet();
    vi.advanceTimersByTime(10);
    expect(rig.submitted).toEqual([]);
    setRefusing(false);
    vi.advanceTimersByTime(10);
    expect(rig.submitted).toHaveLength(1);
  });

  it("what the queue has no room for is shed, and counted", () => {
    const { answer, described, shadows } = createRig();
    for (let call = 0; call < 300; call++) answer({ body: rows(1) });
    expect(described()[0].calls.shed).toBe(300 - 256);
    void shadows.close();
  });
});

it("a share is of the requests, and no shadow is asked where an arm was forced, or a version named", () => {
  const { answer, rig, described, shadows } = createRig({ champion: 1, shadows: [{ version: 2, share: 0.2 }] });
  for (let call = 0; call < 200; call++) answer({ body: rows(1), requestId: `r${call}` });
  rig.turns.untilQuiet();
  for (let left = 0; left < 200 && rig.submitted.length > 0; left++) {
    rig.run();
    rig.turns.untilQuiet();
  }
  const { compared } = described()[0].calls;
  expect(compared).toBeGreaterThan(20);
  expect(compared).toBeLessThan(60);
  const all = createRig();
  all.answer({ body: rows(1), headers: { "x-plumb-arm": "champion" } });
  all.answer({ body: rows(1), version: "1" });
  expect(all.shadows.pairs).toEqual([]);
  void shadows.close();
});

it("a comparison that no route asks for ends", () => {
  const { answer, shadows } = createRig();
  answer({ body: rows(1) });
  shadows.keep(() => true);
  expect(shadows.pairs).toHaveLength(1);
  shadows.keep(() => false);
  expect(shadows.pairs).toEqual([]);
  void shadows.close();
});
