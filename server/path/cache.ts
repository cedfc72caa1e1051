/**
 * The answers that a version gave, by row: a row that comes again is answered without a run.
 *
 * An answer depends on the version and the row alone, in every batch (that is proved before a version serves), so a
 * kept one is as good as a fresh one, and none grows old. A cache belongs to one loaded version, that is to one digest,
 * and goes with it. A fallback's answers are never kept: the next call shall have the model's.
 */

import { LRUCache } from "lru-cache";
import type { Bundle, RowSchema } from "../../bundle/index.js";
import { type Answer, Columns, type Row, type RowInput } from "../../preprocessing/index.js";
import type { FallbackReason } from "../errors.js";
import { createRowKey } from "./row-key.js";

/**
 * What an entry takes beside its key's characters, its list of numbers and its probabilities, bytes: measured as the
 * heap's growth over 200,000 entries, 227 with a key of 24 characters, 657 with one of 240 and two probabilities, 977
 * with one of 512 and ten.
 */
const entryBytes = 210;
const distributionBytes = 240;
/**
 * What a list of numbers takes beside them, bytes: measured in the same way, 64 with two numbers and 208 with twenty.
 */
const listBytes = 48;

/** A call as the cache knows it. */
export interface CachedCall {
  /** The rows that run. */
  readonly goodRows: RowInput<Row>;
  readonly fallback: FallbackReason | undefined;
  readonly unanswered: ReadonlySet<number> | undefined;
  /** Answered from here: nothing runs. */
  cached: boolean;
  /** What the answers to its rows will be kept under. */
  cacheKeys: readonly string[] | undefined;
}

export class PredictionCache {
  /** The version's; only rows of it are asked for. */
  readonly digest: string;
  readonly #answers: LRUCache<string, Answer>;
  readonly #rowSchema: RowSchema;
  readonly #keyOf: (row: Row) => string;
  readonly #charBytes: number;
  /** Calls that were answered from here, and calls that had to run. */
  hits = 0;
  misses = 0;

  /** @param bytesMax - What all entries together may take, at least 1. */
  constructor({ bundle, rowSchema }: { bundle: Pick<Bundle, "digest">; rowSchema: RowSchema }, bytesMax: number) {
    this.digest = bundle.digest;
    this.#answers = new LRUCache({ maxSize: bytesMax, sizeCalculation: (answer, key) => this.#bytesOf(answer, key) });
    this.#rowSchema = rowSchema;
    this.#keyOf = createRowKey(rowSchema);
    // Text that isn't Latin makes each character of the key two bytes.
    this.#charBytes = rowSchema.features.some(({ type }) => type === "string" || type === "array") ? 2 : 1;
  }

  get bytes(): number {
    return this.#answers.calculatedSize;
  }

  get entries(): number {
    return this.#answers.size;
  }

  #bytesOf({ predictions: [prediction], probabilities }: Answer, key: string): number {
    const ofList = typeof prediction === "object" ? listBytes + 8 * prediction.length : 0;
    return (
      entryBytes +
      this.#charBytes * key.length +
      ofList +
      (probabilities ? distributionBytes + probabilities.byteLength : 0)
    );
  }

  /**
   * The answer to a call whose rows were validated, if all of them are known. Not to be changed.
   *
   * @remarks Otherwise the call carries the keys until {@link keep}.
   */
  find(call: CachedCall): Answer | undefined {
    const { goodRows } = call;
    if (goodRows.length === 0) return undefined;
    const rows = goodRows instanceof Columns ? this.#toRows(goodRows) : goodRows;
    if (rows.length === 1) {
      const key = this.#keyOf(rows[0]!);
      const answer = this.#answers.get(key);
      return answer === undefined ? this.#miss(call, [key]) : this.#hit(call, answer);
    }
    const keys = rows.map(this.#keyOf);
    const answers: Answer[] = [];
    for (const key of keys) {
      const answer = this.#answers.get(key);
      if (answer === undefined) return this.#miss(call, keys);
      answers.push(answer);
    }
    return this.#hit(call, join(answers));
  }

  #toRows(columns: Columns): Row[] {
    return Array.from({ length: columns.length }, (_, row) => this.#rowSchema.rowAt(columns, row));
  }

  #hit(call: CachedCall, answer: Answer): Answer {
    this.hits++;
    call.cached = true;
    return answer;
  }

  #miss(call: CachedCall, keys: readonly string[]): undefined {
    this.misses++;
    call.cacheKeys = keys;
    return undefined;
  }

  /** Keeps what the model answered, if it answered all of the call's rows. */
  keep(call: CachedCall, { predictions, probabilities }: Answer): void {
    const { cacheKeys, fallback, unanswered } = call;
    // Rows that the pipeline refused don't run: the keys are those of the rows before.
    if (
      cacheKeys === undefined ||
      fallback !== undefined ||
      unanswered !== undefined ||
      cacheKeys.length !== predictions.length
    )
      return;
    const width = probabilities ? probabilities.length / predictions.length : 0;
    for (const [i, key] of cacheKeys.entries()) {
      const answer = {
        predictions: [predictions[i]!],
        probabilities: probabilities?.slice(i * width, (i + 1) * width),
      };
      this.#answers.set(key, answer);
    }
    call.cacheKeys = undefined;
  }
}

function join(answers: readonly Answer[]): Answer {
  const predictions = answers.map((answer) => answer.predictions[0]!);
  const width = answers[0]!.probabilities?.length;
  if (width === undefined) return { predictions, probabilities: undefined };
  const probabilities = new Float64Array(width * answers.length);
  for (const [i, answer] of answers.entries()) probabilities.set(answer.probabilities!, i * width);
  return { predictions, probabilities };
}
