/**
 * What a shadow answers beside its champion, row by row of the same calls: how far apart, how often another decision, how
 * much slower, and where most.
 *
 * The difference of a row is the shadow's number less the champion's; of a classifier, that of the probability which
 * moved most; of several outputs, that of the one which moved most. A row whose numbers are the same bits has 0.
 */

import type { Answer, Prediction } from "../../preprocessing/index.js";
import { Histogram } from "../observe/histogram.js";
import type { CallRecord } from "../path/call.js";
import { LogSketch } from "./log-sketch.js";

/** Upper bounds of |difference|; the first counts rows that are the same. */
const differenceBounds = Float64Array.of(0, 1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000);
/** Rows that are kept, of those that differ most. */
const worstMax = 10;

/**
 * `compared`: both answered. `shadow_failed`, `champion_failed`: the other one may have. `shed`: there was no time for
 * it. `skipped`: it can't be compared, being large, partial or answered by the fallback.
 */
export const shadowResults = ["compared", "shadow_failed", "champion_failed", "shed", "skipped"] as const;
export type ShadowResult = (typeof shadowResults)[number];

interface WorstRow {
  readonly request_id: string;
  readonly row: number;
  readonly champion: Prediction;
  readonly shadow: Prediction;
  readonly difference: number;
}

export class Comparison {
  readonly results = new Map<ShadowResult, number>(shadowResults.map((result) => [result, 0]));
  readonly histogram = new Histogram(differenceBounds);
  rows = 0;
  /** Rows of which the label is another one. */
  flips = 0;
  readonly #since: Date;
  readonly #absolute = new LogSketch();
  readonly #championMs = new LogSketch();
  readonly #shadowMs = new LogSketch();
  #extraMs = 0;
  #sum = 0;
  #largest = 0;
  #hasLabels = false;
  readonly #worst: WorstRow[] = [];

  constructor(since: Date) {
    this.#since = since;
  }

  count(result: ShadowResult): void {
    this.results.set(result, this.results.get(result)! + 1);
  }

  /** Both have answered the same rows. */
  compare(champion: CallRecord, shadow: CallRecord): void {
    this.count("compared");
    const ofChampion = champion.answer!;
    const ofShadow = shadow.answer!;
    this.#hasLabels = champion.version!.postprocessor.labels !== undefined;
    for (let row = 0; row < champion.rowCount; row++) {
      const difference = differenceOf(ofChampion, ofShadow, row);
      this.#observe(difference);
      const predictions = { champion: ofChampion.predictions[row]!, shadow: ofShadow.predictions[row]! };
      if (this.#hasLabels && predictions.champion !== predictions.shadow) this.flips++;
      if (difference !== 0) this.#keep({ request_id: champion.requestId, row, ...predictions, difference });
    }
    if (champion.cached || shadow.cached) return;
    const [championMs, shadowMs] = [workMs(champion), workMs(shadow)];
    this.#championMs.observe(championMs);
    this.#shadowMs.observe(shadowMs);
    this.#extraMs += shadowMs - championMs;
  }

  #observe(difference: number): void {
    const absolute = Math.abs(difference);
    this.rows++;
    this.histogram.observe(absolute);
    this.#absolute.observe(absolute);
    this.#sum += difference;
    this.#largest = Math.max(this.#largest, absolute);
  }

  #keep(row: WorstRow): void {
    const worst = this.#worst;
    if (worst.length === worstMax && Math.abs(worst.at(-1)!.difference) >= Math.abs(row.difference)) return;
    worst.push(row);
    worst.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference));
    worst.splice(worstMax);
  }

  /** As `GET /models/{m}/compare` has it. */
  describe(): object {
    const { rows, histogram } = this;
    const mean = (sum: number, count: number) => (count === 0 ? null : sum / count);
    const bounds = histogram.cumulative();
    const timed = this.#championMs.count;
    const latency = (sketch: LogSketch) =>
      timed === 0 ? null : { p50: rounded(sketch.quantile(0.5)), p99: rounded(sketch.quantile(0.99)) };
    return {
      since: this.#since.toISOString(),
      calls: Object.fromEntries(this.results),
      rows,
      difference: {
        same_rows: bounds[0],
        mean: mean(this.#sum, rows),
        mean_absolute: mean(histogram.sum, rows),
        p50_absolute: this.#absolute.quantile(0.5),
        p99_absolute: this.#absolute.quantile(0.99),
        largest_absolute: this.#largest,
        histogram: [...differenceBounds, null].map((upTo, i) => ({
          up_to: upTo,
          rows: bounds[i]! - (i === 0 ? 0 : bounds[i - 1]!),
        })),
      },
      flips: this.#hasLabels ? this.flips : null,
      work_ms: {
        champion: latency(this.#championMs),
        shadow: latency(this.#shadowMs),
        mean_difference: timed === 0 ? null : rounded(this.#extraMs / timed),
      },
      worst_rows: this.#worst,
    };
  }
}

/** Time that the call's rows were worked on, without what they waited. */
function workMs({ validatedMs, preprocessedMs, runStartedMs, runEndedMs, postprocessedMs }: CallRecord): number {
  return Math.max(0, preprocessedMs - validatedMs + runEndedMs - runStartedMs + postprocessedMs - runEndedMs);
}

function rounded(ms: number): number {
  return Math.round(ms * 1e4) / 1e4;
}

function differenceOf(champion: Answer, shadow: Answer, row: number): number {
  const { probabilities } = champion;
  if (probabilities !== undefined && shadow.probabilities !== undefined) {
    const width = probabilities.length / champion.predictions.length;
    const of = (all: Float64Array) => all.subarray(row * width, (row + 1) * width);
    return largestDifference(of(probabilities), of(shadow.probabilities));
  }
  const [one, other] = [champion.predictions[row]!, shadow.predictions[row]!];
  if (typeof one === "number" && typeof other === "number") return other - one;
  if (typeof one === "object" && typeof other === "object") return largestDifference(one, other);
  return one === other ? 0 : 1;
}

function largestDifference(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < one.length; i++) {
    const difference = other[i]! - one[i]!;
    if (Math.abs(difference) > Math.abs(largest)) largest = difference;
  }
  return largest;
}
