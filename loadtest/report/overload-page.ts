/** The page of an overload run: a server under more calls than it can answer, and afterwards. */

import { bars } from "../overload/judge.js";
import type { PhaseReport } from "../overload/phase-report.js";
import { countOf, recoveryText } from "../overload/report-text.js";
import type { OverloadReport } from "../overload/run-overload.js";
import { figure } from "../table.js";
import { chartFigure } from "./chart.js";
import { type RunFacts, sharedFacts } from "./facts.js";
import { type Child, element } from "./markup.js";
import { acceptedChart, endingsChart, goodputChart, recoveryChart, rowsChart } from "./overload-charts.js";
import { foldedTable, pageHtml } from "./page.js";
import { count, counted, milliseconds, percent } from "./units.js";

export function overloadPage(report: OverloadReport, facts: RunFacts): string {
  const { phases, peak, settings, passed, failures } = report;
  const rows = rowsChart(phases);
  const recovered = ["overload-10", "burst", "storm"].flatMap((id) => phases.filter((phase) => phase.id === id));
  return pageHtml({
    title: `Overload${facts.model === undefined ? "" : ` of ${facts.model}`}`,
    subtitle: `2, 5 and 10 times the peak for ${figure(settings.durationS)} s each, bursts, retries, short deadlines and callers that leave; open loop, Poisson arrivals (scenario overload)`,
    passed,
    verdict: verdict(report),
    reasons: failures,
    figures: figures(report),
    parts: [
      chartFigure(goodputChart(peak, phases)),
      chartFigure(acceptedChart(phases, settings.objectiveMs)),
      chartFigure(endingsChart(phases)),
      rows && chartFigure(rows),
      ...recovered.filter(({ slices }) => slices.length > 0).map((phase) => chartFigure(recoveryChart(phase))),
      notJudged(report),
    ],
    facts: [...runFacts(report), ...sharedFacts(facts)],
    command: facts.command,
    reading,
    table: foldedTable("The phases as a table", phaseTable(phases)),
    data: { ...report, facts },
  });
}

function verdict({ phases, peak, settings, notJudged: skipped }: OverloadReport): string {
  const overloads = phases.filter(({ id }) => id.startsWith("overload-"));
  const apart = skipped.length === 0 ? "" : ` ${counted(skipped.length, "phase")} not judged.`;
  return (
    `The peak is ${count(peak.goodput)} calls a second answered within ${milliseconds(settings.objectiveMs)}. ` +
    `Offered ${listed(overloads.map(({ factor }) => String(factor)))} times as many, the server answered ` +
    `${listed(overloads.map(({ goodShareOfPeak }) => goodShareOfPeak.toFixed(2)))} of the peak in time.${apart}`
  );
}

const listed = (words: readonly string[]) => `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

function figures({ phases, peak, settings, processorTime }: OverloadReport): [string, string][] {
  const overloads = phases.filter(({ id }) => id.startsWith("overload-"));
  const worst = (values: readonly (number | undefined)[]) => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const recoveries = phases.map(({ recoveryS }) => (recoveryS === null ? Infinity : recoveryS));
  const longest = worst(recoveries);
  const refused = worst(phases.map(({ refused: { p99 } }) => p99));
  const accepted = worst(overloads.map(({ accepted: { p99 } }) => p99));
  const unused = worst(phases.map(({ rows }) => rows?.share));
  return [
    ["peak goodput", `${figure(peak.goodput)}/s`],
    ...(settings.rowsPerCall > 1
      ? [["peak, rows", `${figure(peak.goodput * settings.rowsPerCall)}/s`] as [string, string]]
      : []),
    ...overloads.map(({ factor, goodShareOfPeak }): [string, string] => [
      `kept at ${factor} times`,
      goodShareOfPeak.toFixed(2),
    ]),
    ["worst P99 accepted", accepted === undefined ? "none" : milliseconds(accepted)],
    ["worst P99 refused", refused === undefined ? "none" : milliseconds(refused)],
    ["most for nobody", unused === undefined ? "not known" : percent(unused)],
    [
      "longest recovery",
      longest === undefined ? "none" : Number.isFinite(longest) ? `${figure(longest)} s` : "not yet",
    ],
    ...(processorTime === undefined
      ? []
      : [["processor, an answer", `${figure(processorTime.answerUs)} µs`] as [string, string]]),
    ...(processorTime?.refusalUs === undefined
      ? []
      : [["processor, a refusal", `${figure(processorTime.refusalUs)} µs`] as [string, string]]),
  ];
}

function notJudged({ notJudged: skipped }: OverloadReport): Child {
  const lines = skipped.map((line) => `${line}.`);
  if (lines.length === 0) return undefined;
  return element(
    "section",
    { class: "card", id: "not-judged" },
    element("h2", {}, "Not judged"),
    lines.map((line) => element("p", { class: "note" }, line)),
  );
}

function runFacts({ settings, peak, phases }: OverloadReport): [string, string][] {
  const lag = Math.max(...phases.map(({ generator }) => generator.lagMsP99));
  const others = phases.flatMap(({ othersShare }) => (othersShare === undefined ? [] : [othersShare]));
  const share = Math.max(...phases.map(({ generator }) => generator.processorShare));
  return [
    ["scenario", "overload"],
    ["objective", milliseconds(settings.objectiveMs)],
    [
      "peak",
      settings.peak === undefined
        ? `found in ${counted(peak.steps.length, "step")}, at ${count(peak.rate)} calls/s`
        : "as it was given",
    ],
    ["rows in a call", count(settings.rowsPerCall)],
    ["connections", `at most ${count(settings.connectionsMax)}`],
    [
      "other work",
      others.length === 0
        ? "not known"
        : `took up to ${percent(Math.max(...others))} of the machine's processors in a phase`,
    ],
    [
      "the generator",
      `calls left at most ${milliseconds(lag)} late (P99 of the worst phase); it took up to ${percent(share)} of a processor`,
    ],
  ];
}

const reading = [
  "The load is an open loop: times of sending are fixed before each phase and don't wait for answers. A latency counts from when its call was meant to leave. Goodput is what was answered with 200 within the objective, per second.",
  `Bars: at 2, 5 and 10 times the peak at least ${bars.goodShareOfPeakMin} of it is kept; P99 of the answered calls within the objective; P99 of refusals under ${bars.refusedMsP99Max} ms; no 504 for calls with the default deadline; at most ${100 * bars.rowsForNobodyShareMax} % of the rows run for nobody; normal again within ${bars.recoverySMax} s.`,
  "Rows for nobody come from the server's own count of rows that ran (plumb_batch_rows), less those that a caller got while it waited and before its own deadline.",
  "Where calls left late or the generator took nearly a whole processor, a phase says more of the generator than of the server, and isn't judged. Server and generator share this machine.",
];

function phaseTable(phases: readonly PhaseReport[]): string[][] {
  const head = [
    "phase",
    "offered/s",
    "in time/s",
    "of the peak",
    "P50 ms",
    "P95 ms",
    "P99 ms",
    "late",
    "429, 503",
    "P99 ms",
    "504",
    "left, lost, no reply",
    "for nobody",
    "normal after",
    "generator late, P99 ms",
  ];
  const ms = (value: number | undefined) => (value === undefined ? "" : figure(value));
  const lines = phases.map((phase) => [
    phase.title,
    count(phase.offeredPerSecond),
    count(phase.goodPerSecond),
    phase.goodShareOfPeak.toFixed(2),
    ms(phase.accepted.p50),
    ms(phase.accepted.p95),
    ms(phase.accepted.p99),
    count(phase.late),
    count(phase.refused.count),
    ms(phase.refused.p99),
    count(countOf(phase, 504)),
    count(phase.leftByClient + phase.lost + phase.unanswered),
    phase.rows === undefined ? "" : percent(phase.rows.share),
    phase.recoveryS === undefined ? "" : recoveryText(phase),
    figure(phase.generator.lagMsP99),
  ]);
  return [head, ...lines];
}
