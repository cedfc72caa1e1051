/** The page of a closed-loop run: how much does the server do at each number of connections? */

import type { SaturationLevel, SaturationReport } from "../scenarios/saturation.js";
import { figure } from "../table.js";
import { type Chart, chartFigure, type LineSeries, type Tone } from "./chart.js";
import { type RunFacts, sharedFacts } from "./facts.js";
import { percentileChart } from "./latency-charts.js";
import { type Child, element } from "./markup.js";
import { intervalName, intervalZone } from "./over-time.js";
import { foldedTable, pageHtml } from "./page.js";
import { linearScale, timeScale } from "./scale.js";
import { bandScale, batchFigure, stageSection } from "./server-section.js";
import { count, counted, milliseconds } from "./units.js";

export function saturationPage(report: SaturationReport, facts: RunFacts): string {
  const { levels, passed, durationS, generator } = report;
  const best = levels.reduce((a, b) => (b.requestsPerSecond > a.requestsPerSecond ? b : a));
  const failed = levels.reduce((sum, { errors }) => sum + errors, 0);
  return pageHtml({
    title: `Saturation${facts.model === undefined ? "" : ` of ${facts.model}`}`,
    subtitle: `each connection asks again as soon as it is answered, ${figure(durationS)} s at each number of connections (scenario saturation)`,
    passed,
    verdict: `The most was ${count(best.requestsPerSecond)} requests a second, at ${connectionsText(best)}. ${passed ? "No request failed." : `${counted(failed, "request")} failed.`}`,
    reasons: levels.flatMap((level) =>
      Object.entries(level.errorsByKind).map(
        ([kind, times]) => `${connectionsText(level)}: ${count(times)} ended in ${kind}`,
      ),
    ),
    figures: [
      ...levels.map((level): [string, string] => [
        `at ${connectionsText(level)}`,
        `${figure(level.requestsPerSecond)}/s`,
      ]),
      ["errors", count(failed)],
    ],
    parts: [
      chartFigure(throughputByLevel(levels)),
      chartFigure(throughputOverTime(levels)),
      chartFigure(
        percentileChart(
          levels.map((level, i) => ({
            name: connectionsText(level),
            tone: tones[i % tones.length]!,
            points: level.percentiles,
          })),
          { wholeMilliseconds: true, note: `${generator} counts whole milliseconds, and its own time counts in.` },
        ),
      ),
      batchFigure(facts.server),
      stageSection(facts.server),
      element("div", { class: "stack" }, errors(levels, failed)),
    ],
    facts: [
      ["scenario", "saturation"],
      ["generator", `${generator}, closed loop`],
      ["duration", `${figure(durationS)} s at each number of connections`],
      ["connections", levels.map(({ connections }) => connections).join(", ")],
      ["rows per request", "1"],
      ...sharedFacts(facts),
    ],
    command: facts.command,
    reading: [
      "The load is a closed loop: a connection sends its next request when the last one is answered. That finds what a server can do, and hides what callers would wait for while it pauses; for that see the scenario sla, whose load is an open loop.",
      "Server and generator share this machine, and the generator takes more time than a fast server: it measures itself as much. `npm run bench` measures with wrk where it is installed.",
    ],
    table: foldedTable("The levels as a table", levelTable(levels)),
    data: { ...report, facts },
  });
}

const tones: readonly Tone[] = ["a", "b", "c"];

function throughputByLevel(levels: readonly SaturationLevel[]): Chart {
  const width = 1 / levels.length;
  return {
    id: "throughput-by-connections",
    title: "Throughput by connections",
    xLabel: "connections",
    yLabel: "requests per second",
    x: bandScale(levels.map(({ connections }) => String(connections))),
    y: linearScale(Math.max(...levels.map(({ requestsPerSecond }) => requestsPerSecond))),
    bars: [
      { name: "requests per second", tone: "a", values: levels.map(({ requestsPerSecond }) => requestsPerSecond) },
    ],
    zones: levels.map((level, i) => ({
      start: i * width,
      width,
      text: `${connectionsText(level)}\n${figure(level.requestsPerSecond)} requests/s\nP50 ${milliseconds(level.p50Ms)}, P99 ${milliseconds(level.p99Ms)}`,
    })),
  };
}

function throughputOverTime(levels: readonly SaturationLevel[]): Chart {
  const seconds = Math.max(1, ...levels.map(({ perSecond }) => perSecond.length));
  const lines = levels.map((level, i): LineSeries => {
    return {
      name: connectionsText(level),
      tone: tones[i % tones.length]!,
      points: level.perSecond.map((y, second) => ({ x: second + 0.5, y })),
    };
  });
  return {
    id: "throughput-over-time",
    title: "Throughput over time",
    xLabel: "seconds since the start of each level",
    yLabel: "replies per second",
    x: timeScale(seconds),
    y: linearScale(Math.max(1, ...levels.flatMap(({ perSecond }) => perSecond))),
    lines,
    zones: Array.from({ length: seconds }, (_, second) => {
      const interval = { startS: second, lengthS: 1 };
      const said = levels.flatMap((level) =>
        level.perSecond[second] === undefined ? [] : [`${connectionsText(level)}: ${count(level.perSecond[second])}/s`],
      );
      return { ...intervalZone(interval, seconds), text: [intervalName(interval), ...said].join("\n") };
    }),
  };
}

function errors(levels: readonly SaturationLevel[], failed: number): Child {
  const said =
    failed === 0
      ? "None at any number of connections."
      : levels
          .flatMap((level) =>
            Object.entries(level.errorsByKind).map(
              ([kind, times]) => `${connectionsText(level)}: ${kind}, ${count(times)}.`,
            ),
          )
          .join(" ");
  return element(
    "section",
    { class: "card", id: "errors" },
    element("h2", {}, "Errors"),
    element("p", { class: "note" }, said),
  );
}

function levelTable(levels: readonly SaturationLevel[]): string[][] {
  const lines = levels.map(({ connections, requestsPerSecond, p50Ms, p99Ms, errors: failed }) => [
    String(connections),
    count(requestsPerSecond),
    figure(p50Ms),
    figure(p99Ms),
    count(failed),
  ]);
  return [["connections", "requests/s", "P50 ms", "P99 ms", "errors"], ...lines];
}

const connectionsText = ({ connections }: SaturationLevel) => counted(connections, "connection");
