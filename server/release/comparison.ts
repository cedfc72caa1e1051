/**
 * What a shadow answers beside its champion, row by row of the same calls: how far apart, how often another decision, how
 * much slower, and where most.
 *
 * The difference of a row is the shadow's number less the champion's; of a classifier, that of the probability which
 * moved most; of several outputs, that of the one which moved most. A row whose numbers are the same bits has 0.
 */

import { type Answer, Columns, type Prediction, type Scalar } from "../../preprocessing/index.js";
import { Histogram } from "../observe/histogram.js";
import type { CallRecord } from "../path/call.js";
import type { CompareRules } from "../routing/route-table.js";
import {
  type ComparisonFigures,
  differenceBounds,
  keepWorst,
  type ShadowResult,
  shadowResults,
  type WorstRow,
  worstMax,
} from "./comparison-figures.js";
import { LogSketch } from "./log-sketch.js";
import { scoreBucket } from "./score-psi.js";

/** Scores of a row that are counted by bucket: the first ones. */
const scoresMax = 16;

/** What both took for the same rows, milliseconds. */
export interface Times {
  readonly championMs: number;
  readonly shadowMs: number;
}

interface ScoreCounts {
  readonly champion: Map<number | string, number>;
  readonly shadow: Map<number | string, number>;
}

export class Comparison {
  readonly results = new Map<ShadowResult, number>(shadowResults.map((result) => [result, 0]));
  readonly histogram = new Histogram(differenceBounds);
  rows = 0;
  /** Rows of which the label is another one. */
  flips = 0;
  readonly #since: Date;
  readonly #rules: CompareRules;
  readonly #absolute = new LogSketch();
  readonly #championMs = new LogSketch();
  readonly #shadowMs = new LogSketch();
  readonly #scores: ScoreCounts[] = [];
  #timed = 0;
  #extraMs = 0;
  #sum = 0;
  #largest = 0;
  #equalRows = 0;
  #hasLabels = false;
  #worst: WorstRow[] = [];

  constructor(since: Date, rules: CompareRules) {
    this.#since = since;
    this.#rules = rules;
  }

  count(result: ShadowResult): void {
    this.results.set(result, this.results.get(result)! + 1);
  }

  /**
   * Both have answered the same rows.
   *
   * @param times - Undefined where they say nothing, since an answer was kept from an earlier call.
   */
  compare(champion: CallRecord, ofShadow: Answer, times: Times | undefined): void {
    this.count("compared");
    const { tolerance, ignored } = this.#rules;
    const ofChampion = champion.answer!;
    const { labels, names } = champion.version!.postprocessor;
    this.#hasLabels = labels !== undefined;
    const kept = names && ignored.size > 0 ? names.flatMap((name, i) => (ignored.has(name) ? [] : [i])) : undefined;
    const byLabel =
      ignored.has("probabilities") || ofChampion.probabilities === undefined || ofShadow.probabilities === undefined;
    for (let row = 0; row < champion.rowCount; row++) {
      const one = valuesOf(ofChampion, row, kept, byLabel);
      const other = valuesOf(ofShadow, row, kept, byLabel);
      const difference = differenceOf(one, other);
      this.#observe(difference);
      this.#countScores(one, other);
      const predictions = { champion: ofChampion.predictions[row]!, shadow: ofShadow.predictions[row]! };
      if (this.#hasLabels && predictions.champion !== predictions.shadow) this.flips++;
      if (Math.abs(difference) <= tolerance) this.#equalRows++;
      else this.#keep(champion, row, predictions, difference);
    }
    if (times === undefined) return;
    this.#championMs.observe(times.championMs);
    this.#shadowMs.observe(times.shadowMs);
    this.#timed++;
    this.#extraMs += times.shadowMs - times.championMs;
  }

  #observe(difference: number): void {
    const absolute = Math.abs(difference);
    this.rows++;
    this.histogram.observe(absolute);
    this.#absolute.observe(absolute);
    this.#sum += difference;
    this.#largest = Math.max(this.#largest, absolute);
  }

  #countScores(champion: RowValues, shadow: RowValues): void {
    for (let i = 0; i < Math.min(champion.length, scoresMax); i++) {
      if (this.#scores[i] === undefined) this.#scores.push({ champion: new Map(), shadow: new Map() });
      const counts = this.#scores[i]!;
      add(counts.champion, champion[i]!);
      add(counts.shadow, shadow[i]!);
    }
  }

  #keep(
    { requestId, goodRows, version }: CallRecord,
    row: number,
    predictions: { champion: Prediction; shadow: Prediction },
    difference: number,
  ): void {
    const least = this.#worst.length === worstMax ? Math.abs(this.#worst.at(-1)!.difference) : 0;
    if (least >= Math.abs(difference)) return;
    // What is personal is left out, whatever the route says: it may be read from a file that nobody checked.
    const names = this.#rules.worstRowFeatures.filter((name) => !version!.hiddenFeatures.has(name));
    const features = names.length === 0 ? {} : { features: featuresOf(goodRows, row, names) };
    this.#worst = keepWorst([...this.#worst, { request_id: requestId, row, ...predictions, difference, ...features }]);
  }

  /** @param shadow - As {@link ComparisonFigures} has it. */
  figures(shadow: number | string, key: string): ComparisonFigures {
    const bounds = this.histogram.cumulative();
    return {
      shadow,
      key,
      since: this.#since.toISOString(),
      tolerance: this.#rules.tolerance,
      calls: Object.fromEntries(this.results) as ComparisonFigures["calls"],
      rows: this.rows,
      equalRows: this.#equalRows,
      flips: this.#hasLabels ? this.flips : null,
      difference: {
        sum: this.#sum,
        sumAbsolute: this.histogram.sum,
        largest: this.#largest,
        sketch: this.#absolute.figures,
        histogram: bounds.map((rows, i) => rows - (i === 0 ? 0 : bounds[i - 1]!)),
      },
      time: {
        champion: this.#championMs.figures,
        shadow: this.#shadowMs.figures,
        calls: this.#timed,
        sumDifferenceMs: this.#extraMs,
      },
      scores: this.#scores.map(({ champion, shadow: other }) => ({ champion: [...champion], shadow: [...other] })),
      worst: this.#worst,
    };
  }
}

function add(counts: Map<number | string, number>, score: Scalar): void {
  const bucket = typeof score === "number" ? scoreBucket(score) : String(score);
  counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
}

/** Values of these features in a row; a missing one is null. */
function featuresOf(rows: CallRecord["goodRows"], row: number, names: readonly string[]): Record<string, unknown> {
  const read = (name: string) => {
    const value = rows instanceof Columns ? rows.values.get(name)?.[row] : rows[row]![name];
    return Number.isNaN(value) ? null : (value ?? null);
  };
  return Object.fromEntries(names.map((name) => [name, read(name)]));
}

/** What is compared of a row: its probabilities, its numbers, or its label. */
type RowValues = Float64Array | readonly Scalar[];

function valuesOf(
  { predictions, probabilities }: Answer,
  row: number,
  kept: readonly number[] | undefined,
  byLabel: boolean,
): RowValues {
  if (probabilities !== undefined && !byLabel) {
    const width = probabilities.length / predictions.length;
    return probabilities.subarray(row * width, (row + 1) * width);
  }
  const prediction = predictions[row]!;
  if (typeof prediction !== "object") return [prediction];
  return kept === undefined ? prediction : kept.map((i) => prediction[i]!);
}

/** The one which moved most; of labels 0 or 1. */
function differenceOf(one: RowValues, other: RowValues): number {
  let largest = 0;
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i]!, other[i]!];
    const difference = typeof a === "number" && typeof b === "number" ? b - a : a === b ? 0 : 1;
    if (Math.abs(difference) > Math.abs(largest)) largest = difference;
  }
  return largest;
}
