/**
 * Answers and errors of `/predict`, as text. Large answers are written in pieces: the bytes are the same, a property
 * test holds one to the other.
 */

import type { Answer, Scalar } from "../../../preprocessing/index.js";
import type { ServeError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import {
  type LabelTexts,
  labelTexts,
  placesOfRows,
  writeDistribution,
  writePrediction,
  writePredictions,
  writeRows,
} from "../json/answer-text.js";
import { everyField, writeProbabilities, writeTop } from "../json/fields.js";
import type { AnsweredCall } from "../protocol.js";
import type { JsonRequest } from "./decode.js";

/** What is the same in each answer of a version. */
export interface JsonFrame extends LabelTexts {
  /** `,"model":"demand","version":1,"request_id":"` */
  readonly tail: string;
}

export function createJsonFrame(model: string, version: number, labels: readonly Scalar[] | undefined): JsonFrame {
  return {
    tail: `,"model":${JSON.stringify(model)},"version":${version},"request_id":"`,
    ...labelTexts(labels),
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
      ? `,"probabilities":${writeDistribution(frame, answer.probabilities, 0)}`
      : "";
    return `{"prediction":${writePrediction(answer.predictions[0]!)}${probabilities}${encodeFallback(call)}${frame.tail}${call.requestId}"}`;
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
  const { rows, fields = everyField } = request;
  const places = placesOfRows(call, answer);
  const pieces: (() => string)[] = [];
  const addList = (name: string, length: number, write: (first: number, end: number) => string) => {
    const begin = `${pieces.length === 0 ? "{" : "],"}"${name}":[`;
    pieces.push(() => begin);
    for (const [first, end] of slicesOf(length, sliceRows))
      pieces.push(() => `${first === 0 ? "" : ","}${write(first, end)}`);
  };
  const addRows = (name: string, write: (place: number) => string) =>
    addList(name, rows.length, (first, end) => writeRows(places, first, end, write));
  if (fields.prediction)
    addList("predictions", rows.length, (first, end) => writePredictions(predictions, places, first, end));
  // A fallback may have no probabilities: who asked for them gets null.
  if (fields.classes !== undefined && (probabilities || request.fields))
    addRows("probabilities", (place) => writeProbabilities(frame, probabilities, place, fields.classes));
  if (fields.top > 0) addRows("top", (place) => writeTop(frame, probabilities, place, fields.top));
  if (request.partial) {
    const write = (first: number, end: number) => JSON.stringify(rowErrors.slice(first, end)).slice(1, -1);
    addList("errors", rowErrors.length, write);
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
