/** Requests of the protocols that answer `{"predictions": [...]}`, decoded in one go and in slices. */

import { expect } from "vitest";
import { Columns } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import { takeWhole } from "../../server/path/sliced-work.js";
import type { LabelTexts } from "../../server/protocol/json/answer-text.js";
import type { TableRequest } from "../../server/protocol/kserve-v1/decode.js";
import type { Protocol, ProtocolContract } from "../../server/protocol/protocol.js";
import { toJson } from "./to-json.js";

export interface DecodedTable {
  /** As objects; columns with their values by name. */
  readonly rows: unknown;
  readonly request: TableRequest;
}

/** @returns What a body is decoded to, the same in slices; or code and words of its refusal. */
export function decodeTable(
  protocol: Protocol<LabelTexts, TableRequest>,
  contract: ProtocolContract,
  body: unknown,
  contentType = "application/json",
): DecodedTable | string {
  const bytes = Buffer.from(typeof body === "string" ? body : toJson(body));
  const head = { contentType, header: () => "" };
  const whole = outcome(() => protocol.decode(bytes, head, contract));
  expect(outcome(() => takeWhole(protocol.sliced!.decode(bytes, head, contract)))).toEqual(whole);
  return whole;
}

function outcome(decode: () => TableRequest): DecodedTable | string {
  try {
    const request = decode();
    const { rows } = request;
    return { rows: rows instanceof Columns ? { columns: Object.fromEntries(rows.values) } : rows, request };
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}
