/** Predictions and probabilities as JSON text, whatever protocol the text is of. */

import type { Answer, Prediction, Scalar } from "../../../preprocessing/index.js";
import type { AnsweredCall } from "../protocol.js";

/** A version's labels as they stand in answers, in the order of the probability columns. */
export interface LabelTexts {
  /** `"benign":` and so on. */
  readonly labelKeys: readonly string[];
  /** `"benign"`, or a number or a truth value as such. */
  readonly labelValues: readonly string[];
}

export function labelTexts(labels: readonly Scalar[] | undefined): LabelTexts {
  return {
    labelKeys: (labels ?? []).map((label) => `${JSON.stringify(String(label))}:`),
    labelValues: (labels ?? []).map((label) => JSON.stringify(label)),
  };
}

/**
 * For each row of a request, its place among those that ran, or -1 if it isn't answered; undefined if each is answered
 * in its own place.
 */
export type Places = Int32Array | undefined;

export function placesOfRows(
  { request: { rows }, rowIndexes, unanswered }: AnsweredCall,
  { predictions }: Answer,
): Places {
  if (rowIndexes === undefined && unanswered === undefined) return undefined;
  const places = new Int32Array(rows.length).fill(-1);
  for (let i = 0; i < predictions.length; i++) if (!unanswered?.has(i)) places[rowIndexes ? rowIndexes[i]! : i] = i;
  return places;
}

/** Rows `first` to `end - 1`, between commas; null for one that isn't answered. */
export function writeRows(places: Places, first: number, end: number, write: (place: number) => string): string {
  let text = "";
  for (let row = first; row < end; row++) {
    const place = places ? places[row]! : row;
    text += `${row === first ? "" : ","}${place < 0 ? "null" : write(place)}`;
  }
  return text;
}

/** The predictions of rows `first` to `end - 1`, between commas. */
export function writePredictions(
  predictions: readonly Prediction[],
  places: Places,
  first: number,
  end: number,
): string {
  if (places === undefined)
    return writeItems(end - first === predictions.length ? predictions : predictions.slice(first, end));
  return writeItems(Array.from(places.subarray(first, end), (place) => (place < 0 ? null : predictions[place]!)));
}

/**
 * A list's items. `JSON.stringify` takes half the time of a string per number, and leaves none behind to be collected.
 */
function writeItems(items: readonly (Prediction | null)[]): string {
  const asTheyAre =
    items.every((item) => item !== 0 || !Object.is(item, -0)) && !(holdsLists(items) && items.some(hasMinusZero));
  return asTheyAre
    ? JSON.stringify(items).slice(1, -1)
    : items.map((item) => (item === null ? "null" : writePrediction(item))).join(",");
}

/** All predictions are of one kind; null stands for a row without one. */
function holdsLists(items: readonly (Prediction | null)[]): boolean {
  return typeof items.find((item) => item !== null) === "object";
}

function hasMinusZero(list: Prediction | null): boolean {
  return Array.isArray(list) && list.some((value) => Object.is(value, -0));
}

/**
 * A number as the shortest text that reads back as the same one, since `JSON.stringify` would lose the sign of zero; a
 * label; or a list of numbers.
 */
export function writePrediction(prediction: Prediction): string {
  if (typeof prediction === "number")
    return prediction === 0 && Object.is(prediction, -0) ? "-0" : JSON.stringify(prediction);
  return typeof prediction === "object" ? `[${writeItems(prediction)}]` : JSON.stringify(prediction);
}

/** The probabilities of a row by label. */
export function writeDistribution({ labelKeys }: LabelTexts, probabilities: Float64Array, row: number): string {
  let text = "{";
  for (let k = 0; k < labelKeys.length; k++) {
    text += `${k === 0 ? "" : ","}${labelKeys[k]}${writePrediction(probabilities[row * labelKeys.length + k]!)}`;
  }
  return `${text}}`;
}
