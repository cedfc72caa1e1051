/**
 * Bytes to one JSON value, whatever protocol it is of.
 *
 * Before `JSON.parse` sees a body, one pass over the bytes counts what makes parsing expensive (1 MiB of nested `[`
 * blocks the loop for 146 ms, of `{}` for 57 ms) and what parsing would hide: colons outside strings against parsed keys
 * show a duplicate key, of which `JSON.parse` silently keeps the last. `parse-slices.ts` does the same for large bodies.
 */

import type { Buffer } from "node:buffer";
import type { Issue } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { takeWhole } from "../../path/sliced-work.js";
import type { DecodeLimits } from "../protocol.js";
import { backslash, closeBrace, closeBracket, colon, openBrace, openBracket, quote } from "./bytes.js";
import { findFault, type JsonFault } from "./fault.js";

/** Deeper than any row can be: an envelope, its rows, a row, a list in it; with room for what comes. */
export const depthMax = 16;

export type Members = Record<string, unknown>;

/**
 * The object that a body is.
 *
 * @param expected - What it should be, for the error.
 * @throws {@link ServeError} malformed_body, too_many_rows (far too many objects).
 */
export function parseObject(body: Buffer, limits: DecodeLimits, expected: string): Members {
  return takeObject(parseContainer(body, limits, expected), expected);
}

/** The object or list that a body is; as {@link parseObject}. */
export function parseContainer(body: Buffer, limits: DecodeLimits, expected: string): Members | unknown[] {
  const text = decodeText(body, limits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const fault = takeWhole(findFault(text));
    throw malformed(fault, placeIn(text, fault));
  }
  const container = takeContainer(value, expected);
  if (countKeys(container) !== scan.colons) throw duplicateMember(takeWhole(findDuplicateKey([text])));
  return container;
}

/** @throws {@link ServeError} unsupported_media_type. */
export function checkContentType(contentType: string): void {
  if (contentType === "application/json" || isJson(contentType)) return;
  const got = contentType === "" ? "none" : JSON.stringify(contentType.slice(0, 64));
  throw new ServeError("unsupported_media_type", `content-type: expected application/json, got ${got}`);
}

function isJson(contentType: string): boolean {
  const [type, ...parameters] = contentType.toLowerCase().split(";");
  if (type?.trim() !== "application/json") return false;
  return parameters.every((parameter) => {
    const [name, value = ""] = parameter.split("=");
    return name?.trim() !== "charset" || /^"?utf-?8"?$/.test(value.trim());
  });
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
export function takeObject(value: unknown, expected: string): Members {
  const container = takeContainer(value, expected);
  if (!Array.isArray(container)) return container;
  throw new ServeError("malformed_body", `the body: expected ${expected}, got ${kindOf(value)}`);
}

/** @throws {@link ServeError} malformed_body for anything but an object or a list. */
export function takeContainer(value: unknown, expected: string): Members | unknown[] {
  if (value !== null && typeof value === "object") return value as Members | unknown[];
  throw new ServeError("malformed_body", `the body: expected ${expected}, got ${kindOf(value)}`);
}

export function duplicateMember(key: string): ServeError {
  return new ServeError(
    "malformed_body",
    `the body has the key ${JSON.stringify(key)} twice in one object; which one counts?`,
  );
}

// What the last pass over a body found. One object, since bodies are decoded one at a time.
const scan = { colons: 0 };
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(body: Buffer, limits: DecodeLimits): string {
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

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
