/**
 * `/predict`'s JSON: bytes to rows, answers and errors to text.
 *
 * A body is one row, or `{"rows": [...], "partial"?: boolean}`. Before `JSON.parse` sees it, one pass over the bytes
 * counts what makes parsing expensive (1 MiB of nested `[` blocks the loop for 146 ms, of `{}` for 57 ms) and what
 * parsing would hide: colons outside strings against parsed keys show a duplicate key, of which `JSON.parse` silently
 * keeps the last.
 */

import type { Buffer } from "node:buffer";
import type { Issue } from "../../bundle/index.js";
import type { Answer, Prediction, Scalar } from "../../preprocessing/index.js";
import { type FallbackReason, type RowError, ServeError } from "../errors.js";
import type { RequestRow, RunningRow } from "../path/row-index.js";
import { takeWhole } from "../path/slices.js";
import { backslash, closeBrace, closeBracket, colon, openBrace, openBracket, quote } from "./json-bytes.js";
import { findFault, type JsonFault } from "./json-fault.js";

export interface DecodeLimits {
  rowsMax: number;
  /** Objects and lists in a body, so that a flood of empty ones is refused unparsed. */
  containersMax: number;
  /**
   * Members of one object: 90,000 in a megabyte take `JSON.parse` 60 ms. Only looked at in bodies that have room for so
   * many.
   */
  membersMax: number;
}

/** What a body says, before anything is known of the model. */
export interface DecodedBody {
  rows: readonly unknown[];
  /** One bare row: answered by `prediction`, not by `predictions`. */
  single: boolean;
  partial: boolean;
}

/** Deeper than any row can be: an envelope, its rows, a row, a list in it; with room for what comes. */
export const depthMax = 16;

/**
 * Decodes a body.
 *
 * @throws {@link ServeError} unsupported_media_type, malformed_body, too_many_rows, schema_mismatch (no rows at all).
 */
export function decodeJson(contentType: string, body: Buffer, limits: DecodeLimits): DecodedBody {
  checkContentType(contentType);
  const text = decodeText(body, limits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const fault = takeWhole(findFault(text));
    throw malformed(fault, placeIn(text, fault));
  }
  const members = takeObject(value);
  if (countKeys(members) !== scan.colons) throw duplicateMember(takeWhole(findDuplicateKey([text])));
  return takeMembers(members, limits);
}

/** @throws {@link ServeError} unsupported_media_type. */
export function checkContentType(contentType: string): void {
  if (contentType === "application/json" || isJson(contentType)) return;
  const got = contentType === "" ? "none" : JSON.stringify(contentType.slice(0, 64));
  throw new ServeError("unsupported_media_type", `content-type: expected application/json, got ${got}`);
}

/** Line and column of a character, from 1; a column counts UTF-16 code units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** @param place - Of the fault; undefined where the text ends too early. */
export function malformed({ hint }: JsonFault, place: Place | undefined): ServeError {
  const where = place === undefined ? "it ends too early" : `line ${place.line}, column ${place.column}`;
  return new ServeError("malformed_body", `the body isn't JSON: ${where}${hint === undefined ? "" : `: ${hint}`}`);
}

/** @throws {@link ServeError} malformed_body for anything but an object. */
export function takeObject(value: unknown): Record<string, unknown> {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ServeError(
    "malformed_body",
    `the body: expected one row as an object, or {"rows": [...]}, got ${kindOf(value)}`,
  );
}

export function duplicateMember(key: string): ServeError {
  return new ServeError(
    "malformed_body",
    `the body has the key ${JSON.stringify(key)} twice in one object; which one counts?`,
  );
}

/** An envelope's rows, or the one row that the body is. */
export function takeMembers(members: Record<string, unknown>, limits: DecodeLimits): DecodedBody {
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

// What the last pass over a body found. One object, since bodies are decoded one at a time.
const scan = { colons: 0 };
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(body: Buffer, limits: DecodeLimits): string {
  if (body.length === 0) throw emptyBody();
  let colons = 0;
  let depth = 0;
  let containers = 0;
  let bits = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]!;
    bits |= byte;
    if (inString) {
      if (byte === quote) inString = false;
      else if (byte === backslash) bits |= body[++i] ?? 0;
    } else if (byte === quote) inString = true;
    else if (byte === colon) colons++;
    else if (byte === openBrace || byte === openBracket) {
      containers++;
      if (++depth > depthMax) throw tooDeep(i);
    } else if (byte === closeBrace || byte === closeBracket) depth--;
  }
  if (containers > limits.containersMax) throw tooManyContainers(containers, limits);
  scan.colons = colons;
  // Plain ASCII, by far the most bodies, is copied as it is; everything else has to be valid UTF-8.
  if (bits < 0x80) return body.toString("latin1");
  try {
    return withoutMark(strictUtf8.decode(body));
  } catch {
    throw notUtf8();
  }
}

/** A byte order mark before the text is ignored, as RFC 8259 (section 8.1) allows and most JSON libraries do. */
function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

export function emptyBody(): ServeError {
  return new ServeError("malformed_body", "the body is empty: expected one row as a JSON object");
}

export function tooDeep(byte: number): ServeError {
  return new ServeError("malformed_body", `the body is nested deeper than ${depthMax} levels at byte ${byte}`);
}

export function tooManyContainers(containers: number, { rowsMax }: DecodeLimits): ServeError {
  return new ServeError(
    "too_many_rows",
    `the body holds ${containers} objects and lists: expected at most ${rowsMax} rows`,
  );
}

export function tooManyMembers(row: number, membersMax: number): ServeError {
  const issue: Issue = { row, feature: "", expected: `at most ${membersMax} fields`, got: "more" };
  return new ServeError("schema_mismatch", `row ${row}: expected at most ${membersMax} fields, got more`, {
    issues: [issue],
  });
}

export function notUtf8(): ServeError {
  return new ServeError("malformed_body", "the body isn't valid UTF-8");
}

function isJson(contentType: string): boolean {
  const [type, ...parameters] = contentType.toLowerCase().split(";");
  if (type?.trim() !== "application/json") return false;
  return parameters.every((parameter) => {
    const [name, value = ""] = parameter.split("=");
    return name?.trim() !== "charset" || /^"?utf-?8"?$/.test(value.trim());
  });
}

/** Keys of all objects in a parsed value; the depth is bounded by the pass before. */
export function countKeys(value: object): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (item !== null && typeof item === "object") count += countKeys(item);
    return count;
  }
  for (const key in value) {
    count++;
    const item = (value as Record<string, unknown>)[key];
    if (item !== null && typeof item === "object") count += countKeys(item);
  }
  return count;
}

/**
 * The first key that stands twice in one object of a valid JSON text, in slices. Only for the error message.
 *
 * @param texts - The text, whole or cut between tokens.
 */
export function* findDuplicateKey(texts: Iterable<string>): Generator<undefined, string> {
  const seen: Set<string>[] = [];
  let tokens = 0;
  for (const text of texts) {
    for (const [token, string, colon] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*(:)?|[{}]/g)) {
      if (++tokens % 256 === 0) yield;
      if (token === "{") seen.push(new Set());
      else if (token === "}") seen.pop();
      else if (colon !== undefined) {
        const name = JSON.parse(string!) as string;
        if (seen.at(-1)?.has(name)) return name.slice(0, 64);
        seen.at(-1)?.add(name);
      }
    }
  }
  return "?";
}

function placeIn(text: string, { at }: JsonFault): Place | undefined {
  if (at === "end") return undefined;
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
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
  const { length } = call.rows;
  const places = placesOfRows(call, answer);
  const probabilities = answer.probabilities
    ? `,"probabilities":[${encodeProbabilities(frame, answer.probabilities, places, 0, length)}]`
    : "";
  const errors = call.partial ? `,"errors":${JSON.stringify(call.rowErrors ?? [])}` : "";
  return `{"predictions":[${encodePredictions(answer.predictions, places, 0, length)}]${probabilities}${errors}${encodeFallback(call)}${frame.tail}${call.requestId}"}`;
}

/**
 * `,"fallback":{"reason":"deadline_exceeded"}`, with the rows that it answered where these aren't all; "" where the
 * model answered.
 */
export function encodeFallback({ fallback, fallbackRows, rows, rowIndexes }: AnsweredCall): string {
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
export type Places = Int32Array | undefined;

export function placesOfRows({ rows, rowIndexes, unanswered }: AnsweredCall, { predictions }: Answer): Places {
  if (rowIndexes === undefined && unanswered === undefined) return undefined;
  const places = new Int32Array(rows.length).fill(-1);
  for (let i = 0; i < predictions.length; i++) if (!unanswered?.has(i)) places[rowIndexes ? rowIndexes[i]! : i] = i;
  return places;
}

/** The predictions of rows `first` to `end - 1`, between commas. */
export function encodePredictions(
  predictions: readonly Prediction[],
  places: Places,
  first: number,
  end: number,
): string {
  if (places === undefined)
    return encodeItems(end - first === predictions.length ? predictions : predictions.slice(first, end));
  return encodeItems(Array.from(places.subarray(first, end), (place) => (place < 0 ? null : predictions[place]!)));
}

/** The probabilities of rows `first` to `end - 1`, between commas. */
export function encodeProbabilities(
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
