/**
 * Requests of the Open Inference Protocol to columns.
 *
 * A body is JSON, or JSON and behind it the elements of those tensors that are sent as binary data; a header says where
 * the JSON ends.
 *
 * @see triton-inference-server, docs/protocol/extension_binary_data.md
 */

import type { Buffer } from "node:buffer";
import { quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import { parseObjectInSlices } from "../json/parse-slices.js";
import { parseObject } from "../json/text.js";
import type { DecodedRequest, DecodeLimits, ProtocolContract, RequestHead } from "../protocol.js";
import { openBinary } from "./binary.js";
import { type ChosenOutput, type KnownTensors, openJson, readRequest, type SentRequest } from "./json.js";
import { planOutputs } from "./outputs.js";
import { type ColumnReader, columnReader, planInputs, toColumns } from "./tensor.js";

/** The length of the JSON, bytes, where binary data stand behind it. */
export const lengthHeader = "inference-header-content-length";

/** A request, and what its answer repeats or is shaped by. */
export interface OpenInferenceRequest extends DecodedRequest {
  readonly id: string | undefined;
  readonly outputs: readonly ChosenOutput[];
}

const expected = 'an inference request as {"inputs": [{"name", "shape", "datatype", "data"}, ...]}';
/** Elements that are read in one slice: 5 us of numbers, 150 us of texts. */
const sliceElements = 1024;

const knownTensors = new WeakMap<ProtocolContract, KnownTensors>();

/** The tensors of a version; planned once. */
export function tensorsOf(contract: ProtocolContract): KnownTensors {
  let known = knownTensors.get(contract);
  if (known === undefined) {
    known = { inputs: planInputs(contract.rowSchema.features), outputs: planOutputs(contract.postprocessor) };
    knownTensors.set(contract, known);
  }
  return known;
}

/**
 * Decodes a body. What a request keeps of it is copied.
 *
 * @throws {@link ServeError} malformed_body, invalid_request (the header, a parameter), schema_mismatch (tensors that
 *   the model doesn't have, or has otherwise), too_many_rows.
 */
export function decodeRequest(body: Buffer, head: RequestHead, contract: ProtocolContract): OpenInferenceRequest {
  const jsonBytes = readJsonLength(head.header(lengthHeader), body.length);
  const members = parseObject(body.subarray(0, jsonBytes), jsonLimits(contract), expected);
  const { sent, tensors } = open(members, body.subarray(jsonBytes), contract);
  for (const { head, read } of tensors) read(0, head.rowCount);
  return conclude(sent, tensors, contract);
}

/** As {@link decodeRequest}, in slices. */
export function decodeRequestInSlices(body: Buffer, head: RequestHead, contract: ProtocolContract) {
  const jsonBytes = readJsonLength(head.header(lengthHeader), body.length);
  return (function* (): Generator<undefined, OpenInferenceRequest> {
    const members = yield* parseObjectInSlices(body.subarray(0, jsonBytes), jsonLimits(contract), expected);
    const { sent, tensors } = open(members, body.subarray(jsonBytes), contract);
    for (const { head, read } of tensors) {
      for (const [first, end] of slicesOf(head.rowCount, Math.ceil(sliceElements / Math.max(1, head.width)))) {
        read(first, end);
        yield;
      }
    }
    return conclude(sent, tensors, contract);
  })();
}

/** How many bytes of the body are JSON: all of them, unless the header says otherwise. */
function readJsonLength(header: string, bodyBytes: number): number {
  if (header === "") return bodyBytes;
  const length = Number(header);
  if (/^\d{1,15}$/.test(header) && length > 0 && length <= bodyBytes) return length;
  const wanted = `the length of the JSON, from 1 to the ${bodyBytes} bytes of the body`;
  const hint = length === 0 ? " (raw requests, which have no JSON, aren't supported here)" : "";
  throw new ServeError("invalid_request", `${lengthHeader}: expected ${wanted}, got ${quote(header)}${hint}`);
}

/** Of each tensor: its object, its parameters, its shape, its elements; and a list a row, where these are nested. */
export function jsonLimits(contract: ProtocolContract): DecodeLimits {
  const { rowsMax, membersMax } = contract.bodyLimits.decode;
  return { rowsMax, membersMax, containersMax: tensorsOf(contract).inputs.size * (rowsMax + 4) + 100 };
}

/** Reads all of a request but the tensors' elements. */
function open(
  members: Record<string, unknown>,
  binary: Buffer,
  contract: ProtocolContract,
): { sent: SentRequest; tensors: readonly ColumnReader[] } {
  const sent = readRequest(members, tensorsOf(contract), contract.bodyLimits.decode.rowsMax);
  const binaryBytes = sent.inputs.reduce((sum, input) => sum + input.binaryBytes, 0);
  if (binaryBytes !== binary.length) {
    const wanted = `${binaryBytes} bytes of binary data behind the JSON, as its tensors say`;
    const hint = binary.length === 0 ? ` (the header ${lengthHeader} says where the JSON ends)` : "";
    throw new ServeError("malformed_body", `the body: expected ${wanted}, got ${binary.length}${hint}`);
  }
  let at = 0;
  const tensors = sent.inputs.map(({ head, data, binaryBytes }) => {
    const begin = at;
    at += binaryBytes;
    return columnReader(head, data ? openJson(head, data) : openBinary(head, binary.subarray(begin, at)));
  });
  return { sent, tensors };
}

function conclude(
  { id, timeoutMs, outputs }: SentRequest,
  tensors: readonly ColumnReader[],
  contract: ProtocolContract,
) {
  const rows = toColumns(tensors, contract.rowSchema.features);
  return { rows, partial: false, id, outputs, ...(timeoutMs > 0 && { timeoutMs }) };
}
