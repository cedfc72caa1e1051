/**
 * `/predict`'s JSON: bytes to rows, answers and errors to text.
 *
 * A body is one row, or `{"rows": [...], "partial"?: boolean}`. Large bodies and answers take the same way in slices:
 * the words, rows and bytes are the same, a property test holds one to the other.
 */

import type { Buffer } from "node:buffer";
import type { Issue } from "../../bundle/index.js";
import type { Answer, Prediction, Scalar } from "../../preprocessing/index.js";
import { type FallbackReason, type RowError, ServeError } from "../errors.js";
import type { RequestRow, RunningRow } from "../path/row-index.js";
import { slicesOf } from "../path/sliced-work.js";
import { checkContentType, type DecodeLimits, kindOf, parseObject } from "./json-text.js";
import { type ParseSlices, parseObjectInSlices } from "./parse-slices.js";

/** What a body says, before anything is known of the model. */
export interface DecodedBody {
  rows: readonly unknown[];
  /** One bare row: answered by `prediction`, not by `predictions`. */
  single: boolean;
  partial: boolean;
}

const expected = 'one row as an object, or {"rows": [...]}';

/**
 * Decodes a body.
 *
 * @throws {@link ServeError} unsupported_media_type, malformed_body, too_many_rows, schema_mismatch (no rows at all).
 */
export function decodeJson(contentType: string, body: Buffer, limits: DecodeLimits): DecodedBody {
  checkBody(contentType, body);
  return takeMembers(parseObject(body, limits, expected), limits);
}

/**
 * Decodes a large body.
 *
 * @throws {@link ServeError} as {@link decodeJson} does, the first of them at once; and schema_mismatch for an object of
 *   more members than `limits` say.
 */
export function decodeJsonInSlices(
  contentType: string,
  body: Buffer,
  limits: DecodeLimits,
  slices?: ParseSlices,
): Generator<undefined, DecodedBody> {
  checkBody(contentType, body);
  return (function* () {
    return takeMembers(yield* parseObjectInSlices(body, limits, expected, slices), limits);
  })();
}

function checkBody(contentType: string, body: Buffer): void {
  checkContentType(contentType);
  if (body.length === 0) throw new ServeError("malformed_body", "the body is empty: expected one row as a JSON object");
}

/** An envelope's rows, or the one row that the body is. */
function takeMembers(members: Record<string, unknown>, limits: DecodeLimits): DecodedBody {
  return Object.hasOwn(members, "rows")
    ? decodeEnvelope(members, limits)
    : { rows: [members], single: true, partial: false };
}

function decodeEnvelope(envelope: Record<string, unknown>, limits: DecodeLimits): DecodedBody {
  const { rows, partial = false } = envelope;
  for (const key of Object.keys(envelope)) {
    if (key !== "rows" && key !== "partial") {
      throw new ServeError(
        "malformed_body",
        `the body has "rows", so beside it only "partial" is known, got ${JSON.stringify(key.slice(0, 64))}`,
      );
    }
  }
  if (!Array.isArray(rows))
    throw new ServeError("malformed_body", `"rows": expected a list of rows, got ${kindOf(rows)}`);
  if (typeof partial !== "boolean")
    throw new ServeError("malformed_body", `"partial": expected true or false, got ${kindOf(partial)}`);
  const expected = `1 to ${limits.rowsMax} rows`;
  if (rows.length === 0) {
    const issue: Issue = { row: 0, feature: "rows", expected, got: "an empty list" };
    throw new ServeError("schema_mismatch", `"rows": expected ${expected}, got an empty list`, { issues: [issue] });
  }
  if (rows.length > limits.rowsMax)
    throw new ServeError("too_many_rows", `"rows": expected ${expected}, got ${rows.length}`);
  return { rows, single: false, partial };
}

/** What is the same in each answer of a version: computed once. */
export interface AnswerFrame {
  /** `,"model":"demand","version":1,"request_id":"` */
  tail: string;
  /** `"benign":` and so on, in the order of the probability columns. */
  labelKeys: readonly string[];
}

export function createAnswerFrame(model: string, version: number, labels: readonly Scalar[] | undefined): AnswerFrame {
  return {
    tail: `,"model":${JSON.stringify(model)},"version":${version},"request_id":"`,
    labelKeys: (labels ?? []).map((label) => `${JSON.stringify(String(label))}:`),
  };
}

/** A call as the text of its answer shows it. */
export interface AnsweredCall {
  readonly requestId: string;
  readonly single: boolean;
  readonly partial: boolean;
  /** All that were sent. */
  readonly rows: readonly unknown[];
  /** Where the rows that ran stood among `rows`; undefined when all of them ran. */
  readonly rowIndexes: readonly RequestRow[] | undefined;
  readonly unanswered: ReadonlySet<RunningRow> | undefined;
  readonly rowErrors: readonly RowError[] | undefined;
  readonly fallback: FallbackReason | undefined;
  /** Undefined when the fallback answered all rows, or none. */
  readonly fallbackRows: readonly RunningRow[] | undefined;
}

/**
 * Encodes an answer.
 *
 * @param answer - Of the rows that ran, in their order.
 * @remarks Request ids are made of characters that need no escaping (`transport/request-id.ts`).
 */
export function encodeJson(frame: AnswerFrame, call: AnsweredCall, answer: Answer): string {
  if (call.single) {
    const probabilities = answer.probabilities
      ? `,"probabilities":${encodeDistribution(frame, answer.probabilities, 0)}`
      : "";
    return `{"prediction":${encodePrediction(answer.predictions[0]!)}${probabilities}${encodeFallback(call)}${frame.tail}${call.requestId}"}`;
  }
  let text = "";
  for (const write of encodeJsonInPieces(frame, call, answer, call.rows.length)) text += write();
  return text;
}

/** The same text in pieces, of so many rows each: to write one is a slice of work. */
export function encodeJsonInPieces(
  frame: AnswerFrame,
  call: AnsweredCall,
  answer: Answer,
  sliceRows: number,
): readonly (() => string)[] {
  if (call.single) return [() => encodeJson(frame, call, answer)];
  const { predictions, probabilities } = answer;
  const { rows, partial, rowErrors = [] } = call;
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
  if (partial) {
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
function encodeFallback({ fallback, fallbackRows, rows, rowIndexes }: AnsweredCall): string {
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

function placesOfRows({ rows, rowIndexes, unanswered }: AnsweredCall, { predictions }: Answer): Places {
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
  frame: AnswerFrame,
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

function encodeDistribution({ labelKeys }: AnswerFrame, probabilities: Float64Array, row: number): string {
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
