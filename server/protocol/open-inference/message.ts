/**
 * Inference requests as protocol buffers. A message becomes the members that its JSON would have, so that both are held
 * to the same rules (`json.ts`), and each tensor's elements stay bytes until the tensor is known.
 *
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/open_inference_grpc.proto
 */

import { Buffer } from "node:buffer";
import { WireReader, wireTypes } from "../protobuf/wire.js";

/** A tensor's dimensions; of more no model has any. */
const rankMax = 16;

export interface SentContents {
  /** Of each input its `contents`, as they are encoded; undefined where there are none. */
  readonly typed: readonly (Buffer | undefined)[];
  /** `raw_input_contents`. */
  readonly raw: readonly Buffer[];
}

type Parameters = Record<string, unknown>;

interface NamedTensor {
  name: string;
  datatype?: string;
  shape?: number[];
  parameters: Parameters;
  contents: Buffer | undefined;
}

/** Which model and version a request names; "" for none. @throws {@link ServeError} malformed_body. */
export function readModelName(message: Buffer): { name: string; version: string } {
  const reader = new WireReader(message);
  const names = { name: "", version: "" };
  while (reader.next()) {
    if (reader.field === 1) names.name = reader.readText();
    else if (reader.field === 2) names.version = reader.readText();
    else reader.skip();
  }
  return names;
}

/** @throws {@link ServeError} malformed_body for bytes that are no ModelInferRequest. */
export function readInferRequest(message: Buffer): { members: Parameters; contents: SentContents } {
  const reader = new WireReader(message);
  let id = "";
  const parameters: Parameters = {};
  const inputs: NamedTensor[] = [];
  const outputs: NamedTensor[] = [];
  const raw: Buffer[] = [];
  while (reader.next()) {
    if (reader.field === 3) id = reader.readText();
    else if (reader.field === 4) readParameter(reader.readMessage(), parameters);
    else if (reader.field === 5) inputs.push(readInput(reader.readMessage()));
    else if (reader.field === 6) outputs.push(readOutput(reader.readMessage()));
    else if (reader.field === 7) raw.push(reader.readBytes());
    else reader.skip();
  }
  const typed = inputs.map(({ contents }) => contents);
  return {
    members: {
      ...(id !== "" && { id }),
      // Answers come in the form of the request.
      parameters: { binary_data_output: raw.length > 0, ...parameters },
      inputs: inputs.map(({ name, datatype, shape, parameters }, index) => ({
        name,
        datatype,
        shape,
        parameters: { ...parameters, binary_data_size: (raw[index] ?? typed[index])?.length ?? 0 },
      })),
      outputs: outputs.map(({ name, parameters }) => ({ name, parameters })),
    },
    contents: { typed, raw },
  };
}

function readInput(reader: WireReader): NamedTensor {
  const tensor = {
    name: "",
    datatype: "",
    shape: [] as number[],
    parameters: {},
    contents: undefined as Buffer | undefined,
  };
  while (reader.next()) {
    if (reader.field === 1) tensor.name = reader.readText();
    else if (reader.field === 2) tensor.datatype = reader.readText();
    else if (reader.field === 3) readDimensions(reader, tensor.shape);
    else if (reader.field === 4) readParameter(reader.readMessage(), tensor.parameters);
    else if (reader.field === 5) {
      const bytes = reader.readBytes();
      // Of a message that comes in parts, the parts make the whole.
      tensor.contents = tensor.contents === undefined ? bytes : Buffer.concat([tensor.contents, bytes]);
    } else reader.skip();
  }
  return tensor;
}

function readOutput(reader: WireReader): NamedTensor {
  const tensor: NamedTensor = { name: "", parameters: {}, contents: undefined };
  while (reader.next()) {
    if (reader.field === 1) tensor.name = reader.readText();
    else if (reader.field === 2) readParameter(reader.readMessage(), tensor.parameters);
    else reader.skip();
  }
  return tensor;
}

/** Packed or not. Those beyond the bound are skipped: the rank is wrong by then. */
function readDimensions(reader: WireReader, shape: number[]): void {
  const isPacked = reader.wireType !== wireTypes.varint;
  const from = isPacked ? reader.readMessage() : reader;
  do {
    if (isPacked && from.pos === from.end) return;
    const [value] = from.readSigned();
    if (shape.length <= rankMax) shape.push(value);
  } while (isPacked && shape.length <= rankMax);
}

/** An entry of `map<string, InferParameter>`, into a map that JSON would have. */
function readParameter(entry: WireReader, parameters: Parameters): void {
  let key = "";
  let value: unknown = null;
  while (entry.next()) {
    if (entry.field === 1) key = entry.readText();
    else if (entry.field === 2) value = readParameterValue(entry.readMessage());
    else entry.skip();
  }
  Object.defineProperty(parameters, key, { value, enumerable: true, configurable: true, writable: true });
}

function readParameterValue(reader: WireReader): unknown {
  let value: unknown = null;
  while (reader.next()) {
    if (reader.field === 1) value = reader.readBool();
    else if (reader.field === 2) value = reader.readSigned()[0];
    else if (reader.field === 3) value = reader.readText();
    else if (reader.field === 4) value = reader.readDouble();
    else if (reader.field === 5) value = reader.readUnsigned()[0];
    else reader.skip();
  }
  return value;
}
