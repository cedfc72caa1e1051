/**
 * Requests of KServe's V1 protocol, of TensorFlow Serving's REST interface and of Vertex AI: `{"instances": [...]}`, or
 * TensorFlow Serving's columns, `{"inputs": {...}}`.
 *
 * @see https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
 * @see https://www.tensorflow.org/tfx/serving/api_rest#predict_api
 */

import type { Buffer } from "node:buffer";
import { quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { takeWhole } from "../../path/sliced-work.js";
import { type ChosenFields, readFields } from "../json/fields.js";
import { parseObjectInSlices } from "../json/parse-slices.js";
import { readColumns } from "../json/row-columns.js";
import { readRows, tableLimits } from "../json/row-lists.js";
import { kindOf, type Members, parseObject } from "../json/text.js";
import type { DecodedRequest, ProtocolContract, RequestHead } from "../protocol.js";

export interface TableRequest extends DecodedRequest {
  /** What is answered of each row; undefined: its prediction, bare. */
  readonly fields: ChosenFields | undefined;
  /** Names the list of answers. */
  readonly answersKey: "predictions" | "outputs";
}

const expected = '{"instances": [...]}';

/**
 * Decodes a body, whatever content type it is sent with, since TensorFlow Serving's callers send any.
 *
 * @throws {@link ServeError} malformed_body, invalid_request (a parameter), schema_mismatch, too_many_rows.
 */
export function decodeInstances(body: Buffer, _head: RequestHead, contract: ProtocolContract): TableRequest {
  return takeWhole(takeMembers(parseObject(body, tableLimits(contract), expected), contract));
}

/** As {@link decodeInstances}, in slices. */
export function* decodeInstancesInSlices(
  body: Buffer,
  _head: RequestHead,
  contract: ProtocolContract,
): Generator<undefined, TableRequest> {
  const members = yield* parseObjectInSlices(body, tableLimits(contract), expected);
  return yield* takeMembers(members, contract);
}

function* takeMembers(members: Members, contract: ProtocolContract): Generator<undefined, TableRequest> {
  const { instances, inputs, signature_name: signature = "" } = members;
  if ((instances === undefined) === (inputs === undefined)) {
    const got = instances === undefined ? "neither of them" : "both";
    throw new ServeError("malformed_body", `the body: expected either "instances" or "inputs", got ${got}`);
  }
  if (signature !== "" && signature !== "serving_default") {
    const got = typeof signature === "string" ? quote(signature) : kindOf(signature);
    throw new ServeError("invalid_request", `"signature_name": expected "serving_default" or none, got ${got}`);
  }
  const options = readOptions('"parameters"', members.parameters, contract);
  if (inputs === undefined)
    return { rows: yield* readRows('"instances"', instances, contract), ...options, answersKey: "predictions" };
  return { rows: yield* readInputs(inputs, contract), ...options, answersKey: "outputs" };
}

/** Columns by name; or rows, as of a model that has one input. */
export function readInputs(inputs: unknown, contract: ProtocolContract) {
  const isColumns = inputs !== null && typeof inputs === "object" && !Array.isArray(inputs);
  return isColumns ? readColumns('"inputs"', inputs as Members, contract) : readRows('"inputs"', inputs, contract);
}

/**
 * What a request may ask for beside its rows. Of others nobody here knows what they would change, so they are refused.
 *
 * @throws {@link ServeError} malformed_body, invalid_request.
 */
export function readOptions(
  at: string,
  value: unknown,
  { postprocessor }: ProtocolContract,
): Pick<TableRequest, "fields" | "partial"> {
  if (value === undefined || value === null) return { fields: undefined, partial: false };
  if (typeof value !== "object" || Array.isArray(value))
    throw new ServeError("malformed_body", `${at}: expected an object, got ${kindOf(value)}`);
  const { fields, partial = false, ...others } = value as Members;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new ServeError("invalid_request", `${at}: expected "fields" or "partial", got ${quote(other)}`);
  if (typeof partial !== "boolean")
    throw new ServeError("invalid_request", `${at}, "partial": expected true or false, got ${kindOf(partial)}`);
  return { fields: fields === undefined ? undefined : readFields(fields, postprocessor), partial };
}
