/**
 * A comparison as plain data: sums over calls and rows, which several processes add up without losing anything, and what
 * people are shown of them.
 */

import type { Prediction } from "../../preprocessing/index.js";
import { LogSketch, type SketchFigures } from "./log-sketch.js";
import { stabilityIndex } from "./score-psi.js";

/** Upper bounds of |difference|; the first counts rows that are the same. */
export const differenceBounds = Float64Array.of(0, 1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000);
/** Rows that are kept, of those that differ most. */
export const worstMax = 10;

/**
 * `compared`: both answered. `shadow_failed`, `champion_failed`: the other one may have. `shed`: there was no time for
 * it. `skipped`: it can't be compared, being large, partial or answered by the fallback.
 */
export const shadowResults = ["compared", "shadow_failed", "champion_failed", "shed", "skipped"] as const;
export type ShadowResult = (typeof shadowResults)[number];

export interface WorstRow {
  readonly request_id: string;
  readonly row: number;
  readonly champion: Prediction;
  readonly shadow: Prediction;
  readonly difference: number;
  /** Those that the route names. */
  readonly features?: Readonly<Record<string, unknown>>;
}

/** Why a URL gave no answer: how often each came. */
export interface MirrorFigures {
  readonly failures: Readonly<Record<string, number>>;
  /** Processes that don't ask it for now, because it failed too often. */
  readonly open: number;
}

/** Of one score: the bucket and how often it came. */
export type ScoreCounts = readonly (readonly [number | string, number])[];

export interface ComparisonFigures {
  /** The version's number, or the URL. */
  readonly shadow: number | string;
  /** Says what is compared and how: figures of one key are added. */
  readonly key: string;
  /** When it began, as ISO 8601 has it. */
  readonly since: string;
  readonly tolerance: number;
  readonly calls: Readonly<Record<ShadowResult, number>>;
  readonly rows: number;
  /** Rows whose difference is within the tolerance. */
  readonly equalRows: number;
  /** Rows of which the label is another one; null where predictions are numbers. */
  readonly flips: number | null;
  readonly difference: {
    readonly sum: number;
    readonly sumAbsolute: number;
    readonly largest: number;
    readonly sketch: SketchFigures;
    /** By {@link differenceBounds}, not cumulative. */
    readonly histogram: readonly number[];
  };
  readonly time: {
    readonly champion: SketchFigures;
    readonly shadow: SketchFigures;
    readonly calls: number;
    readonly sumDifferenceMs: number;
  };
  /** By score, where an answer has several. */
  readonly scores: readonly { readonly champion: ScoreCounts; readonly shadow: ScoreCounts }[];
  readonly worst: readonly WorstRow[];
  readonly mirror?: MirrorFigures;
}

/** What a server counted of a model's shadows. */
export interface ModelComparison {
  readonly model: string;
  readonly champion: number | null;
  readonly shadows: readonly ComparisonFigures[];
}

/** As `GET /models/{m}/compare` has it. */
export function describeModelComparison({ model, champion, shadows }: ModelComparison): object {
  return { model, champion, shadows: shadows.map(describeFigures) };
}

/** Of several processes; where their champions differ, for as long as a route changes, the first one's counts. */
export function addModelComparisons(all: readonly ModelComparison[]): ModelComparison {
  const { model, champion } = all[0]!;
  const byKey = new Map<string, ComparisonFigures>();
  for (const one of all) {
    if (one.champion !== champion) continue;
    for (const figures of one.shadows) {
      const others = byKey.get(figures.key);
      byKey.set(figures.key, others === undefined ? figures : addFigures(others, figures));
    }
  }
  return { model, champion, shadows: [...byKey.values()] };
}

export function keepWorst(rows: readonly WorstRow[]): WorstRow[] {
  const size = ({ difference }: WorstRow) => Math.abs(difference);
  return [...rows].sort((a, b) => size(b) - size(a)).slice(0, worstMax);
}

function addFigures(a: ComparisonFigures, b: ComparisonFigures): ComparisonFigures {
  const sketch = (one: SketchFigures, other: SketchFigures) => new LogSketch(one, other).figures;
  const [longer, shorter] = a.scores.length >= b.scores.length ? [a.scores, b.scores] : [b.scores, a.scores];
  return {
    ...a,
    since: a.since < b.since ? a.since : b.since,
    calls: addRecords(a.calls, b.calls) as ComparisonFigures["calls"],
    rows: a.rows + b.rows,
    equalRows: a.equalRows + b.equalRows,
    flips: a.flips === null && b.flips === null ? null : (a.flips ?? 0) + (b.flips ?? 0),
    difference: {
      sum: a.difference.sum + b.difference.sum,
      sumAbsolute: a.difference.sumAbsolute + b.difference.sumAbsolute,
      largest: Math.max(a.difference.largest, b.difference.largest),
      sketch: sketch(a.difference.sketch, b.difference.sketch),
      histogram: a.difference.histogram.map((rows, i) => rows + b.difference.histogram[i]!),
    },
    time: {
      champion: sketch(a.time.champion, b.time.champion),
      shadow: sketch(a.time.shadow, b.time.shadow),
      calls: a.time.calls + b.time.calls,
      sumDifferenceMs: a.time.sumDifferenceMs + b.time.sumDifferenceMs,
    },
    scores: longer.map((score, i) => ({
      champion: addCounts(score.champion, shorter[i]?.champion ?? []),
      shadow: addCounts(score.shadow, shorter[i]?.shadow ?? []),
    })),
    worst: keepWorst([...a.worst, ...b.worst]),
    ...(a.mirror && {
      mirror: {
        failures: addRecords(a.mirror.failures, b.mirror?.failures ?? {}),
        open: a.mirror.open + (b.mirror?.open ?? 0),
      },
    }),
  };
}

function addRecords(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((k) => [k, (a[k] ?? 0) + (b[k] ?? 0)]),
  );
}

function addCounts(a: ScoreCounts, b: ScoreCounts): ScoreCounts {
  const counts = new Map(a);
  for (const [bucket, count] of b) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  return [...counts];
}

function describeFigures({ shadow, mirror, since, calls, rows, flips, ...figures }: ComparisonFigures): object {
  const { difference, time, scores, worst, tolerance, equalRows } = figures;
  const absolute = new LogSketch(difference.sketch);
  const mean = (sum: number, count: number) => (count === 0 ? null : sum / count);
  const latency = (figuresOf: SketchFigures) => {
    const sketch = new LogSketch(figuresOf);
    return sketch.count === 0 ? null : { p50: rounded(sketch.quantile(0.5)), p99: rounded(sketch.quantile(0.99)) };
  };
  const indexes = scores.flatMap(
    ({ champion, shadow: other }) => stabilityIndex(new Map(champion), new Map(other)) ?? [],
  );
  return {
    ...(typeof shadow === "number" ? { version: shadow } : { url: shadow }),
    since,
    calls,
    ...(mirror && { mirror }),
    rows,
    difference: {
      same_rows: difference.histogram[0]!,
      equal_rows: equalRows,
      tolerance,
      mean: mean(difference.sum, rows),
      mean_absolute: mean(difference.sumAbsolute, rows),
      p50_absolute: absolute.quantile(0.5),
      p99_absolute: absolute.quantile(0.99),
      largest_absolute: difference.largest,
      histogram: [...differenceBounds, null].map((upTo, i) => ({ up_to: upTo, rows: difference.histogram[i]! })),
    },
    flips,
    score_psi: indexes.length === 0 ? null : Math.max(...indexes),
    work_ms: {
      champion: latency(time.champion),
      shadow: latency(time.shadow),
      mean_difference: time.calls === 0 ? null : rounded(time.sumDifferenceMs / time.calls),
    },
    worst_rows: worst,
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1e4) / 1e4;
}
