/**
 * Goal: a canary that is worse is taken back, soon where it is much worse; one that is as good is promoted, however often
 * it is looked at; and nothing is decided without calls. Traffic is drawn by a seed. PLUMB_CANARIES=1000 draws as many
 * good canaries as the claim speaks of.
 */

import { expect, test } from "vitest";
import type { ExperimentFigures } from "../../../../../server/release/experiment/arm-figures.js";
import { judge, type Verdict } from "../../../../../server/release/plan/judge.js";
import { parsePlan } from "../../../../../server/release/plan/plan.js";
import { createRandom, goodTraffic, more, noArm, type Traffic } from "../../../../support/simulated-arms.js";

const plan = parsePlan({
  canary: 2,
  steps: [
    { share: 0.01, seconds_min: 60, calls_min: 100, needs: "no_harm" },
    { share: 0.05, seconds_min: 60, calls_min: 500, needs: "no_harm" },
    { share: 0.25, seconds_min: 60, calls_min: 5000, seconds_max: 7200 },
  ],
  guards: { outcomes: [{ name: "squared_error", margin: 0.1 }], latency_p99: { margin: 0.5 } },
});

interface Outcome {
  readonly verdict: Verdict;
  readonly seconds: number;
}

/** Goes through the steps, and is looked at after each piece of time, until it is decided. */
function release(canary: Traffic, seed: number, { perSecond = 100, everySeconds = 1, from = 0 } = {}): Outcome {
  const traffic = { champion: goodTraffic, canary, random: createRandom(seed) };
  let figures: ExperimentFigures | undefined;
  let seconds = 0;
  let verdict: Verdict | undefined;
  for (let step = from; step < plan.steps.length; step++) {
    const { share } = plan.steps[step]!;
    const state = { step, sinceMs: seconds * 1000, callsBefore: figures?.arms.canary.calls ?? 0, isByCall: true };
    do {
      seconds += everySeconds;
      figures = more(figures, traffic, { calls: perSecond * everySeconds, share, sinceMs: 0 });
      verdict = judge(plan, state, figures, undefined, seconds * 1000);
    } while (verdict.verdict === "continue" || (verdict.verdict === "inconclusive" && verdict.calls.tested === 0));
    if (verdict.verdict !== "promote") break;
  }
  return { verdict: verdict!, seconds };
}

test.each<[string, Partial<Traffic>, string, { perSecond?: number; from?: number }, number]>([
  ["only fails", { errorShare: 1 }, "only_fails", { from: 1 }, 5],
  ["only fails, at 1 %", { errorShare: 1 }, "only_fails", {}, 12],
  [
    "answers a constant, with 100 of its calls a second",
    { isConstant: true },
    "constant",
    { perSecond: 400, from: 2 },
    10,
  ],
  ["answers a constant", { isConstant: true }, "constant", { from: 1 }, 10],
  ["is slower", { latencyMs: 12 }, "latency", {}, 600],
  ["has a slow tail", { latencySigma: 0.9, latencyMs: 7 }, "latency_p95", {}, 3000],
  ["fails now and then", { errorShare: 0.05 }, "errors", {}, 600],
  ["answers no number now and then", { invalidShare: 0.03 }, "invalid", {}, 600],
  ["answers otherwise", { predictionMean: 12.5 }, "prediction(?:s|_mean)", {}, 600],
  ["is worse by a fifth of the KPI", { loss: 4.8 }, "outcomes.squared_error", {}, 3000],
  ["is worse for one segment", { segmentShare: 0.05, segmentLoss: 40 }, "outcomes.squared_error", {}, 1200],
])("one that %s is taken back", (_, change, guard, options, secondsMax) => {
  for (let seed = 1; seed <= 3; seed++) {
    const { verdict, seconds } = release({ ...goodTraffic, ...change }, seed, options);
    expect(verdict.verdict, verdict.sentence).toBe("rollback");
    expect(verdict.sentence).toMatch(new RegExp(`${guard}:`));
    expect(seconds).toBeLessThanOrEqual(secondsMax);
  }
});

test("of good canaries hardly one is taken back, and nearly all are promoted", () => {
  const count = Number(process.env.PLUMB_CANARIES ?? 100);
  const found = { promote: 0, rollback: 0, continue: 0, inconclusive: 0 };
  const reasons: string[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const { verdict } = release(goodTraffic, 1000 + seed, { perSecond: 200, everySeconds: count > 200 ? 5 : 10 });
    found[verdict.verdict]++;
    if (verdict.verdict !== "promote") reasons.push(verdict.sentence);
  }
  expect(found.rollback, reasons.join("\n")).toBeLessThanOrEqual(0.01 * count);
  expect(found.promote, reasons.join("\n")).toBeGreaterThanOrEqual(0.97 * count);
});

const state = { step: 0, sinceMs: 0, callsBefore: 0, isByCall: true };
const idle: ExperimentFigures = {
  model: "demand",
  champion: 1,
  canary: 2,
  share: 0.01,
  sinceMs: 0,
  arms: { canary: noArm, control: noArm, champion: noArm },
};

test.each([
  ["no figures", undefined],
  ["figures without a call", idle],
  ["calls of the champion alone", { ...idle, arms: { ...idle.arms, champion: { ...noArm, calls: 1e6, rows: 1e6 } } }],
])("%s decide nothing, after any time", (_, figures) => {
  for (const nowMs of [0, 60_000, 1e12])
    expect(judge(plan, state, figures, undefined, nowMs)).toMatchObject({ verdict: "inconclusive" });
});

test("arms that aren't as many as each other hold a step back, where each call has its own", () => {
  const traffic = { champion: goodTraffic, canary: goodTraffic, random: createRandom(7) };
  const figures = more(undefined, traffic, { calls: 100_000, share: 0.05, sinceMs: 0 });
  const half = { ...figures, arms: { ...figures.arms, control: { ...figures.arms.control, calls: 3000 } } };
  const at = (isByCall: boolean) => judge(plan, { ...state, isByCall }, half, undefined, 100_000);
  expect(at(true)).toMatchObject({ verdict: "continue" });
  expect(at(true).sentence).toContain("arms of equal size");
  expect(at(false)).toMatchObject({ verdict: "promote" });
});

test("after its time a step is inconclusive, and says what is missing", () => {
  const traffic = { champion: goodTraffic, canary: goodTraffic, random: createRandom(8) };
  const figures = more(undefined, traffic, { calls: 2000, share: 0.05, sinceMs: 0 });
  const late = judge(plan, { ...state, step: 2 }, figures, undefined, 7_200_000);
  expect(late.verdict).toBe("inconclusive");
  expect(late.sentence).toMatch(/^7200 s are over and it is still undecided: it takes \d+ calls more/);
});

test("labels that a shadow gives otherwise are one more guard", () => {
  const withFlips = parsePlan({ canary: 2, steps: [{ share: 0.05 }], guards: { flips: { margin: 0.02 } } });
  const traffic = { champion: goodTraffic, canary: goodTraffic, random: createRandom(9) };
  const figures = more(undefined, traffic, { calls: 100_000, share: 0.05, sinceMs: 0 });
  const at = (flips: { rows: number; flips: number } | undefined) =>
    judge(withFlips, state, figures, flips, 100_000).guards.find(({ guard }) => guard === "flips")!.state;
  expect(at({ rows: 20_000, flips: 2000 })).toBe("harmed");
  expect(at({ rows: 20_000, flips: 20 })).toBe("passed");
  expect(at({ rows: 50, flips: 0 })).toBe("undecided");
  expect(at(undefined)).toBe("undecided");
});

test("in the rollback window the new version is the one that is judged", () => {
  const traffic = { champion: { ...goodTraffic, errorShare: 0.2 }, canary: goodTraffic, random: createRandom(10) };
  const figures = more(undefined, traffic, { calls: 20_000, share: 0.05, sinceMs: 0 });
  const window = { ...state, step: undefined };
  expect(judge(plan, window, figures, undefined, 10_000)).toMatchObject({ verdict: "rollback", step: null });
  const sound = more(undefined, { ...traffic, champion: goodTraffic }, { calls: 20_000, share: 0.05, sinceMs: 0 });
  expect(judge(plan, window, sound, undefined, 10_000).verdict).toBe("continue");
  expect(judge(plan, window, sound, undefined, 3_600_000).verdict).toBe("promote");
});
