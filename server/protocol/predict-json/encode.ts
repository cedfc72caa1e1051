/**
 * Answers and errors of `/predict`, as text. Large answers are written in pieces: the bytes are the same, a property
 * test holds one to the other.
 */

import type { Answer, Prediction, Scalar } from "../../../preprocessing/index.js";
import type { ServeError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import type { AnsweredCall } from "../protocol.js";
import type { JsonRequest } from "./decode.js";

/** What is the same in each answer of a version. */
export interface JsonFrame {
  /** `,"model":"demand","version":1,"request_id":"` */
  tail: string;
  /** `"benign":` and so on, in the order of the probability columns. */
  labelKeys: readonly string[];
}

export function createJsonFrame(model: string, version: number, labels: readonly Scalar[] | undefined): JsonFrame {
  return {
    tail: `,"model":${JSON.stringify(model)},"version":${version},"request_id":"`,
    labelKeys: (labels ?? []).map((label) => `${JSON.stringify(String(label))}:`),
  };
}

type JsonCall = AnsweredCall<JsonRequest>;

/**
 * Encodes an answer.
 *
 * @param answer - Of the rows that ran, in their order.
 * @remarks Request ids are made of characters that need no escaping (`transport/request-id.ts`).
 */
export function encodeJson(frame: JsonFrame, call: JsonCall, answer: Answer): string {
  if (call.request.single) {
    const probabilities = answer.probabilities
      ? `,"probabilities":${encodeDistribution(frame, answer.probabilities, 0)}`
      : "";
    return `{"prediction":${encodePrediction(answer.predictions[0]!)}${probabilities}${encodeFallback(call)}${frame.tail}${call.requestId}"}`;
  }
  let text = "";
  for (const write of encodeJsonInPieces(frame, call, answer, call.request.rows.length)) text += write();
  return text;
}

/** The same text in pieces, of so many rows each: to write one is a slice of work. */
export function encodeJsonInPieces(
  frame: JsonFrame,
  call: JsonCall,
  answer: Answer,
  sliceRows: number,
): readonly (() => string)[] {
  if (call.request.single) return [() => encodeJson(frame, call, answer)];
  const { predictions, probabilities } = answer;
  const { request, rowErrors = [] } = call;
  const { rows } = request;
  const places = placesOfRows(call, answer);
  const pieces: (() => string)[] = [];
  const addList = (begin: string, length: number, write: (first: number, end: number) => string) => {
    pieces.push(() => begin);
    for (const [first, end] of slicesOf(length, sliceRows))
      pieces.push(() => `${first === 0 ? "" : ","}${write(first, end)}`);
  };
  addList('{"predictions":[', rows.length, (first, end) => encodePredictions(predictions, places, first, end));
  if (probabilities) {
    const write = (first: number, end: number) => encodeProbabilities(frame, probabilities, places, first, end);
    addList('],"probabilities":[', rows.length, write);
  }
  if (request.partial) {
    const write = (first: number, end: number) => JSON.stringify(rowErrors.slice(first, end)).slice(1, -1);
    addList('],"errors":[', rowErrors.length, write);
  }
  pieces.push(() => `]${encodeFallback(call)}${frame.tail}${call.requestId}"}`);
  return pieces;
}

/**
 * `,"fallback":{"reason":"deadline_exceeded"}`, with the rows that it answered where these aren't all; "" where the
 * model answered.
 */
function encodeFallback({ fallback, fallbackRows, request: { rows }, rowIndexes }: JsonCall): string {
  if (fallback === undefined) return "";
  const some = fallbackRows !== undefined && fallbackRows.length < rows.length;
  const indexes = some
    ? `,"rows":${JSON.stringify(rowIndexes ? fallbackRows.map((row) => rowIndexes[row]) : fallbackRows)}`
    : "";
  return `,"fallback":{"reason":"${fallback}"${indexes}}`;
}

/**
 * For each row of a request, its place among those that ran, or -1 if it isn't answered; undefined if each is answered
 * in its own place.
 */
type Places = Int32Array | undefined;

function placesOfRows({ request: { rows }, rowIndexes, unanswered }: JsonCall, { predictions }: Answer): Places {
  if (rowIndexes === undefined && unanswered === undefined) return undefined;
  const places = new Int32Array(rows.length).fill(-1);
  for (let i = 0; i < predictions.length; i++) if (!unanswered?.has(i)) places[rowIndexes ? rowIndexes[i]! : i] = i;
  return places;
}

/** The predictions of rows `first` to `end - 1`, between commas. */
function encodePredictions(predictions: readonly Prediction[], places: Places, first: number, end: number): string {
  if (places === undefined)
    return encodeItems(end - first === predictions.length ? predictions : predictions.slice(first, end));
  return encodeItems(Array.from(places.subarray(first, end), (place) => (place < 0 ? null : predictions[place]!)));
}

/** The probabilities of rows `first` to `end - 1`, between commas. */
function encodeProbabilities(
  frame: JsonFrame,
  probabilities: Float64Array,
  places: Places,
  first: number,
  end: number,
): string {
  let text = "";
  for (let row = first; row < end; row++) {
    const place = places ? places[row]! : row;
    text += `${row === first ? "" : ","}${place < 0 ? "null" : encodeDistribution(frame, probabilities, place)}`;
  }
  return text;
}

/**
 * A list's items. `JSON.stringify` takes half the time of a string per number, and leaves none behind to be collected.
 */
function encodeItems(items: readonly (Prediction | null)[]): string {
  const asTheyAre =
    items.every((item) => item !== 0 || !Object.is(item, -0)) && !(holdsLists(items) && items.some(hasMinusZero));
  return asTheyAre
    ? JSON.stringify(items).slice(1, -1)
    : items.map((item) => (item === null ? "null" : encodePrediction(item))).join(",");
}

/** All predictions are of one kind; null stands for a row without one. */
function holdsLists(items: readonly (Prediction | null)[]): boolean {
  return typeof items.find((item) => item !== null) === "object";
}

function hasMinusZero(list: Prediction | null): boolean {
  return Array.isArray(list) && list.some((value) => Object.is(value, -0));
}

function encodeDistribution({ labelKeys }: JsonFrame, probabilities: Float64Array, row: number): string {
  let text = "{";
  for (let k = 0; k < labelKeys.length; k++) {
    text += `${k === 0 ? "" : ","}${labelKeys[k]}${encodePrediction(probabilities[row * labelKeys.length + k]!)}`;
  }
  return `${text}}`;
}

/**
 * A number as the shortest text that reads back as the same one, since `JSON.stringify` would lose the sign of zero; a
 * label; or a list of numbers.
 */
function encodePrediction(prediction: Prediction): string {
  if (typeof prediction === "number")
    return prediction === 0 && Object.is(prediction, -0) ? "-0" : JSON.stringify(prediction);
  return typeof prediction === "object" ? `[${encodeItems(prediction)}]` : JSON.stringify(prediction);
}

// Many calls are refused by one error, and what is the same for them all is encoded once.
let encodedError: ServeError | undefined;
let encodedHead = "";

/**
 * An error as `/predict` and its kin answer it.
 *
 * @param requestId - As `acceptRequestId` lets it through: nothing in it needs to be escaped.
 */
export function encodeError(error: ServeError, requestId: string): string {
  if (error !== encodedError) {
    const { code, message, issues = [] } = error;
    encodedHead = JSON.stringify({ error: { code, message, issues } }).slice(0, -2);
    encodedError = error;
  }
  return `${encodedHead},"request_id":"${requestId}"}}`;
}
