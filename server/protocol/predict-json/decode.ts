/**
 * Bodies of `/predict`: one row, or `{"rows": [...], "partial"?: boolean}`.
 *
 * Large bodies take the same way in slices: the words and rows are the same, a property test holds one to the other.
 */

import type { Buffer } from "node:buffer";
import type { Issue } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { type ParseSlices, parseObjectInSlices } from "../json/parse-slices.js";
import { checkContentType, kindOf, parseObject } from "../json/text.js";
import type { DecodedRequest, DecodeLimits } from "../protocol.js";

export interface JsonRequest extends DecodedRequest {
  readonly rows: readonly unknown[];
  /** One bare row: answered by `prediction`, not by `predictions`. */
  readonly single: boolean;
}

const expected = 'one row as an object, or {"rows": [...]}';

/**
 * Decodes a body.
 *
 * @throws {@link ServeError} unsupported_media_type, malformed_body, too_many_rows, schema_mismatch (no rows at all).
 */
export function decodeJson(contentType: string, body: Buffer, limits: DecodeLimits): JsonRequest {
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
): Generator<undefined, JsonRequest> {
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
function takeMembers(members: Record<string, unknown>, limits: DecodeLimits): JsonRequest {
  return Object.hasOwn(members, "rows")
    ? decodeEnvelope(members, limits)
    : { rows: [members], single: true, partial: false };
}

function decodeEnvelope(envelope: Record<string, unknown>, limits: DecodeLimits): JsonRequest {
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
