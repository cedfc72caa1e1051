/** Counts what one arm of an experiment does, in bounded memory: sums, and buckets of which there are a fixed number. */

import type { Answer } from "../../../preprocessing/index.js";
import type { CallRecord } from "../../path/call.js";
import { LogSketch } from "../log-sketch.js";
import type { ArmFigures, Sums } from "./arm-figures.js";
import { decidingNumber } from "./outcome.js";

/** Rows of a call whose predictions are counted: more would hold the event loop. */
export const countedRowsMax = 256;
/** Buckets of a doubling, for predictions that are numbers. */
const perDoubling = 8;
/** Smaller and larger numbers count as these: 1e-12 and 1e12. */
const doublings = 40;

class Adder implements Sums {
  count = 0;
  sum = 0;
  sumOfSquares = 0;

  add(value: number): void {
    this.count++;
    this.sum += value;
    this.sumOfSquares += value * value;
  }

  get plain(): Sums {
    const { count, sum, sumOfSquares } = this;
    return { count, sum, sumOfSquares };
  }
}

export class ArmCounter {
  readonly #latency = new LogSketch();
  readonly #logLatency = new Adder();
  readonly #predictions = new Adder();
  /** By the label's text, or the number's bucket. */
  readonly #buckets = new Map<string | number, number>();
  readonly #outcomes = new Map<string, Adder>();
  #calls = 0;
  #rows = 0;
  #errors = 0;
  #modelFaults = 0;
  #fallbacks = 0;

  /** A call that its caller waited for. */
  count({ version, rowCount, error, fallback, modelFault, answer, arrivedMs, finishedMs }: CallRecord): void {
    this.#calls++;
    this.#rows += rowCount;
    if (modelFault !== undefined) this.#modelFaults++;
    if (error !== undefined) {
      if (error.status >= 500 && error.code !== "overloaded") this.#errors++;
      return;
    }
    const ms = Math.max(0, finishedMs - arrivedMs);
    this.#latency.observe(ms);
    // What the clock can't tell apart counts as a microsecond.
    this.#logLatency.add(Math.log(Math.max(1e-3, ms)));
    if (fallback !== undefined) this.#fallbacks++;
    else if (answer !== undefined) this.#countPredictions(answer, version!.postprocessor.labels);
  }

  #countPredictions(answer: Readonly<Answer>, labels: readonly unknown[] | undefined): void {
    const count = Math.min(countedRowsMax, answer.predictions.length);
    for (let row = 0; row < count; row++) {
      const number = decidingNumber(answer, row);
      // A row of a partial answer that the model gave no number for.
      if (Number.isNaN(number)) continue;
      if (number !== undefined) this.#predictions.add(number);
      const bucket = labels === undefined ? bucketOf(number ?? 0) : String(answer.predictions[row]);
      this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    }
  }

  countOutcome(kpi: string, value: number): void {
    let adder = this.#outcomes.get(kpi);
    if (adder === undefined) {
      adder = new Adder();
      this.#outcomes.set(kpi, adder);
    }
    adder.add(value);
  }

  get outcomes(): ReadonlyMap<string, Sums> {
    return this.#outcomes;
  }

  get figures(): ArmFigures {
    return {
      calls: this.#calls,
      rows: this.#rows,
      errors: this.#errors,
      modelFaults: this.#modelFaults,
      fallbacks: this.#fallbacks,
      latencyMs: this.#latency.buckets,
      logLatency: this.#logLatency.plain,
      predictions: this.#predictions.plain,
      predictionBuckets: Object.fromEntries(
        [...this.#buckets].map(([bucket, count]) => [typeof bucket === "number" ? nameOf(bucket) : bucket, count]),
      ),
      outcomes: Object.fromEntries([...this.#outcomes].map(([kpi, adder]) => [kpi, adder.plain])),
    };
  }
}

/** By sign and size: 0 for 0, from 1 on for positive numbers, from -1 on for negative ones. */
function bucketOf(value: number): number {
  if (value === 0) return 0;
  const index = Math.floor((Math.log2(Math.abs(value)) + doublings) * perDoubling);
  return Math.sign(value) * (1 + Math.max(0, Math.min(2 * doublings * perDoubling - 1, index)));
}

/** The bucket's bound that is nearer to 0. */
function nameOf(bucket: number): string {
  if (bucket === 0) return "0";
  const bound = 2 ** ((Math.abs(bucket) - 1) / perDoubling - doublings);
  return String(Math.sign(bucket) * Number(bound.toPrecision(4)));
}
