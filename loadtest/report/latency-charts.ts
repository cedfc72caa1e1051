/** Latency by percentile, and over time. */

import type { CurvePoint, Interval } from "../timeline.js";
import type { Chart, LineSeries, Tone } from "./chart.js";
import { intervalName, intervalZone } from "./over-time.js";
import { linearScale, logScale, percentileScale, type Scale, timeScale } from "./scale.js";
import { milliseconds } from "./units.js";

export interface Curve {
  readonly name: string;
  readonly tone: Tone;
  readonly points: readonly CurvePoint[];
}

export interface PercentileOptions {
  /** The agreed 95th percentile, drawn as a level. */
  readonly p95MsMax?: number;
  /** Of whole milliseconds 0 is one, and has no place on a logarithmic axis. */
  readonly wholeMilliseconds?: boolean;
  readonly note: string;
}

/** @param curves - The first one's percentiles are those that can be pointed at. */
export function percentileChart(
  curves: readonly Curve[],
  { p95MsMax, wholeMilliseconds = false, note }: PercentileOptions,
): Chart {
  const x = percentileScale();
  const values = curves.flatMap(({ points }) => points.map(({ ms }) => ms));
  const [first] = curves;
  const shares = first!.points.map(({ percentile }) => x.share(percentile));
  return {
    id: "latency-by-percentile",
    title: "Latency by percentile",
    xLabel: "percentile; each further nine takes the same room",
    yLabel: `latency, ms${wholeMilliseconds ? "" : " (logarithmic)"}`,
    x,
    y: wholeMilliseconds
      ? linearScale(Math.max(1, ...values))
      : latencyScale(p95MsMax === undefined ? values : [...values, p95MsMax]),
    note,
    lines: curves.map(
      ({ name, tone, points }): LineSeries => ({
        name,
        tone,
        points: points.map(({ percentile, ms }) => ({ x: percentile, y: ms })),
      }),
    ),
    levels: objective(p95MsMax),
    zones: first!.points.map(({ percentile }, i) => ({
      ...zoneAround(shares, i),
      text: [
        `percentile ${percentile}`,
        ...curves.flatMap(({ name, points }) =>
          points.length > 0 ? [`${name}: ${milliseconds(valueAt(points, percentile))}`] : [],
        ),
      ].join("\n"),
    })),
  };
}

export function latencyOverTimeChart(intervals: readonly Interval[], p95MsMax: number): Chart {
  const middle = ({ startS, lengthS }: Interval) => startS + lengthS / 2;
  const lines = (
    [
      ["P50", "a", "p50"],
      ["P95", "b", "p95"],
      ["P99", "c", "p99"],
      ["max", "d", "max"],
    ] as const
  ).map(([name, tone, key]): LineSeries => {
    const points = intervals.map((interval) =>
      interval.latencyMs ? { x: middle(interval), y: interval.latencyMs[key] } : undefined,
    );
    return { name, tone, points };
  });
  const values = intervals.flatMap(({ latencyMs }) => (latencyMs ? [latencyMs.p50, latencyMs.max] : []));
  const { startS, lengthS } = intervals.at(-1)!;
  const endS = startS + lengthS;
  return {
    id: "latency-over-time",
    title: "Latency over time",
    xLabel: "seconds since the start, by the time a request was due",
    yLabel: "latency of one-row requests, ms (logarithmic)",
    x: timeScale(endS),
    y: latencyScale([...values, p95MsMax]),
    lines,
    levels: objective(p95MsMax),
    zones: intervals.map((interval) => {
      const { latencyMs } = interval;
      const said = latencyMs
        ? `P50 ${milliseconds(latencyMs.p50)}, P95 ${milliseconds(latencyMs.p95)}\nP99 ${milliseconds(latencyMs.p99)}, max ${milliseconds(latencyMs.max)}`
        : "no request with a latency";
      return { ...intervalZone(interval, endS), text: `${intervalName(interval)}\n${said}` };
    }),
  };
}

/** The clock's resolution is a microsecond, and 0 has no logarithm. */
function latencyScale(values: readonly number[]): Scale {
  const known = values.filter((value) => value > 0);
  if (known.length === 0) return logScale(1, 10);
  return logScale(
    Math.max(0.001, least(known)),
    known.reduce((a, b) => Math.max(a, b)),
  );
}

const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));

const objective = (p95MsMax: number | undefined) =>
  p95MsMax === undefined ? [] : [{ y: p95MsMax, label: `P95 objective ${milliseconds(p95MsMax)}` }];

/** Each band extends half-way to its neighbours. */
function zoneAround(shares: readonly number[], index: number): { start: number; width: number } {
  const here = shares[index]!;
  const start = index === 0 ? 0 : (shares[index - 1]! + here) / 2;
  const end = index === shares.length - 1 ? here + (here - start) : (here + shares[index + 1]!) / 2;
  return { start, width: Math.min(1, end) - start };
}

/** The curve's value at a percentile; its last one beyond its end. */
function valueAt(points: readonly CurvePoint[], percentile: number): number {
  return (points.find((point) => point.percentile >= percentile) ?? points.at(-1)!).ms;
}
