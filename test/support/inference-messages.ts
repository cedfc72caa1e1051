/** Messages of the inference service as clients of another maker write and read them, in both forms. */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { type DescMessage, fromBinary, fromJson, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { ReceivedTensor } from "./grpc-client.js";
import type { SentInput } from "./open-inference.js";
import { compileProtos, type Loose } from "./typed-proto.js";

export const inferenceRegistry = compileProtos([readFileSync("proto/open_inference.proto", "utf8")]);
export const inferenceService = inferenceRegistry.getService("inference.GRPCInferenceService")!;

export function inferenceSchema(name: string): DescMessage {
  return inferenceRegistry.getMessage(`inference.${name}`)!;
}

const lists: Readonly<Record<string, string>> = {
  BOOL: "boolContents",
  INT8: "intContents",
  INT16: "intContents",
  INT32: "intContents",
  INT64: "int64Contents",
  UINT8: "uintContents",
  UINT16: "uintContents",
  UINT32: "uintContents",
  UINT64: "uint64Contents",
  FP32: "fp32Contents",
  FP64: "fp64Contents",
  BYTES: "bytesContents",
};

/** A ModelInferRequest of these tensors, as JSON that a library reads: of their bytes, if all have some. */
export function inferMessage(inputs: readonly SentInput[], members: object = {}): Message {
  const isRaw = inputs.every(({ bytes }) => bytes !== undefined);
  const json = {
    inputs: inputs.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape: (shape as number[]).map(String),
      ...(!isRaw && { contents: { [lists[datatype as string]!]: (data as unknown[]).map(jsonValue(datatype)) } }),
    })),
    ...(isRaw && { rawInputContents: inputs.map(({ bytes }) => Buffer.from(bytes!).toString("base64")) }),
    ...members,
  };
  return fromJson(inferenceSchema("ModelInferRequest"), json as Loose);
}

const jsonValue = (datatype: unknown) => (value: unknown) => {
  if (datatype === "BYTES") return Buffer.from(value as string).toString("base64");
  if (/^U?INT64$/.test(String(datatype))) return String(value);
  // The library refuses minus zero nowhere, and JSON.stringify isn't asked.
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
};

export function messageBytes(message: Message, form: "proto" | "json"): Buffer {
  const schema = inferenceRegistry.getMessage(message.$typeName)!;
  return Buffer.from(form === "proto" ? toBinary(schema, message) : toJsonString(schema, message));
}

export function readMessage(name: string, body: Uint8Array, form: "proto" | "json"): Loose {
  const schema = inferenceSchema(name);
  return form === "proto" ? fromBinary(schema, body) : fromJson(schema, JSON.parse(Buffer.from(body).toString()));
}

/** The outputs of a ModelInferResponse, in whichever form they come. */
export function outputsOf(reply: Loose): ReceivedTensor[] {
  return reply.outputs.map(({ name, datatype, shape, contents }: Loose, index: number) => {
    const raw: Uint8Array | undefined = reply.rawOutputContents[index];
    const data = raw === undefined || raw.length === 0 ? contents[lists[datatype]!] : rawValues(datatype, raw);
    const shown = (value: Loose) => {
      if (datatype === "BYTES") return Buffer.from(value).toString();
      return datatype === "INT64" ? Number(value) : value;
    };
    return { name, datatype, shape: shape.map(Number), data: data.map(shown) };
  });
}

function rawValues(datatype: string, raw: Uint8Array): unknown[] {
  const bytes = Buffer.from(raw);
  if (datatype === "BOOL") return [...bytes].map(Boolean);
  const values: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (datatype === "BYTES") {
      const end = at + 4 + bytes.readUInt32LE(at);
      values.push(bytes.subarray(at + 4, end));
      at = end;
    } else {
      values.push(datatype === "INT64" ? bytes.readBigInt64LE(at) : bytes.readDoubleLE(at));
      at += 8;
    }
  }
  return values;
}
