/** The page of an open-loop run: is the promise kept, and what did callers see over time? */

import type { SlaReport } from "../scenarios/sla.js";
import { figure } from "../table.js";
import type { LatencyMs, TallySummary } from "../tally.js";
import type { CurvePoint } from "../timeline.js";
import { chartFigure } from "./chart.js";
import { type RunFacts, sharedFacts } from "./facts.js";
import { latencyOverTimeChart, percentileChart } from "./latency-charts.js";
import { type Child, element } from "./markup.js";
import { intervalName } from "./over-time.js";
import { foldedTable, pageHtml } from "./page.js";
import { errorsChart, throughputChart } from "./rate-charts.js";
import { batchFigure, stageSection } from "./server-section.js";
import { count, counted, milliseconds } from "./units.js";

/** Another run, to lay over this one's percentiles. */
export interface Comparison {
  readonly name: string;
  readonly percentiles: readonly CurvePoint[];
}

export function slaPage(report: SlaReport, facts: RunFacts, comparison?: Comparison): string {
  const { scenario, settings, big, passed, timeline } = report;
  const { rate, durationS, arrivals, p95MsMax } = settings;
  const errors = errorsChart(timeline.intervals);
  const errorFigure = errors && chartFigure(errors);
  return pageHtml({
    title: `Load test${facts.model === undefined ? "" : ` of ${facts.model}`}`,
    subtitle: `${figure(rate)} rows a second for ${figure(durationS)} s, open loop, ${arrivalsText(arrivals)} arrivals (scenario ${scenario})`,
    passed,
    verdict: verdict(report),
    reasons: passed ? [] : report.failures,
    figures: figures(report),
    parts: [
      timeline.percentiles.length > 0 ? chartFigure(percentiles(report, comparison)) : undefined,
      chartFigure(latencyOverTimeChart(timeline.intervals, p95MsMax)),
      chartFigure(throughputChart(timeline.intervals, rate)),
      errorFigure,
      batchFigure(facts.server),
      stageSection(facts.server),
      element(
        "div",
        { class: "stack" },
        errorFigure ? undefined : noErrors(report),
        settings.big ? largeRequests(settings.big.rowCount, big) : undefined,
      ),
    ],
    facts: [...runFacts(report), ...sharedFacts(facts)],
    command: facts.command,
    reading: reading(report),
    table: foldedTable(
      `The run in ${counted(timeline.intervals.length, "interval")}, as a table`,
      intervalTable(report),
    ),
    data: { ...report, facts },
  });
}

function verdict({ plain, settings, passed }: SlaReport): string {
  const bound = `the objective is ${milliseconds(settings.p95MsMax)}`;
  const requests = counted(plain.requests, "one-row request");
  if (plain.latencyMs === undefined) return `None of ${requests} was answered; ${bound}.`;
  const within = `95 % of the ${counted(plain.ok, "answered one-row request")} took ${milliseconds(plain.latencyMs.p95)} or less; ${bound}.`;
  return passed ? `${within} No request failed.` : within;
}

function figures({ plain, big, rateAchieved }: SlaReport): [string, string][] {
  const latency = (key: keyof LatencyMs) => (plain.latencyMs ? milliseconds(plain.latencyMs[key]) : "none");
  const failed = plain.requests - plain.ok + big.requests - big.ok;
  return [
    ["P50", latency("p50")],
    ["P95", latency("p95")],
    ["P99", latency("p99")],
    ["P99.9", latency("p99_9")],
    ["max", latency("max")],
    ["requests", count(plain.requests + big.requests)],
    ["errors", count(failed)],
    ["rows/s", figure(rateAchieved)],
  ];
}

function percentiles({ timeline, plain, settings }: SlaReport, comparison: Comparison | undefined) {
  const curves = [
    { name: comparison ? "this run" : "one-row requests", tone: "a" as const, points: timeline.percentiles },
    ...(comparison ? [{ name: comparison.name, tone: "ghost" as const, points: comparison.percentiles }] : []),
  ];
  const note = `Of ${counted(plain.ok, "answered one-row request")}: the curve ends where a percentile would be a single request.`;
  return percentileChart(curves, { p95MsMax: settings.p95MsMax, note });
}

function noErrors({ plain, big }: SlaReport): Child {
  const said = `None: all of ${counted(plain.requests + big.requests, "request")} were answered with status 200.`;
  return element(
    "section",
    { class: "card", id: "errors-over-time" },
    element("h2", {}, "Errors"),
    element("p", { class: "note" }, said),
  );
}

function largeRequests(rowCount: number, { requests, ok, latencyMs }: TallySummary): Child {
  const latency = latencyMs
    ? `P50 ${milliseconds(latencyMs.p50)}, P95 ${milliseconds(latencyMs.p95)}, P99 ${milliseconds(latencyMs.p99)}, max ${milliseconds(latencyMs.max)}`
    : "none has a latency";
  const said = `${counted(requests, "request")} with ${count(rowCount)} rows each went by beside the others, ${count(ok)} answered: ${latency}.`;
  return element(
    "section",
    { class: "card" },
    element("h2", {}, "Large requests"),
    element("p", { class: "note" }, said),
  );
}

function runFacts({ scenario, settings, ratePlanned, rateAchieved, sendLagMs }: SlaReport): [string, string][] {
  const { rate, durationS, arrivals, connections, big } = settings;
  return [
    ["scenario", scenario],
    [
      "rate",
      `${figure(rate)} rows/s, ${arrivalsText(arrivals)} arrivals; planned ${figure(ratePlanned)}, answered ${figure(rateAchieved)} rows/s`,
    ],
    ["duration", `${figure(durationS)} s`],
    ["connections", `at most ${count(connections)}`],
    ["rows per request", big ? `1, and ${count(big.rowCount)} every ${figure(big.everyS)} s` : "1"],
    ["lateness of the generator", `P99 ${milliseconds(sendLagMs.p99)}, max ${milliseconds(sendLagMs.max)}`],
  ];
}

function reading({ sendLagMs }: SlaReport): string[] {
  return [
    "The load is an open loop: the times of sending are fixed before the run and don't wait for answers, as users don't. A latency counts from " +
      "the time its request was scheduled to leave, to the last byte of the answer. So a pause of the server is charged to every request that fell " +
      "due in it; a loop that waits for answers would have noted a single slow one (coordinated omission).",
    `Waiting for a free connection counts, and so does the generator's own lateness (P99 ${milliseconds(sendLagMs.p99)} in this run): the figures can be worse than the server, not better.`,
    "Only an answer with status 200 has a latency. Anything else is an error, and a request without an answer counts as one and with the time it waited. One error fails the run.",
    "Server and generator share this machine. Compare figures of the same machine only.",
  ];
}

function intervalTable({ timeline }: SlaReport): string[][] {
  const head = ["time", "sent", "answered", "errors", "P50 ms", "P95 ms", "P99 ms", "max ms"];
  const lines = timeline.intervals.map((interval) => {
    const { sent, answered, latencyMs } = interval;
    const failed = Object.values(interval.errors).reduce((sum, kind) => sum + kind, 0);
    const latencies = latencyMs
      ? [latencyMs.p50, latencyMs.p95, latencyMs.p99, latencyMs.max].map(figure)
      : ["", "", "", ""];
    return [intervalName(interval), count(sent), count(answered), count(failed), ...latencies];
  });
  return [head, ...lines];
}

const arrivalsText = (arrivals: SlaReport["settings"]["arrivals"]) => (arrivals === "poisson" ? "Poisson" : "even");
