/**
 * Bodies of `/predict`: one row, a list of rows, or `{"rows": [...], "context"?, "fields"?, "partial"?}`.
 *
 * Large bodies take the same way in slices: the words and rows are the same, a property test holds one to the other.
 */

import type { Buffer } from "node:buffer";
import { ServeError } from "../../errors.js";
import { slicesOf, takeWhole } from "../../path/sliced-work.js";
import { type ChosenFields, readFields } from "../json/fields.js";
import { type ParseSlices, parseContainerInSlices } from "../json/parse-slices.js";
import { checkRowCount } from "../json/row-count.js";
import { checkContentType, kindOf, type Members, parseContainer } from "../json/text.js";
import type { DecodedRequest, DecodeLimits, ProtocolContract } from "../protocol.js";

export interface JsonRequest extends DecodedRequest {
  /** One bare row: answered by `prediction`, not by `predictions`. */
  readonly single: boolean;
  /** Absent where the request doesn't choose. */
  readonly fields?: ChosenFields;
}

/** As `JSON.parse` makes them: nothing is known of the rows. */
export interface ParsedRequest extends JsonRequest {
  readonly rows: readonly unknown[];
}

type Outputs = Pick<ProtocolContract["postprocessor"], "labels" | "hasProbabilities">;

const expected = 'one row as an object, or {"rows": [...]}';
/** Rows that are made of a context and their own fields in one slice: 30 us. */
const mergedRows = 128;
const noOutputs: Outputs = { labels: undefined, hasProbabilities: false };

/**
 * Decodes a body.
 *
 * @param outputs - Of the model: what `fields` may ask for.
 * @throws {@link ServeError} unsupported_media_type, malformed_body, invalid_request (a field that the model doesn't
 *   have), too_many_rows, schema_mismatch (no rows at all).
 */
export function decodeJson(
  contentType: string,
  body: Buffer,
  limits: DecodeLimits,
  outputs: Outputs = noOutputs,
): ParsedRequest {
  checkBody(contentType, body);
  const container = parseContainer(body, limits, expected);
  if (Array.isArray(container)) return takeList(container, limits);
  if (!Object.hasOwn(container, "rows")) return { rows: [container], single: true, partial: false };
  return takeWhole(takeEnvelope(container, limits, outputs));
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
  outputs: Outputs = noOutputs,
): Generator<undefined, ParsedRequest> {
  checkBody(contentType, body);
  return (function* () {
    const container = yield* parseContainerInSlices(body, limits, expected, slices);
    if (Array.isArray(container)) return takeList(container, limits);
    if (!Object.hasOwn(container, "rows")) return { rows: [container], single: true, partial: false };
    return yield* takeEnvelope(container, limits, outputs);
  })();
}

export function checkBody(contentType: string, body: Buffer): void {
  checkContentType(contentType);
  if (body.length === 0) throw new ServeError("malformed_body", "the body is empty: expected one row as a JSON object");
}

function takeList(rows: readonly unknown[], { rowsMax }: DecodeLimits): ParsedRequest {
  checkRowCount("the body", rows.length, rowsMax);
  return { rows, single: false, partial: false };
}

const members: ReadonlySet<string> = new Set(["rows", "partial", "context", "fields"]);

function* takeEnvelope(envelope: Members, limits: DecodeLimits, outputs: Outputs): Generator<undefined, ParsedRequest> {
  const { rows, partial = false, context, fields } = envelope;
  for (const key of Object.keys(envelope)) {
    if (members.has(key)) continue;
    throw new ServeError(
      "malformed_body",
      `the body has "rows", so beside it only "partial", "context" and "fields" are known, got ${JSON.stringify(key.slice(0, 64))}`,
    );
  }
  if (!Array.isArray(rows))
    throw new ServeError("malformed_body", `"rows": expected a list of rows, got ${kindOf(rows)}`);
  if (typeof partial !== "boolean")
    throw new ServeError("malformed_body", `"partial": expected true or false, got ${kindOf(partial)}`);
  checkRowCount('"rows"', rows.length, limits.rowsMax);
  const whole = context === undefined ? rows : yield* mergeContext(context, rows);
  if (fields === undefined) return { rows: whole, single: false, partial };
  return { rows: whole, single: false, partial, fields: readFields(fields, outputs) };
}

/** Rows with the fields that they share. One that isn't an object stays as it is, for the schema to refuse. */
function* mergeContext(context: unknown, rows: readonly unknown[]): Generator<undefined, readonly unknown[]> {
  if (context === null || typeof context !== "object" || Array.isArray(context))
    throw new ServeError(
      "malformed_body",
      `"context": expected an object of the fields that all rows share, got ${kindOf(context)}`,
    );
  const merged: unknown[] = [];
  for (const [first, end] of slicesOf(rows.length, mergedRows)) {
    for (let index = first; index < end; index++) merged.push(mergeRow(context, rows[index], index));
    yield;
  }
  return merged;
}

function mergeRow(context: object, row: unknown, index: number): unknown {
  if (row === null || typeof row !== "object" || Array.isArray(row)) return row;
  for (const name in row) {
    if (!Object.hasOwn(context, name)) continue;
    const shown = JSON.stringify(name.slice(0, 64));
    throw new ServeError(
      "malformed_body",
      `row ${index} has the field ${shown}, and so has "context": expected it in one of them`,
    );
  }
  return { ...context, ...row };
}
