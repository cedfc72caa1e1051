/**
 * Goal: an experiment counts the calls of its arms and no others, for as long as they are the same arms, and outcomes
 * are joined to the predictions that they came of: once, in any order, in bounded memory.
 */

import { describe, expect, it } from "vitest";
import { createPath, type PredictPath } from "../../../../../server/path/predict.js";
import { addFigures } from "../../../../../server/release/experiment/add-figures.js";
import type { ExperimentFigures } from "../../../../../server/release/experiment/arm-figures.js";
import { describeExperiment } from "../../../../../server/release/experiment/describe-experiment.js";
import { Experiments } from "../../../../../server/release/experiment/experiments.js";
import { Arms } from "../../../../../server/routing/arms.js";
import { newestReady } from "../../../../../server/routing/newest-ready.js";
import type { Route } from "../../../../../server/routing/route.js";
import { RouteTable } from "../../../../../server/routing/route-table.js";
import { routed } from "../../../../../server/routing/routed.js";
import { Registry } from "../../../../../server/versions/registry.js";
import { createHandPath } from "../../../../support/hand-path.js";
import { binaryGraph, makeVersion, type VersionOptions } from "../../../../support/versions.js";

const canary = (share: number, more: Partial<Route> = {}): Route => ({
  champion: 1,
  canary: { version: 2, share },
  assign_by: { header: "x-user" },
  ...more,
});
const startMs = Date.parse("2026-12-01T08:00:00Z");

function createRig({ options = {} as VersionOptions, waitingRowsMax = 1000 } = {}) {
  const table = new RouteTable();
  const registry = new Registry("tiny", routed(table, newestReady));
  const rig = createHandPath(
    [1, 2].map((number) => makeVersion({ number, ...options })),
    { registry },
  );
  let nowMs = startMs;
  const experiments = new Experiments({ wallClock: () => new Date(nowMs++), waitingRowsMax });
  const path = createPath({ ...rig.parts, arms: new Arms(table, registry, true), observers: [experimentsOnly()] });
  function experimentsOnly() {
    return {
      onCall: (record: Parameters<Experiments["onCall"]>[0]) => experiments.onCall(record),
      close: async () => true,
    };
  }
  function take(route: Route) {
    table.swap({ tiny: route });
    experiments.take({ tiny: route });
  }
  take(canary(0.4));
  function predict(
    user: string,
    { x = [1], id = user, outputs, headers = {}, version }: PredictOptions = {},
  ): string | undefined {
    const rows = JSON.stringify({ rows: x.map((value) => ({ x: value })) });
    const made = rig.send(
      {
        body: rows,
        requestId: id,
        headers: { "x-user": user, ...headers },
        ...(version && { model: "tiny", version }),
      },
      path as PredictPath,
    );
    if (made.sent.length === 0) rig.run(outputs);
    return made.call.arm?.name;
  }
  const statusOf = async (...items: unknown[]) => (await experiments.feedback(items)).map(({ status }) => status);
  const figures = () => experiments.figures("tiny")!;
  /** The first so many users of each arm. */
  const users: Record<string, string[]> = { canary: [], control: [], champion: [] };
  for (let i = 0; Object.values(users).some(({ length }) => length < 5); i++) {
    const arm = predict(`user-${i}`)!;
    if (users[arm]!.length < 5) users[arm]!.push(`user-${i}`);
  }
  // Counted from nothing.
  take({ champion: 1 });
  take(canary(0.4));
  return { experiments, rig, take, predict, statusOf, figures, users };
}

interface PredictOptions {
  x?: readonly number[];
  id?: string;
  outputs?: readonly number[];
  headers?: Record<string, string>;
  version?: string;
}

describe("what is counted", () => {
  it("each arm's calls, rows, predictions; neither forced ones nor those of a named version", () => {
    const { predict, figures, users } = createRig();
    predict(users.canary![0]!, { x: [2, 4] });
    predict(users.control![0]!, { x: [3] });
    predict(users.champion![0]!);
    predict(users.canary![1]!, { headers: { "x-plumb-arm": "canary" } });
    predict(users.canary![1]!, { version: "2" });
    predict(users.canary![1]!, { x: [Number.NaN] });
    const { arms, ...rest } = figures();
    expect(rest).toEqual({ model: "tiny", champion: 1, canary: 2, share: 0.4, sinceMs: expect.any(Number) });
    // The last one's row is refused: a call without an answer, and no error of the server.
    expect(arms.canary).toMatchObject({ calls: 2, errors: 0, modelFaults: 0, fallbacks: 0 });
    expect(arms.canary.predictions).toEqual({ count: 2, sum: 6, sumOfSquares: 20 });
    expect(arms.canary.predictionBuckets).toEqual({ 2: 1, 4: 1 });
    expect(arms.canary.logLatency.count).toBe(1);
    expect(Object.values(arms.canary.latencyMs)).toEqual([1]);
    expect([arms.control.calls, arms.champion.calls]).toEqual([1, 1]);
  });

  it("a model's failure, as an error", () => {
    const { predict, figures, users } = createRig();
    predict(users.canary![0]!, { outputs: [Number.NaN] });
    expect(figures().arms.canary).toMatchObject({ calls: 1, errors: 1, modelFaults: 1, outcomes: {} });
    expect(figures().arms.canary.predictions.count).toBe(0);
  });

  it("on as the share grows, and anew as the arms are other calls", async () => {
    const { predict, figures, users, take, statusOf } = createRig();
    const calls = () => figures().arms.canary.calls;
    predict(users.canary![0]!);
    take(canary(0.45));
    expect([calls(), figures().share]).toEqual([1, 0.45]);
    for (const route of [
      canary(0.45, { champion: 3 }),
      canary(0.45, { salt: "other" }),
      canary(0.45, { assign_by: { request_id: true } }),
      canary(0.9),
    ]) {
      take(canary(0.45));
      predict(users.canary![0]!, { id: "before" });
      expect(calls()).toBeGreaterThan(0);
      take(route);
      expect(calls()).toBe(0);
      expect(await statusOf({ request_id: "before", outcome: 1 })).toEqual(["unknown"]);
    }
    take({ champion: 1 });
    expect(figures()).toBeUndefined();
  });
});

describe("feedback", () => {
  it("is joined by request and row, or by key, to the arm that answered", async () => {
    const { predict, statusOf, figures, users } = createRig();
    const [user, other] = [users.canary![0]!, users.control![0]!];
    predict(user, { x: [2, 4], id: "r" });
    predict(other, { x: [3] });
    expect(
      await statusOf(
        { request_id: "r", row: 1, outcome: 5 },
        { key: other, outcome: 1, value: 12.5, time: "2026-12-01T09:00:00+01:00" },
        { request_id: "r", outcome: 2 },
      ),
    ).toEqual(["accepted", "accepted", "accepted"]);
    expect(figures().arms.canary.outcomes).toEqual({
      squared_error: { count: 2, sum: 1, sumOfSquares: 1 },
      absolute_error: { count: 2, sum: 1, sumOfSquares: 1 },
    });
    expect(figures().arms.control.outcomes).toMatchObject({
      value: { count: 1, sum: 12.5 },
      squared_error: { count: 1, sum: 4, sumOfSquares: 16 },
    });
  });

  it("counts once, however often it comes, and whatever way it finds", async () => {
    const { predict, statusOf, figures, users } = createRig();
    const user = users.control![0]!;
    predict(user, { id: "r" });
    const item = { request_id: "r", outcome: 1 };
    expect(await statusOf(item, item, { key: user, outcome: 1 })).toEqual(["accepted", "duplicate", "duplicate"]);
    // A value may come after the outcome.
    expect(await statusOf({ key: user, value: 3 }, { ...item, value: 3 })).toEqual(["accepted", "duplicate"]);
    expect(figures().arms.control.outcomes.squared_error!.count).toBe(1);
    expect(figures().arms.control.outcomes.value!.count).toBe(1);
  });

  it("of a classifier has log loss, Brier score and miss", async () => {
    const { predict, statusOf, figures, users } = createRig({
      options: { task: "classification", postprocessing: binaryGraph(["no", "yes"]) },
    });
    // Log odds of 0 and of 2.
    predict(users.canary![0]!, { outputs: [0], id: "even" });
    predict(users.canary![0]!, { outputs: [2], id: "yes" });
    expect(
      await statusOf(
        { request_id: "even", outcome: "yes" },
        { request_id: "yes", outcome: "no" },
        { request_id: "yes", outcome: "perhaps" },
        { request_id: "yes", outcome: 1 },
      ),
    ).toEqual(["accepted", "accepted", "invalid", "invalid"]);
    const { outcomes, predictionBuckets } = figures().arms.canary;
    const p = 1 / (1 + Math.exp(-2));
    expect(outcomes.log_loss!.sum).toBeCloseTo(Math.log(2) - Math.log(1 - p), 5);
    expect(outcomes.brier!.sum).toBeCloseTo(0.25 + p * p, 5);
    expect(outcomes.miss).toMatchObject({ count: 2 });
    expect(Object.values(predictionBuckets).reduce((sum, count) => sum + count)).toBe(2);
  });

  it.each([
    ["nothing", {}],
    ["a request and a key", { request_id: "r", key: "k", outcome: 1 }],
    ["no outcome", { request_id: "r" }],
    ["a row that isn't there", { request_id: "r", row: 1, outcome: 1 }],
    ["a row of a key", { key: "k", row: 0, outcome: 1 }],
    ["a label of a number", { request_id: "r", outcome: "high" }],
    ["NaN as text", { request_id: "r", outcome: "NaN" }],
    ["an endless number", { request_id: "r", outcome: Number.POSITIVE_INFINITY }],
    ["a number whose square is endless", { request_id: "r", outcome: 1e300 }],
    ["another model", { request_id: "r", model: "other", outcome: 1 }],
    ["years before its prediction", { request_id: "r", outcome: 1, time: "2019-01-01T00:00:00Z" }],
    ["years from now", { request_id: "r", outcome: 1, time: "2036-01-01T00:00:00Z" }],
    ["a time that is none", { request_id: "r", outcome: 1, time: "yesterday" }],
    ["an unknown member", { request_id: "r", outcome: 1, labels: [] }],
    ["no object", 5],
  ])("with %s is invalid, says why, and counts nothing", async (_name, item) => {
    const { predict, experiments, statusOf, figures, users } = createRig();
    predict(users.canary![0]!, { id: "r" });
    const [result] = await experiments.feedback([item]);
    expect(result).toEqual({ status: "invalid", detail: expect.stringMatching(/\w/) });
    expect(figures().arms.canary.outcomes).toEqual({});
    expect(await statusOf({ request_id: "r", outcome: 1 })).toEqual(["accepted"]);
  });

  it("of more items than it takes is refused as a whole", async () => {
    const { experiments } = createRig();
    await expect(experiments.feedback(Array.from({ length: 1001 }, () => ({})))).rejects.toThrow("at most 1000");
  });

  it("is kept room for in each arm, and what is pushed out is counted", async () => {
    const { predict, statusOf, experiments, users } = createRig({ waitingRowsMax: 4 });
    predict(users.canary![0]!, { id: "c" });
    for (let i = 0; i < 100; i++) predict(users.champion![0]!, { id: `r${i}` });
    expect(
      await statusOf(
        { request_id: "c", outcome: 1 },
        { request_id: "r95", outcome: 1 },
        { request_id: "r96", outcome: 1 },
        { key: users.champion![0]!, outcome: 1 },
      ),
    ).toEqual(["accepted", "unknown", "accepted", "accepted"]);
    const text = experiments.families.flatMap(({ pieces }) => [...pieces()]).join("");
    expect(text).toMatch(/plumb_feedback_dropped_total\{reason="pushed_out"\} \d+/);
    expect(text).toContain("plumb_feedback_waiting_rows 5\n");
    expect(text).toContain('plumb_feedback_total{result="unknown"} 1\n');
    expect(text).toContain('plumb_arm_outcomes_total{model="tiny",version="2",arm="canary",kpi="squared_error"} 1\n');
  });

  it("of fallbacks and of calls that are too large isn't kept", async () => {
    const { predict, statusOf, users } = createRig();
    predict(users.canary![0]!, { id: "large", x: Array.from({ length: 257 }, () => 1) });
    expect(await statusOf({ request_id: "large", outcome: 1 })).toEqual(["unknown"]);
  });

  it("that is unknown is asked of others, item by item; where they don't answer, it says so", async () => {
    const { experiments, predict, users } = createRig();
    predict(users.canary![0]!, { id: "mine" });
    const asked: unknown[] = [];
    experiments.askOthers = async (items) => {
      asked.push(items);
      return [{ status: "accepted" }, { status: "unknown" }];
    };
    const items = ["theirs", "mine", "nobody's"].map((id) => ({ request_id: id, outcome: 1 }));
    const results = await experiments.feedback(items);
    expect(results.map(({ status }) => status)).toEqual(["accepted", "accepted", "unknown"]);
    expect(asked).toEqual([[items[0], items[2]]]);
    experiments.askOthers = async () => undefined;
    expect(await experiments.feedback(items[0])).toEqual([
      { status: "unknown", detail: expect.stringContaining("again") },
    ]);
  });
});

describe("an experiment as it is read", () => {
  const sums = (count: number, mean: number) => ({ count, sum: count * mean, sumOfSquares: count * (mean * mean + 1) });
  const arm = (calls: number, errors: number, mean: number) => ({
    calls,
    rows: calls,
    errors,
    modelFaults: 0,
    fallbacks: 0,
    latencyMs: { 900: calls },
    logLatency: sums(calls, mean),
    predictions: sums(calls, mean),
    predictionBuckets: { "1": calls },
    outcomes: { value: sums(calls, mean) },
  });
  const figures = (calls: number, errors: number, mean: number): ExperimentFigures => ({
    model: "tiny",
    champion: 1,
    canary: 2,
    share: 0.1,
    sinceMs: startMs,
    arms: { canary: arm(calls, errors, mean), control: arm(1000, 10, 0), champion: arm(8000, 80, 0) },
  });
  // biome-ignore lint/suspicious/noExplicitAny: as the listener answers it
  const read = (one: ExperimentFigures) => JSON.parse(JSON.stringify(describeExperiment(one))) as any;

  it("calls what differs, and nothing else", () => {
    const same = read(figures(1000, 10, 0));
    expect(same.comparisons.error_rate).toMatchObject({ difference: 0, called: false, p_value: 1 });
    expect(same.sample_ratio.mismatch).toBe(false);
    const worse = read(figures(1000, 100, 0.5));
    expect(worse.comparisons.error_rate).toMatchObject({ difference: expect.closeTo(0.09, 9), called: true });
    expect(worse.comparisons.latency_ratio.difference).toBeCloseTo(Math.exp(0.5), 9);
    expect(worse.comparisons.latency_ratio.low).toBeGreaterThan(1);
    expect(worse.comparisons.outcomes.value.called).toBe(true);
    expect(read(figures(500, 5, 0)).sample_ratio.mismatch).toBe(true);
  });

  it("has no number where nothing is known yet", () => {
    const { comparisons, arms } = read(figures(0, 0, 0));
    expect(comparisons.error_rate).toEqual({ difference: null, low: null, high: null, p_value: 1, called: false });
    expect(arms.canary.predictions).toEqual({ count: 0, mean: null });
  });

  it("is the same of two halves as of the whole", () => {
    const halves = [figures(400, 4, 0.5), { ...figures(600, 6, 0.5), sinceMs: startMs - 1 }];
    const { arms, sinceMs } = addFigures(halves);
    expect(arms.canary).toEqual(arm(1000, 10, 0.5));
    expect(arms.champion).toEqual(arm(16000, 160, 0));
    expect(sinceMs).toBe(startMs - 1);
  });
});
