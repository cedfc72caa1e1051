/** Goal: the page says in words what the run came to, and stays small however long the run was. */

import { describe, expect, test } from "vitest";
import type { RunFacts } from "../../../../loadtest/report/facts.js";
import { slaPage } from "../../../../loadtest/report/sla-page.js";
import type { SlaReport } from "../../../../loadtest/scenarios/sla.js";
import type { Interval } from "../../../../loadtest/timeline.js";

const latencyMs = { p50: 0.6, p95: 1.31, p99: 3.2, p99_9: 8.1, max: 12.5 };
const none = { requests: 0, ok: 0, errors: {}, latencyMs: undefined };

const intervals = (count: number): Interval[] =>
  Array.from({ length: count }, (_, startS) => ({
    startS,
    lengthS: 1,
    sent: 199,
    answered: 198,
    errors: { "status 503": 1, ECONNREFUSED: startS % 3 },
    latencyMs: {
      p50: 0.612 + startS / 1000,
      p95: 1.314 + startS / 1000,
      p99: 3.217 + startS / 1000,
      max: 12.518 + startS / 1000,
    },
  }));

const report: SlaReport = {
  scenario: "sla",
  settings: {
    rate: 200,
    durationS: 20,
    arrivals: "poisson",
    connections: 128,
    p95MsMax: 200,
    big: undefined,
    drainMs: 10_000,
  },
  plain: { requests: 4012, ok: 4012, errors: {}, latencyMs },
  big: none,
  elapsedS: 20,
  sendLagMs: { p99: 0.05, max: 0.4 },
  ratePlanned: 200.6,
  rateAchieved: 200.6,
  timeline: {
    intervals: intervals(20).map((interval) => ({ ...interval, errors: {} })),
    percentiles: [{ percentile: 50, ms: 0.6 }],
  },
  failures: [],
  passed: true,
};

const facts: RunFacts = {
  model: "demand/1",
  url: "http://127.0.0.1:8080/predict",
  machine: { cpu: "A processor", cores: 2, memoryGB: 8, system: "linux 6", node: "v20.0.0", versions: {} },
  finished: "2026-01-02T03:04:05.000Z",
  command: "npm run loadtest",
  server: { why: "nobody answers" },
};

const wordsOf = (html: string) =>
  html
    .replace(/<(style|script)[\s\S]*?<\/\1>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");

describe("the words", () => {
  test("of a run that passes", () => {
    const words = wordsOf(slaPage(report, facts));
    expect(words).toContain(
      "✓ Passed. 95 % of the 4,012 answered one-row requests took 1.31 ms or less; the objective is 200 ms. No request failed.",
    );
    for (const said of [
      "from the time its request was scheduled to leave",
      "A processor, 2 cores, 8 GB",
      "2026-01-02 03:04:05 UTC",
      "v20.0.0",
    ]) {
      expect(words).toContain(said);
    }
    expect(words).toContain("None: all of 4,012 requests were answered with status 200.");
  });

  test("of a run that fails", () => {
    const failures = ["one-row requests: 12 ended in status 503", "P95 is 250 ms, over the bound of 200 ms"];
    const words = wordsOf(slaPage({ ...report, failures, passed: false }, facts));
    expect(words).toContain(
      "✗ Failed. 95 % of the 4,012 answered one-row requests took 1.31 ms or less; the objective is 200 ms.",
    );
    expect(words).not.toContain("No request failed");
    for (const failure of failures) expect(words).toContain(failure);
  });

  test("of a run that nobody answered", () => {
    const plain = { requests: 12, ok: 0, errors: { ECONNREFUSED: 12 }, latencyMs: undefined };
    const timeline = {
      intervals: intervals(1).map((interval) => ({ ...interval, latencyMs: undefined })),
      percentiles: [],
    };
    const html = slaPage({ ...report, plain, timeline, failures: ["no row was answered"], passed: false }, facts);
    expect(wordsOf(html)).toContain("✗ Failed. None of 12 one-row requests was answered; the objective is 200 ms.");
    expect(html).not.toContain("latency-by-percentile");
  });
});

test("the most intervals that a run has make a page under 300 kB", () => {
  expect(
    slaPage({ ...report, timeline: { ...report.timeline, intervals: intervals(300) } }, facts).length,
  ).toBeLessThan(300_000);
});
