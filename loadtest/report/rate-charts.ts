/** Requests sent, answered and failed over time. */

import { figure } from "../table.js";
import type { Interval } from "../timeline.js";
import type { BarSeries, Chart, Tone } from "./chart.js";
import { intervalName, intervalZone } from "./over-time.js";
import { linearScale, timeScale } from "./scale.js";
import { counted } from "./units.js";

export function throughputChart(intervals: readonly Interval[], ratePlanned: number): Chart {
  const perSecond = (key: "sent" | "answered") => intervals.map((interval) => interval[key] / interval.lengthS);
  const [sent, answered] = [perSecond("sent"), perSecond("answered")];
  const endS = endOf(intervals);
  const points = (rates: readonly number[]) =>
    rates.map((y, i) => ({ x: intervals[i]!.startS + intervals[i]!.lengthS / 2, y }));
  return {
    id: "throughput-over-time",
    title: "Throughput over time",
    xLabel: "seconds since the start",
    yLabel: "requests per second",
    x: timeScale(endS),
    y: linearScale([...sent, ...answered, ratePlanned].reduce((a, b) => Math.max(a, b))),
    lines: [
      { name: "answered with 200", tone: "a", points: points(answered) },
      { name: "sent", tone: "c", points: points(sent) }, // dashed, on top: where both agree, both are seen
    ],
    zones: intervals.map((interval, i) => ({
      ...intervalZone(interval, endS),
      text: `${intervalName(interval)}\nsent ${figure(sent[i]!)}/s, answered ${figure(answered[i]!)}/s`,
    })),
  };
}

const errorTones: readonly Tone[] = ["b", "a", "c", "f", "e", "d"];

/** @returns Undefined where nothing went wrong. */
export function errorsChart(intervals: readonly Interval[]): Chart | undefined {
  const totals = new Map<string, number>();
  for (const { errors } of intervals)
    for (const [kind, count] of Object.entries(errors)) totals.set(kind, (totals.get(kind) ?? 0) + count);
  if (totals.size === 0) return undefined;
  const bars = errorBars(
    intervals,
    [...totals].sort(([, a], [, b]) => b - a).map(([kind]) => kind),
  );
  const endS = endOf(intervals);
  const sums = intervals.map((_, i) => bars.reduce((sum, { values }) => sum + values[i]!, 0));
  return {
    id: "errors-over-time",
    title: "Errors over time",
    xLabel: "seconds since the start, by the time a request ended",
    yLabel: "requests that ended in an error",
    x: timeScale(endS),
    y: linearScale(sums.reduce((a, b) => Math.max(a, b))),
    note: "A status is the server's answer; a code like ECONNREFUSED is a connection that failed; unanswered is what had no reply when the run ended.",
    bars,
    zones: intervals.map((interval, i) => ({
      ...intervalZone(interval, endS),
      text: [
        intervalName(interval),
        ...(sums[i] === 0 ? ["no error"] : Object.entries(interval.errors).map(([kind, count]) => `${kind}: ${count}`)),
      ].join("\n"),
    })),
  };
}

/** One kind for each distinguishable colour; the rarest kinds share the last colour. */
function errorBars(intervals: readonly Interval[], kinds: readonly string[]): BarSeries[] {
  const own = kinds.length > errorTones.length ? kinds.slice(0, errorTones.length - 1) : kinds;
  const rest = kinds.slice(own.length);
  const valuesOf = (group: readonly string[]) =>
    intervals.map(({ errors }) => group.reduce((sum, kind) => sum + (errors[kind] ?? 0), 0));
  const bars = own.map((kind, i): BarSeries => ({ name: kind, tone: errorTones[i]!, values: valuesOf([kind]) }));
  if (rest.length === 0) return bars;
  return [...bars, { name: counted(rest.length, "other kind"), tone: errorTones.at(-1)!, values: valuesOf(rest) }];
}

function endOf(intervals: readonly Interval[]): number {
  const { startS, lengthS } = intervals.at(-1)!;
  return startS + lengthS;
}
