/**
 * A run over time, and its latency by percentile: worked out of the log of its requests once it is over.
 *
 * A latency belongs to the interval in which its request was due, not to the one in which the answer came: a pause then
 * shows where it hurt. Large requests count into what was sent, answered and failed, and not into the latency, which is
 * that of one row.
 */

import type { RequestLog } from "./request-log.js";
import { unanswered } from "./tally.js";

export interface Interval {
  readonly startS: number;
  readonly lengthS: number;
  /** Requests that left, were answered with 200, or ended in an error, in this interval. */
  readonly sent: number;
  readonly answered: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Latency of the one-row requests due in this interval; undefined where none of them has a latency. */
  readonly latencyMs:
    | { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }
    | undefined;
}

export interface CurvePoint {
  readonly percentile: number;
  readonly ms: number;
}

export interface Timeline {
  readonly intervals: readonly Interval[];
  /**
   * Latency of the one-row requests, from the 50th percentile to the last that is more than a single request, up to
   * the 99.99th.
   */
  readonly percentiles: readonly CurvePoint[];
}

/** Intervals are of one second, until there would be more than this; then of a round number of seconds. */
const intervalsMax = 300;
const intervalSeconds = [1, 2, 5, 10, 15, 30, 60];

export function timelineOf(log: RequestLog, durationS: number): Timeline {
  const kindOf = log.errorKinds();
  const endS = log.endedMs.reduce((last, ms) => Math.max(last, ms / 1000), durationS);
  const grid = gridOf(durationS, endS);
  const drafts = grid.map((place) => ({
    ...place,
    sent: 0,
    answered: 0,
    errors: {} as Record<string, number>,
    latencies: [] as number[],
  }));
  const at = (ms: number) =>
    drafts[Math.min(drafts.length - 1, Math.max(0, Math.floor(ms / 1000 / grid[0]!.lengthS)))]!;
  const all: number[] = [];
  for (const [index, { atMs, rowCount }] of log.plan.entries()) {
    const sentMs = log.sentMs[index]!;
    const endedMs = log.endedMs[index]!;
    if (Number.isNaN(sentMs) || Number.isNaN(endedMs)) continue;
    at(sentMs).sent++;
    const kind = kindOf(index);
    const ending = at(endedMs);
    if (kind === undefined) ending.answered++;
    else ending.errors[kind] = (ending.errors[kind] ?? 0) + 1;
    // As in the tally: an error has no latency, and what was never answered has waited at least so long.
    if (rowCount > 1 || (kind !== undefined && kind !== unanswered)) continue;
    all.push(endedMs - atMs);
    at(atMs).latencies.push(endedMs - atMs);
  }
  return {
    intervals: drafts.map(({ latencies, ...interval }) => ({ ...interval, latencyMs: summaryOf(latencies) })),
    percentiles: curveOf(all),
  };
}

/**
 * The intervals: all of one length but the last of the plan, which ends with it. Answers that come later than the
 * plan's end get intervals of their own where they take a second or more, and else count to the last.
 */
function gridOf(durationS: number, endS: number): { startS: number; lengthS: number }[] {
  const late = endS - durationS >= 1 ? endS : durationS;
  const step = intervalSeconds.find((seconds) => late / seconds <= intervalsMax) ?? Math.ceil(late / intervalsMax);
  return Array.from({ length: Math.max(1, Math.ceil(late / step)) }, (_, i) => ({
    startS: i * step,
    lengthS: Math.min(step, late - i * step),
  }));
}

/** The smallest value that at least this share of all values doesn't exceed. */
function nearestRank(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share - 1e-9) - 1)]!;
}

function summaryOf(latencies: readonly number[]): Interval["latencyMs"] {
  if (latencies.length === 0) return undefined;
  const sorted = Float64Array.from(latencies).sort();
  const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((share) => rounded(nearestRank(sorted, share))) as [
    number,
    number,
    number,
    number,
  ];
  return { p50, p95, p99, max };
}

/** Evenly spaced where `log10(1 / (1 - share))` is the axis, so that each further nine gets as much room. */
const stepsPerNine = 16;
const ninesMax = 4;

function curveOf(latencies: readonly number[]): CurvePoint[] {
  const sorted = Float64Array.from(latencies).sort();
  const first = Math.log10(2);
  const last = Math.min(ninesMax, Math.log10(sorted.length));
  if (sorted.length < 2) return [];
  const steps = Math.max(1, Math.round((last - first) * stepsPerNine));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const share = 1 - 10 ** -(first + ((last - first) * i) / steps);
    return { percentile: Number((100 * share).toPrecision(6)), ms: rounded(nearestRank(sorted, share)) };
  });
}

/** To the microsecond: the clock knows no more, and the page is smaller for it. */
const rounded = (ms: number) => Number(ms.toFixed(3));
