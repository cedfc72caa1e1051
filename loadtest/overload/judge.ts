/** Does the server keep its promise to the calls that it takes, and refuse the others at once? */

import { figure } from "../table.js";
import type { PhaseReport } from "./phase-report.js";
import type { Bar, Phase } from "./phases.js";

export const bars = {
  goodShareOfPeakMin: 0.9,
  refusedMsP99Max: 20,
  rowsForNobodyShareMax: 0.05,
  recoverySMax: 5,
} as const;

export interface Verdict {
  /** A sentence for each bar that is missed. */
  readonly failures: readonly string[];
  /** Phases that don't count for the server, with the reason. */
  readonly notJudged: readonly string[];
  readonly passed: boolean;
}

const misses: Readonly<Record<Bar, (report: PhaseReport, objectiveMs: number) => string | undefined>> = {
  goodput: ({ goodShareOfPeak }) =>
    goodShareOfPeak >= bars.goodShareOfPeakMin
      ? undefined
      : `goodput is ${figure(goodShareOfPeak)} of the peak, less than ${bars.goodShareOfPeakMin}`,
  accepted: ({ accepted: { p99 } }, objectiveMs) =>
    p99 === undefined || p99 <= objectiveMs
      ? undefined
      : `P99 of accepted calls is ${figure(p99)} ms, over ${figure(objectiveMs)} ms`,
  refused: ({ refused: { p99 } }) =>
    p99 === undefined || p99 < bars.refusedMsP99Max
      ? undefined
      : `P99 of refusals is ${figure(p99)} ms, not under ${bars.refusedMsP99Max} ms`,
  expired: ({ statuses }) => {
    const expired = statuses.find(({ status }) => status === 504)?.count ?? 0;
    return expired === 0 ? undefined : `${expired} calls with the default deadline ended in 504`;
  },
  rows: ({ rows }) =>
    rows === undefined || rows.share <= bars.rowsForNobodyShareMax
      ? undefined
      : `${figure(100 * rows.share)} % of the rows ran for nobody, over ${100 * bars.rowsForNobodyShareMax} %`,
  recovery: ({ recoveryS }) => {
    if (recoveryS === null) return "answers were not normal again before the phase ended";
    return recoveryS === undefined || recoveryS <= bars.recoverySMax
      ? undefined
      : `answers were normal again after ${figure(recoveryS)} s, over ${bars.recoverySMax} s`;
  },
};

/**
 * @param reports - One for each phase, in the same order.
 * @param doubt - Why the peak isn't known, in which case nothing can pass: every phase is measured in terms of it.
 */
export function judge(
  phases: readonly Phase[],
  reports: readonly PhaseReport[],
  objectiveMs: number,
  doubt?: string,
): Verdict {
  const notJudged = reports.flatMap(({ title, bottleneck, othersShare = 0 }) => {
    if (bottleneck === undefined) return [];
    const others =
      othersShare > 0.1 ? `; other work took ${Math.round(100 * othersShare)} % of the machine's processors` : "";
    return [`${title}: the generator was the bottleneck: ${bottleneck}${others}`];
  });
  const failures = phases.flatMap(({ bars: held, title }, i) => {
    const report = reports[i]!;
    if (report.bottleneck !== undefined) return [];
    return held.flatMap((bar) => {
      const missed = misses[bar](report, objectiveMs);
      return missed === undefined ? [] : [`${title}: ${missed}`];
    });
  });
  if (doubt !== undefined) failures.push(`the peak isn't known: ${doubt}`);
  if (notJudged.length === reports.length) failures.push("no phase says anything of the server");
  return { failures, notJudged, passed: failures.length === 0 };
}
