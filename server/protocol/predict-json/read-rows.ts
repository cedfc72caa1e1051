/**
 * Bodies of `/predict` by the row decoder, in the forms that `decode.ts` takes, without their errors: a body that isn't
 * taken here goes that way.
 */

import type { Buffer } from "node:buffer";
import type { PackedColumns } from "../../../preprocessing/index.js";
import { backslash, closeBrace, closeBracket, colon, comma, openBrace, openBracket, quote } from "../json/bytes.js";
import { readFields } from "../json/fields.js";
import { type RowReader, rowReaderOf, type SharedFields } from "../json/row-reader.js";
import type { ProtocolContract } from "../protocol.js";
import type { JsonRequest } from "./decode.js";

/**
 * Decodes a body, in slices if it holds a list of rows.
 *
 * @returns The rows, all of them valid; undefined if the body isn't taken.
 * @throws {@link ServeError} invalid_request, malformed_body for `fields` that are wrong, as `decodeJson` does.
 */
export function readBody(
  body: Buffer,
  contract: ProtocolContract,
): JsonRequest | undefined | Generator<undefined, JsonRequest | undefined> {
  const reader = rowReaderOf(contract.rowSchema);
  if (reader === undefined) return undefined;
  const at = skipBlanks(body, 0);
  if (body[at] === openBracket) return readListBody(reader, body, at + 1, contract);
  if (body[at] !== openBrace) return undefined;
  if (memberAt(body, skipBlanks(body, at + 1)) !== undefined) return readEnvelope(reader, body, at + 1, contract);
  const rows = reader.readOne(body);
  return rows && { rows, single: true, partial: false };
}

function* readListBody(
  reader: RowReader,
  body: Buffer,
  from: number,
  { bodyLimits }: ProtocolContract,
): Generator<undefined, JsonRequest | undefined> {
  const list = yield* reader.readList(body, from, undefined, bodyLimits.decode.rowsMax);
  if (list === undefined || skipBlanks(body, list.end) !== body.length) return undefined;
  return { rows: list.rows, single: false, partial: false };
}

/** @param from - Behind the opening brace. */
function* readEnvelope(
  reader: RowReader,
  body: Buffer,
  from: number,
  contract: ProtocolContract,
): Generator<undefined, JsonRequest | undefined> {
  let rows: PackedColumns | undefined;
  let partial: boolean | undefined;
  let fields: unknown;
  let context: SharedFields | undefined;
  for (let at = skipBlanks(body, from); ; ) {
    const member = memberAt(body, at);
    if (member === undefined) return undefined;
    at = skipBlanks(body, at + member.length + 2);
    if (body[at] !== colon) return undefined;
    at = skipBlanks(body, at + 1);
    if (member === "rows" && rows === undefined && body[at] === openBracket) {
      const list = yield* reader.readList(body, at + 1, context, contract.bodyLimits.decode.rowsMax);
      if (list === undefined) return undefined;
      rows = list.rows;
      at = list.end;
    } else if (member === "partial" && partial === undefined) {
      partial = isAt(body, at, "true");
      if (!partial && !isAt(body, at, "false")) return undefined;
      at += partial ? 4 : 5;
    } else if (member === "context" && context === undefined && rows === undefined) {
      context = reader.readContext(body, at);
      if (context === undefined) return undefined;
      at = context.end;
    } else if (member === "fields" && fields === undefined) {
      const end = endOfTexts(body, at);
      fields = end < 0 ? undefined : parse(body.toString("latin1", at, end));
      if (fields === undefined) return undefined;
      at = end;
    } else return undefined;
    at = skipBlanks(body, at);
    if (body[at] === closeBrace) {
      if (rows === undefined || skipBlanks(body, at + 1) !== body.length) return undefined;
      break;
    }
    if (body[at] !== comma) return undefined;
    at = skipBlanks(body, at + 1);
  }
  const request = { rows: rows!, single: false, partial: partial ?? false };
  return fields === undefined ? request : { ...request, fields: readFields(fields, contract.postprocessor) };
}

const members = ["rows", "partial", "context", "fields"] as const;

/** The member of an envelope whose name begins at `at`. */
function memberAt(body: Buffer, at: number): (typeof members)[number] | undefined {
  if (body[at] !== quote) return undefined;
  const first = body[at + 1];
  // A row's first feature is told apart by a byte, mostly.
  if (first !== 0x72 && first !== 0x70 && first !== 0x63 && first !== 0x66) return undefined;
  return members.find((name) => isAt(body, at + 1, name) && body[at + 1 + name.length] === quote);
}

function isAt(body: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (body[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** @returns Behind a list of plain texts in ASCII; -1 for anything else. */
function endOfTexts(body: Buffer, from: number): number {
  if (body[from] !== openBracket) return -1;
  let inText = false;
  for (let at = from + 1; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === backslash || byte >= 0x80) return -1;
    if (byte === quote) inText = !inText;
    else if (!inText && (byte === openBracket || byte === openBrace)) return -1;
    else if (!inText && byte === closeBracket) return at + 1;
  }
  return -1;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function skipBlanks(body: Buffer, from: number): number {
  let at = from;
  for (; at < body.length; at++) {
    const byte = body[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return at;
}
