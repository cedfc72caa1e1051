/** Goal: each bar is held to the phases that it is about, and a phase that the generator limited to none. */

import { describe, expect, test } from "vitest";
import { judge } from "../../../../loadtest/overload/judge.js";
import type { PhaseReport } from "../../../../loadtest/overload/phase-report.js";
import { phasesOf } from "../../../../loadtest/overload/phases.js";
import { processorTimeOf } from "../../../../loadtest/overload/processor-time.js";
import { phaseReport } from "./phase-reports.js";

const phases = phasesOf({ durationS: 20, deadlineMs: 50, leaveAfterMs: 10 });
const reportsWith = (id: string, change: Partial<PhaseReport>) =>
  phases.map((phase) => phaseReport(phase, phase.id === id ? change : {}));
const judged = (id: string, change: Partial<PhaseReport>) => judge(phases, reportsWith(id, change), 200);
const rows = (share: number) => ({ rowsRun: 100, rowsForNobody: 100 * share, share });

test("passes where all bars hold, at their edges", () => {
  const edge = {
    goodShareOfPeak: 0.9,
    accepted: { count: 9, p99: 200 },
    refused: { count: 9, p99: 19.9 },
    recoveryS: 5,
    rows: rows(0.05),
  };
  expect(judged("overload-5", edge)).toEqual({ failures: [], notJudged: [], passed: true });
});

test.each<[string, Partial<PhaseReport>, RegExp]>([
  ["overload-2", { goodShareOfPeak: 0.89 }, /^2 times the peak: goodput is 0.89 of the peak/],
  ["overload-10", { accepted: { count: 9, p99: 201 } }, /^10 times the peak: P99 of accepted calls is 201 ms/],
  ["overload-5", { refused: { count: 9, p99: 20 } }, /P99 of refusals is 20 ms/],
  ["overload-5", { statuses: [{ status: 504, count: 3 }] }, /3 calls with the default deadline ended in 504/],
  ["overload-5", { recoveryS: 5.1 }, /normal again after 5.1 s/],
  ["burst", { recoveryS: null }, /^a burst of 5 peaks in 1 s: answers were not normal again/],
  ["storm", { recoveryS: 16 }, /^the burst, refused callers try again: .* 16 s/],
  ["deadline-2", { rows: rows(0.06) }, /^deadline of 50 ms at 2: 6 % of the rows ran for nobody/],
  ["leaving-0.8", { rows: rows(1) }, /^callers leave after 10 ms at 0.8: 100 % of the rows/],
])("%s fails: %j", (id, change, message) => {
  const { failures, passed } = judged(id, change);
  expect(passed).toBe(false);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(message);
});

describe("what isn't held to a bar", () => {
  test.each<[string, Partial<PhaseReport>]>([
    ["calm", { goodShareOfPeak: 0.3, refused: { count: 9, p99: 300 } }],
    ["burst", { goodShareOfPeak: 0.2 }],
    ["deadline-2", { statuses: [{ status: 504, count: 3 }], accepted: { count: 1, p99: 900 } }],
    ["overload-2", { accepted: { count: 0 }, refused: { count: 0 }, rows: undefined }],
  ])("%s: %j", (id, change) => expect(judged(id, change).passed).toBe(true));
});

test("a phase that the generator limited neither fails nor passes", () => {
  const verdict = judged("overload-10", { goodShareOfPeak: 0.1, bottleneck: "it was slow" });
  expect(verdict).toEqual({
    failures: [],
    notJudged: ["10 times the peak: the generator was the bottleneck: it was slow"],
    passed: true,
  });
  const busy = judged("overload-10", { bottleneck: "it was slow", othersShare: 0.8 });
  expect(busy.notJudged[0]).toMatch(/it was slow; other work took 80 % of the machine's processors$/);
  const all = judge(
    phases,
    phases.map((phase) => phaseReport(phase, { bottleneck: "it was slow" })),
    200,
  );
  expect(all.passed).toBe(false);
});

test("nothing passes in terms of a peak that isn't known", () => {
  const verdict = judge(phases, reportsWith("calm", {}), 200, "the machine was not steady");
  expect(verdict).toMatchObject({ passed: false, failures: ["the peak isn't known: the machine was not steady"] });
});

describe("processor time", () => {
  const server = (processorS: number, answers: number, refusals: number) => ({
    rowsRun: answers,
    processorS,
    othersS: 0,
    atS: 1,
    answers,
    refusals,
  });
  test("of answers and refusals is what makes up that of two phases", () => {
    const found = processorTimeOf(server(9, 1000, 0), server(1.05 + 0.05, 1000, 1000), server(1.05 + 0.2, 1000, 4000))!;
    expect(found.answerUs).toBeCloseTo(1050, 6);
    expect(found.refusalUs).toBeCloseTo(50, 6);
  });
  test("of an answer alone is that below the peak, where two phases don't tell", () => {
    expect(processorTimeOf(server(2, 1000, 0), server(2, 1000, 1000), server(1.9, 1000, 4000))).toEqual({
      answerUs: 2000,
    });
    expect(processorTimeOf(server(2, 1000, 0), server(2, 1000, 0), server(2, 1000, 0))).toEqual({ answerUs: 2000 });
    expect(processorTimeOf(undefined, server(2, 1000, 0), undefined)).toBeUndefined();
  });
});
