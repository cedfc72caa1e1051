/** Goal: the page shows each figure of an overload run, in charts whose parts add up, and says what wasn't judged. */

import { describe, expect, test } from "vitest";
import { judge } from "../../../../loadtest/overload/judge.js";
import type { PhaseReport, Slice } from "../../../../loadtest/overload/phase-report.js";
import { phasesOf } from "../../../../loadtest/overload/phases.js";
import type { OverloadReport } from "../../../../loadtest/overload/run-overload.js";
import type { RunFacts } from "../../../../loadtest/report/facts.js";
import {
  acceptedChart,
  endingsChart,
  goodputChart,
  goodputPoints,
  recoveryChart,
  rowsChart,
} from "../../../../loadtest/report/overload-charts.js";
import { overloadPage } from "../../../../loadtest/report/overload-page.js";
import { phaseReport } from "../overload/phase-reports.js";

const planned = phasesOf({ durationS: 60, deadlineMs: 50, leaveAfterMs: 10 });
const slice = (startS: number, good: number, refused: number): Slice => ({
  startS,
  lengthS: 0.25,
  offered: good + refused,
  good,
  late: 0,
  refused,
  failed: 0,
});
const slices = Array.from({ length: 280 }, (_, i) => (i < 244 ? slice(i / 4, 250, 2250) : slice(i / 4, 200, 0)));
const phases = planned.map((phase) =>
  phaseReport(phase, { slices: phase.durationS === 60 ? slices : slices.slice(236) }),
);
const search = { saturateS: 2, coarseS: 2.5, fineS: 4, repeats: 2 };
const report: OverloadReport = {
  scenario: "overload",
  settings: {
    durationS: 60,
    deadlineMs: 50,
    leaveAfterMs: 10,
    objectiveMs: 200,
    rowsPerCall: 1,
    connectionsMax: 4096,
    recoveryS: 20,
    search,
    drainMs: 10_000,
    peak: undefined,
  },
  peak: {
    goodput: 1000,
    rate: 1000,
    steps: [
      { rate: 500, goodput: 500, bottleneck: undefined },
      { rate: 1000, goodput: 990, bottleneck: undefined },
      { rate: 1000, goodput: 1010, bottleneck: undefined },
    ],
    doubt: undefined,
  },
  phases,
  processorTime: { answerUs: 1070, refusalUs: 21.4 },
  ...judge(planned, phases, 200),
};
const facts: RunFacts = {
  model: "spin/1",
  url: "http://127.0.0.1:8080/models/spin/predict",
  machine: { cpu: "A processor", cores: 2, memoryGB: 8, system: "linux 6", node: "v20.0.0", versions: {} },
  finished: "2026-01-02T03:04:05.678Z",
  command: "npm run loadtest -- --scenario overload",
  server: { why: "not read" },
};

const wordsOf = (html: string) =>
  html
    .replace(/<(script|style)[\s\S]*?<\/\1>/g, "")
    .replace(/<title>[\s\S]*?<\/title>/g, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");

const withPhase = (id: string, change: Partial<PhaseReport>): OverloadReport => {
  const changed = phases.map((phase) => (phase.id === id ? { ...phase, ...change } : phase));
  return { ...report, phases: changed, ...judge(planned, changed, 200) };
};

describe("charts", () => {
  test("goodput has a point for each rate, several steps at one rate by their median", () => {
    expect(goodputPoints(report.peak, phases)).toEqual([
      { factor: 0.5, goodput: 500 },
      { factor: 0.8, goodput: 800 },
      { factor: 1, goodput: 1000 },
      { factor: 2, goodput: 1000 },
      { factor: 5, goodput: 1000 },
      { factor: 10, goodput: 1000 },
    ]);
    const { lines, zones } = goodputChart(report.peak, phases);
    expect(lines!.map(({ name }) => name)).toEqual(["ideal", "measured"]);
    expect(zones).toHaveLength(6);
    expect(zones.at(-1)!.text).toMatch(/10 times the peak: 10,000 calls\/s\n1,000\/s in time, 1 of the peak/);
  });

  test("latency bars end at P99", () => {
    const { bars, levels, zones } = acceptedChart(phases, 200);
    expect(zones).toHaveLength(6);
    for (let band = 0; band < 6; band++)
      expect(bars!.reduce((sum, { values }) => sum + values[band]!, 0)).toBeCloseTo(100);
    expect(levels).toEqual([{ y: 200, label: "objective 200 ms" }]);
  });

  test("endings add up to all calls, and a way to end that none took has no key", () => {
    const { bars, zones } = endingsChart(phases);
    expect(zones).toHaveLength(10);
    for (let band = 0; band < 10; band++)
      expect(bars!.reduce((sum, { values }) => sum + values[band]!, 0)).toBeCloseTo(100);
    expect(bars!.map(({ name }) => name)).toEqual(["in time", "429, 503"]);
  });

  test("rows for nobody are left out where the server doesn't say what it ran", () => {
    expect(rowsChart(phases)!.zones).toHaveLength(10);
    expect(rowsChart(phases.map((phase) => ({ ...phase, rows: undefined })))).toBeUndefined();
  });

  test("recovery shows the end of the overload and what came after, in seconds from it", () => {
    const { bars, x, zones, verticals } = recoveryChart(phases[3]!);
    expect(zones).toHaveLength(52); // 3 s before, 10 s after
    expect(x.ticks.map(({ label }) => label)).toEqual(["-2", "0", "2", "4", "6", "8", "10"]);
    expect(x.share(verticals![0]!.x)).toBeCloseTo(3 / 13);
    for (let band = 0; band < 52; band++)
      expect(bars!.reduce((sum, { values }) => sum + values[band]!, 0)).toBeCloseTo(100);
  });
});

describe("the page", () => {
  test("of a run that passes", () => {
    const html = overloadPage(report, facts);
    const words = wordsOf(html);
    for (const said of [
      "✓ Passed. The peak is 1,000 calls a second answered within 200 ms.",
      "Offered 2, 5 and 10 times as many, the server answered 1.00, 1.00 and 1.00 of the peak in time.",
      "1,070 µs",
      "21.4 µs",
      "took up to 0 % of the machine&#39;s processors",
      "spin/1",
      "callers leave after 10 ms at 0.8",
    ]) {
      expect(words).toContain(said);
    }
    for (const id of [
      "goodput-by-load",
      "accepted-latency",
      "call-endings",
      "rows-for-nobody",
      "recovery-overload-10",
      "recovery-storm",
    ]) {
      expect(html).toContain(`id="${id}"`);
    }
    expect(words).not.toContain("Not judged");
    expect(html.length).toBeLessThan(400_000);
  });

  test("of a run that fails", () => {
    const words = wordsOf(overloadPage(withPhase("overload-10", { recoveryS: null, goodShareOfPeak: 0.1 }), facts));
    expect(words).toMatch(/✗ Failed\. .* answered 1\.00, 1\.00 and 0\.10 of the peak in time/);
    expect(words).toContain("10 times the peak: goodput is 0.1 of the peak, less than 0.9");
    expect(words).toContain("Answers weren&#39;t normal again in the time shown.");
  });

  test("says which phases weren't judged", () => {
    const words = wordsOf(overloadPage(withPhase("storm", { bottleneck: "it took 99 % of a processor" }), facts));
    expect(words).toContain("1 phase not judged");
    expect(words).toContain(
      "the burst, refused callers try again: the generator was the bottleneck: it took 99 % of a processor.",
    );
  });
});
