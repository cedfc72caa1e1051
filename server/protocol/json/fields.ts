/**
 * Which parts of an answer a request asks for: `["prediction", "probabilities.spam", "top:3"]`.
 *
 * `prediction`; `probabilities` of all labels, or `probabilities.<label>` of one; `top:<k>`, the k most probable labels.
 */

import { describeValue, listWords, quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import type { ProtocolContract } from "../protocol.js";
import { type LabelTexts, writeDistribution, writePrediction } from "./answer-text.js";
import { kindOf } from "./text.js";

export interface ChosenFields {
  readonly prediction: boolean;
  /** Columns of probabilities; undefined for none. */
  readonly classes: "all" | readonly number[] | undefined;
  /** How many of the most probable labels; 0 for none. */
  readonly top: number;
}

/** Where a request doesn't choose. */
export const everyField: ChosenFields = { prediction: true, classes: "all", top: 0 };

/** @throws {@link ServeError} malformed_body; invalid_request for a field that the model doesn't have. */
export function readFields(
  value: unknown,
  { labels = [], hasProbabilities }: Pick<ProtocolContract["postprocessor"], "labels" | "hasProbabilities">,
): ChosenFields {
  if (!Array.isArray(value))
    throw new ServeError("malformed_body", `"fields": expected a list of strings, got ${kindOf(value)}`);
  if (value.length === 0)
    throw new ServeError("malformed_body", '"fields": expected at least one field, got an empty list');
  let prediction = false;
  let top = 0;
  let all = false;
  const columns = new Map(hasProbabilities ? labels.map((label, column) => [String(label), column]) : []);
  const classes = new Set<number>();
  for (const [index, field] of value.entries()) {
    const [, label] = typeof field === "string" ? (/^probabilities\.(.*)$/su.exec(field) ?? []) : [];
    const [, count] = typeof field === "string" ? (/^top:([1-9]\d{0,5})$/.exec(field) ?? []) : [];
    const column = label === undefined ? undefined : columns.get(label);
    if (field === "prediction") prediction = true;
    else if (field === "probabilities" && hasProbabilities) all = true;
    else if (column !== undefined) classes.add(column);
    else if (count !== undefined && hasProbabilities) top = Math.min(Number(count), labels.length);
    else throw unknownField(index, field, [...columns.keys()]);
  }
  // In the order of the labels, whatever the order in which they were asked for.
  const some = classes.size === 0 ? undefined : [...classes].sort((a, b) => a - b);
  return { prediction, classes: all ? "all" : some, top };
}

function unknownField(index: number, field: unknown, labels: readonly string[]): ServeError {
  const known =
    labels.length === 0
      ? '"prediction", because the model gives no probabilities'
      : `"prediction", "probabilities", "probabilities.<label>" with the label ${listWords(labels.map(quote))}, or "top:<count>"`;
  return new ServeError("invalid_request", `"fields", item ${index}: expected ${known}, got ${describeValue(field)}`);
}

/** The probabilities of a row by label, those of the chosen ones. */
export function writeProbabilities(
  texts: LabelTexts,
  probabilities: Float64Array | undefined,
  row: number,
  classes: ChosenFields["classes"],
): string {
  if (probabilities === undefined) return "null";
  if (classes === "all" || classes === undefined) return writeDistribution(texts, probabilities, row);
  const { labelKeys } = texts;
  const members = classes.map((k) => `${labelKeys[k]}${writePrediction(probabilities[row * labelKeys.length + k]!)}`);
  return `{${members.join(",")}}`;
}

/** The most probable labels of a row, the most probable one first; of equal ones the first of the labels. */
export function writeTop(
  { labelKeys, labelValues }: LabelTexts,
  probabilities: Float64Array | undefined,
  row: number,
  count: number,
): string {
  if (probabilities === undefined) return "null";
  const first = row * labelKeys.length;
  const items = mostProbable(probabilities, labelKeys.length, row, count).map(
    (k) => `{"label":${labelValues[k]},"probability":${writePrediction(probabilities[first + k]!)}}`,
  );
  return `[${items.join(",")}]`;
}

/** The columns of a row's most probable labels, in that order. @param width - Labels of the model. */
export function mostProbable(probabilities: Float64Array, width: number, row: number, count: number): number[] {
  const of = probabilities.subarray(row * width, (row + 1) * width);
  return Array.from(of.keys())
    .sort((a, b) => of[b]! - of[a]!)
    .slice(0, count);
}
