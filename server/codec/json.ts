/**
 * `/predict`'s JSON: bytes to rows, answers and errors to text.
 *
 * A body is one row, or `{"rows": [...], "partial"?: boolean}`. Before `JSON.parse` sees it, one pass over the bytes counts what makes
 * parsing expensive (1 MiB of nested `[` blocks the loop for 146 ms, of `{}` for 57 ms) and what parsing would hide: colons outside
 * strings against parsed keys show a duplicate key, of which `JSON.parse` silently keeps the last.
 */

import { Buffer } from "node:buffer";
import type { Issue } from "../../bundle/index.js";
import type { Answer, Scalar } from "../../preprocessing/index.js";
import type { Call } from "../call.js";
import { ServeError } from "../errors.js";

export interface DecodeLimits {
  rowsMax: number;
  /** Objects and lists in a body, so that a flood of empty ones is refused unparsed. */
  containersMax: number;
}

/** What a body says, before anything is known of the model. */
export interface DecodedBody {
  rows: readonly unknown[];
  /** One bare row: answered by `prediction`, not by `predictions`. */
  single: boolean;
  partial: boolean;
}

/** Deeper than any row can be: an envelope, its rows, a row, a list in it; with room for what comes. */
const depthMax = 16;

/**
 * Decodes a body.
 *
 * @throws {@link ServeError} unsupported_media_type, malformed_body, too_many_rows, schema_mismatch (no rows at all).
 */
export function decodeJson(contentType: string, body: Uint8Array, limits: DecodeLimits): DecodedBody {
  if (contentType !== "application/json" && !isJson(contentType)) {
    const got = contentType === "" ? "none" : JSON.stringify(contentType);
    throw new ServeError("unsupported_media_type", `content-type: expected application/json, got ${got}`);
  }
  const text = decodeText(body, limits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ServeError("malformed_body", `the body isn't JSON${errorPlace(text, error)}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new ServeError("malformed_body", `the body: expected one row as an object, or {"rows": [...]}, got ${kindOf(value)}`);
  }
  if (countKeys(value) !== scan.colons) {
    throw new ServeError(
      "malformed_body",
      `the body has the key ${JSON.stringify(duplicateKey(text))} twice in one object; which one counts?`,
    );
  }
  return Object.hasOwn(value, "rows")
    ? decodeEnvelope(value as Record<string, unknown>, limits)
    : { rows: [value], single: true, partial: false };
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
  if (!Array.isArray(rows)) throw new ServeError("malformed_body", `"rows": expected a list of rows, got ${kindOf(rows)}`);
  if (typeof partial !== "boolean") throw new ServeError("malformed_body", `"partial": expected true or false, got ${kindOf(partial)}`);
  const expected = `1 to ${limits.rowsMax} rows`;
  if (rows.length === 0) {
    const issue: Issue = { row: 0, feature: "rows", expected, got: "an empty list" };
    throw new ServeError("schema_mismatch", `"rows": expected ${expected}, got an empty list`, { issues: [issue] });
  }
  if (rows.length > limits.rowsMax) throw new ServeError("too_many_rows", `"rows": expected ${expected}, got ${rows.length}`);
  return { rows, single: false, partial };
}

// What the last pass over a body found. One object, since bodies are decoded one at a time.
const scan = { colons: 0 };
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

function decodeText(body: Uint8Array, limits: DecodeLimits): string {
  if (body.length === 0) throw new ServeError("malformed_body", "the body is empty: expected one row as a JSON object");
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
      if (++depth > depthMax) throw new ServeError("malformed_body", `the body is nested deeper than ${depthMax} levels at byte ${i}`);
    } else if (byte === closeBrace || byte === closeBracket) depth--;
  }
  if (containers > limits.containersMax) {
    throw new ServeError("too_many_rows", `the body holds ${containers} objects and lists: expected at most ${limits.rowsMax} rows`);
  }
  scan.colons = colons;
  // Plain ASCII, by far the most bodies, is copied as it is; everything else has to be valid UTF-8.
  if (bits < 0x80) return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  try {
    return strictUtf8.decode(body);
  } catch {
    throw new ServeError("malformed_body", "the body isn't valid UTF-8");
  }
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
function countKeys(value: object): number {
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

/** The first key that stands twice in one object of a valid JSON text. Only for the error message. */
function duplicateKey(text: string): string {
  const seen: Set<string>[] = [];
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === "{") seen.push(new Set());
    else if (token === "}") seen.pop();
    else if (key !== undefined) {
      const name = JSON.parse(key) as string;
      if (seen.at(-1)?.has(name)) return name.slice(0, 64);
      seen.at(-1)?.add(name);
    }
  }
  return "?";
}

/** Where V8 stopped. Its own sentence quotes the body, which may be personal data. */
function errorPlace(text: string, error: unknown): string {
  const position = /position (\d+)/.exec((error as Error).message)?.[1];
  if (position === undefined) return /Unexpected end/.test((error as Error).message) ? ": it ends too early" : "";
  const before = text.slice(0, Number(position)).split("\n");
  return `: line ${before.length}, column ${before.at(-1)!.length + 1}`;
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

/**
 * Encodes an answer.
 *
 * @param answer - Of the rows that ran, in their order.
 * @remarks Request ids are made of characters that need no escaping (`transport/request-id.ts`).
 */
export function encodeJson(frame: AnswerFrame, call: Call, answer: Answer): string {
  if (call.single) {
    const probabilities = answer.probabilities ? `,"probabilities":${encodeProbabilities(frame, answer.probabilities, 0)}` : "";
    return `{"prediction":${encodeScalar(answer.predictions[0]!)}${probabilities}${frame.tail}${call.requestId}"}`;
  }
  const rowTexts: string[] = new Array(call.rows.length).fill("null");
  const probabilityTexts: string[] = answer.probabilities ? [...rowTexts] : [];
  for (let i = 0; i < answer.predictions.length; i++) {
    if (call.unanswered?.has(i)) continue;
    const row = call.rowIndexes ? call.rowIndexes[i]! : i;
    rowTexts[row] = encodeScalar(answer.predictions[i]!);
    if (answer.probabilities) probabilityTexts[row] = encodeProbabilities(frame, answer.probabilities, i);
  }
  const probabilities = answer.probabilities ? `,"probabilities":[${probabilityTexts.join(",")}]` : "";
  const errors = call.partial ? `,"errors":${JSON.stringify(call.rowErrors ?? [])}` : "";
  return `{"predictions":[${rowTexts.join(",")}]${probabilities}${errors}${frame.tail}${call.requestId}"}`;
}

function encodeProbabilities({ labelKeys }: AnswerFrame, probabilities: Float64Array, row: number): string {
  let text = "{";
  for (let k = 0; k < labelKeys.length; k++) {
    text += `${k === 0 ? "" : ","}${labelKeys[k]}${encodeScalar(probabilities[row * labelKeys.length + k]!)}`;
  }
  return `${text}}`;
}

/** The shortest text that reads back as the same number; `JSON.stringify` would lose the sign of zero. */
function encodeScalar(value: Scalar): string {
  if (typeof value !== "number") return JSON.stringify(value);
  return value === 0 && Object.is(value, -0) ? "-0" : String(value);
}

/** An error as `/predict` and its kin answer it. */
export function encodeError(error: ServeError, requestId: string): string {
  const { code, message, issues } = error;
  return JSON.stringify({ error: { code, message, issues: issues ?? [], request_id: requestId } });
}
