/**
 * Requests of the Open Inference Protocol to columns.
 *
 * A body is JSON, or JSON and behind it the elements of those tensors that are sent as binary data; a header says where
 * the JSON ends. Where that is at 0 there is none: the body is one row of the model's only tensor, a raw request.
 *
 * @see triton-inference-server, docs/protocol/extension_binary_data.md
 */

import { Buffer } from "node:buffer";
import { quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import { parseObjectInSlices } from "../json/parse-slices.js";
import { parseObject } from "../json/text.js";
import type { DecodedRequest, DecodeLimits, ProtocolContract, RequestHead } from "../protocol.js";
import { openBinary } from "./binary.js";
import { planBlockInputs, planBlockOutputs, toBlocks } from "./block-tensors.js";
import { type ChosenOutput, type KnownTensors, openJson, readRequest, type SentRequest } from "./json.js";
import { planOutputs } from "./outputs.js";
import { type ColumnReader, checkHead, columnReader, elementBytes, planInputs, shapeOf, toColumns } from "./tensor.js";

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
    const { blockTensors, rowSchema, postprocessor } = contract;
    known =
      blockTensors === undefined
        ? { inputs: planInputs(rowSchema.features), outputs: planOutputs(postprocessor) }
        : {
            inputs: planBlockInputs(blockTensors.inputs, rowSchema.features),
            outputs: planBlockOutputs(blockTensors.outputs),
          };
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
  if (jsonBytes === undefined) return decodeRaw(body, contract);
  const members = parseObject(body.subarray(0, jsonBytes), jsonLimits(contract), expected);
  const { sent, tensors } = open(members, body.subarray(jsonBytes), contract);
  for (const { head, read } of tensors) read(0, head.rowCount);
  return conclude(sent, tensors, contract);
}

/** As {@link decodeRequest}, in slices. */
export function decodeRequestInSlices(body: Buffer, head: RequestHead, contract: ProtocolContract) {
  const jsonBytes = readJsonLength(head.header(lengthHeader), body.length);
  return (function* (): Generator<undefined, OpenInferenceRequest> {
    if (jsonBytes === undefined) return decodeRaw(body, contract);
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

/** How many bytes of the body are JSON: all of them, unless the header says otherwise; undefined for a raw request. */
function readJsonLength(header: string, bodyBytes: number): number | undefined {
  if (header === "") return bodyBytes;
  const length = Number(header);
  if (/^\d{1,15}$/.test(header) && length <= bodyBytes) return length === 0 ? undefined : length;
  const wanted = `the length of the JSON, at most the ${bodyBytes} bytes of the body`;
  throw new ServeError("invalid_request", `${lengthHeader}: expected ${wanted}, got ${quote(header)}`);
}

/**
 * A body without JSON: one row of the only tensor, of the data type that the metadata name; all outputs as binary data.
 * A text stands without its length, which is that of the body.
 *
 * @see triton-inference-server, docs/protocol/extension_binary_data.md: raw binary request
 */
function decodeRaw(body: Buffer, contract: ProtocolContract): OpenInferenceRequest {
  const { inputs, outputs } = tensorsOf(contract);
  const [input, ...others] = [...inputs.values()].filter(({ isMask }) => !isMask);
  const refuse = (why: string) =>
    new ServeError("invalid_request", `${lengthHeader}: expected the length of the JSON, got 0, and ${why}`);
  if (input === undefined || others.length > 0) {
    const count = input === undefined ? 0 : 1 + others.length;
    throw refuse(`a body without JSON is for a model of one input tensor: this one has ${count}`);
  }
  const { datatype } = input;
  if (input.isList && datatype === "BYTES")
    throw refuse(`how many texts ${quote(input.name)} has doesn't follow from the length of the body`);
  const [, ...dims] = shapeOf(input);
  const shape = dims.map((dim) => (dim === -1 ? Math.floor(body.length / elementBytes(datatype)) : dim));
  const head = checkHead(input, datatype, [1, ...shape], contract.bodyLimits.decode.rowsMax);
  const tensor = columnReader(head, openBinary(head, datatype === "BYTES" ? withLength(body) : body));
  tensor.read(0, 1);
  const chosen = outputs.map((output) => ({ output, isBinary: true, classCount: 0 }));
  return conclude({ id: undefined, timeoutMs: 0, outputs: chosen }, [tensor], contract);
}

function withLength(text: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text]);
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

/** The rows that a request's tensors are, and what its answer is shaped by. */
export function conclude(
  { id, timeoutMs, outputs }: Omit<SentRequest, "inputs">,
  tensors: readonly ColumnReader[],
  contract: ProtocolContract,
) {
  const { blockTensors, rowSchema } = contract;
  const rows = blockTensors ? toBlocks(tensors, blockTensors.inputs) : toColumns(tensors, rowSchema.features);
  return { rows, partial: false, id, outputs, ...(timeoutMs > 0 && { timeoutMs }) };
}
