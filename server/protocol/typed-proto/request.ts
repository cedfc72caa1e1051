/** What a PredictRequest is, in either form, and the rules that both forms have in common. */

import { type Issue, quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { type ChosenFields, readFields } from "../json/fields.js";
import type { DecodedRequest, ProtocolContract } from "../protocol.js";

export interface TypedRequest extends DecodedRequest {
  /** In which form it came, and is answered. */
  readonly isJson: boolean;
  /** What is answered, where the request chooses. */
  readonly fields?: ChosenFields;
}

/** Values of all rows, for each byte that a body may have: rows that bring less than a byte each are none. */
const valuesPerByteMax = 4;
const idForm = /^[A-Za-z0-9._:@/+=-]{1,128}$/;

/** @throws {@link ServeError} schema_mismatch, too_many_rows. */
export function checkRowCount(rowCount: number, { bodyLimits, rowSchema }: ProtocolContract): void {
  const { rowsMax } = bodyLimits.decode;
  const expected = `1 to ${rowsMax} rows`;
  if (rowCount === 0) {
    const issue: Issue = { row: 0, feature: "rows", expected, got: "none" };
    throw new ServeError("schema_mismatch", `"rows": expected ${expected}, got none`, { issues: [issue] });
  }
  if (rowCount > rowsMax) throw new ServeError("too_many_rows", `"rows": expected ${expected}, got ${rowCount}`);
  const valuesMax = valuesPerByteMax * bodyLimits.bodyBytesMax;
  if (rowCount * rowSchema.features.length > valuesMax)
    throw new ServeError(
      "too_many_rows",
      `"rows": expected at most ${valuesMax} values of all rows, got ${rowCount} rows`,
    );
}

/** A list without items is one that isn't there. @throws {@link ServeError} malformed_body, invalid_request. */
export function chosenFields(sent: readonly unknown[], { postprocessor }: ProtocolContract): ChosenFields | undefined {
  return sent.length === 0 ? undefined : readFields(sent, postprocessor);
}

/** @throws {@link ServeError} invalid_request for an id that can't be repeated. */
export function checkRequestId(requestId: string): void {
  if (requestId !== "" && !idForm.test(requestId)) {
    const expected = "1 to 128 characters of A-Z a-z 0-9 . _ : @ / + = -";
    throw new ServeError("invalid_request", `"request_id": expected ${expected}, got ${quote(requestId)}`);
  }
}

export function unknownList(name: string): ServeError {
  return new ServeError(
    "malformed_body",
    `"plumb_empty_lists": expected names of lists of the schema, got ${quote(name)}`,
  );
}
