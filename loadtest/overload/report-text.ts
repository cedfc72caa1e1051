/** The scenario's report for a terminal. */

import { figure, textTable } from "../table.js";
import type { PhaseReport } from "./phase-report.js";
import type { OverloadReport } from "./run-overload.js";

export function overloadText({
  peak,
  phases,
  settings,
  processorTime,
  failures,
  notJudged,
  passed,
}: OverloadReport): string {
  const head = [
    "phase",
    "offered/s",
    "good/s",
    "of peak",
    "P50",
    "P95",
    "P99 ms",
    "late",
    "refused",
    "P99 ms",
    "504",
    "for nobody",
    "normal after",
  ];
  const generator = ["phase", "late P99 ms", "max", "processor", "others", "statuses", "retry-after"];
  return [
    `objective ${figure(settings.objectiveMs)} ms, ${settings.rowsPerCall} rows a call; peak goodput ${figure(peak.goodput)} calls/s` +
      (settings.rowsPerCall > 1 ? ` (${figure(peak.goodput * settings.rowsPerCall)} rows/s)` : ""),
    "",
    textTable([head, ...phases.map(phaseLine)]),
    "",
    "the generator, how busy the machine was with other work, and what was answered:",
    textTable([generator, ...phases.map(generatorLine)]),
    "",
    ...(processorTime === undefined
      ? []
      : [
          `processor time of the server: ${figure(processorTime.answerUs)} us an answer` +
            (processorTime.refusalUs === undefined ? "" : `, about ${figure(processorTime.refusalUs)} us a refusal`),
        ]),
    ...notJudged.map((line) => `not judged: ${line}`),
    ...(passed ? ["PASS"] : failures.map((failure) => `FAIL: ${failure}`)),
  ].join("\n");
}

function phaseLine(report: PhaseReport): string[] {
  const { title, offeredPerSecond, goodPerSecond, goodShareOfPeak, accepted, late, refused, rows } = report;
  const ms = (value: number | undefined) => (value === undefined ? "-" : figure(value));
  return [
    title,
    figure(offeredPerSecond),
    figure(goodPerSecond),
    goodShareOfPeak.toFixed(2),
    ...[accepted.p50, accepted.p95, accepted.p99].map(ms),
    String(late),
    String(refused.count),
    ms(refused.p99),
    String(countOf(report, 504)),
    rows === undefined ? "-" : `${figure(100 * rows.share)} %`,
    recoveryText(report),
  ];
}

function generatorLine(report: PhaseReport): string[] {
  const { title, generator, statuses, leftByClient, lost, unanswered, retryAfter } = report;
  const others = [
    ["left", leftByClient],
    ["lost", lost],
    ["no reply", unanswered],
  ] as const;
  return [
    title,
    figure(generator.lagMsP99),
    figure(generator.lagMsMax),
    `${Math.round(100 * generator.processorShare)} %`,
    report.othersShare === undefined ? "-" : `${Math.round(100 * report.othersShare)} %`,
    [
      ...statuses.map(({ status, count }) => `${status}: ${count}`),
      ...others.flatMap(([name, count]) => (count === 0 ? [] : [`${name}: ${count}`])),
    ].join(", ") || "-",
    retryAfter.map(({ seconds, count }) => `${seconds} s: ${count}`).join(", ") || "-",
  ];
}

export function countOf({ statuses }: Pick<PhaseReport, "statuses">, status: number): number {
  return statuses.find((one) => one.status === status)?.count ?? 0;
}

export function recoveryText({ recoveryS }: Pick<PhaseReport, "recoveryS">): string {
  if (recoveryS === undefined) return "-";
  return recoveryS === null ? "not yet" : `${figure(recoveryS)} s`;
}
