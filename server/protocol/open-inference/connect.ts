/**
 * `ModelInfer` of the inference service by Connect's unary form: gRPC's messages over HTTP, in protobuf's binary form or
 * in its JSON form.
 *
 * @see https://connectrpc.com/docs/protocol
 */

import { Buffer } from "node:buffer";
import type { Answer } from "../../../preprocessing/index.js";
import type { ServeError } from "../../errors.js";
import { slicesOf, takeWhole } from "../../path/sliced-work.js";
import { connectError } from "../connect/error.js";
import {
  type ConnectHead,
  connectErrorSchema,
  connectHeaders,
  connectParameters,
  isJsonType,
  jsonType,
  protoType,
  readConnectHead,
} from "../connect/head.js";
import { outermostTexts } from "../json/outermost-texts.js";
import { parseObjectInSlices } from "../json/parse-slices.js";
import { type JsonObject, schemaRef } from "../json-schema.js";
import { writeFromJson } from "../protobuf/json.js";
import { errorDetails } from "../protobuf/status.js";
import type { AnsweredCall, EncodedPieces, Protocol, ProtocolContract, ProtocolDescription } from "../protocol.js";
import { writeBinary } from "./binary.js";
import { jsonLimits, type OpenInferenceRequest } from "./decode.js";
import { inputsOf } from "./description.js";
import { type ChosenOutput, writeJson } from "./json.js";
import { readModelName } from "./message.js";
import { classify, type OutputValues, outputValues } from "./outputs.js";
import { openInferenceProto } from "./proto.js";

interface InferRequest extends OpenInferenceRequest {
  /** In which form it came, and is answered. */
  readonly isJson: boolean;
}

interface Frame {
  readonly proto: Buffer;
  /** `{"modelName":"demand","modelVersion":"1"` */
  readonly json: string;
}

const expected = 'a ModelInferRequest as {"modelName": "...", "inputs": [...]}';
const inner = openInferenceProto.sliced!;
const noHeaders: readonly string[] = Object.freeze([]);
const text = { type: "string" };

const description: ProtocolDescription = {
  schemas: { ConnectError: connectErrorSchema },
  error: schemaRef("ConnectError"),
  parameters: connectParameters,
  otherContent: { [protoType]: { schema: { description: "The same message in protobuf's binary form." } } },
  request: () => tensors({ modelName: text, modelVersion: text, id: text }, "inputs"),
  reply: () => tensors({ modelName: text, modelVersion: text, id: text }, "outputs"),
  examples(row, contract): Readonly<Record<string, JsonObject>> {
    const inputs = inputsOf(row, contract) ?? [];
    if (inputs.length === 0) return {};
    const messages = inputs.map(({ name, datatype, shape, data }) => {
      const [list, write] = lists[datatype as keyof typeof lists];
      const contents = JSON.parse(`{"${list}":[${write(data as OutputValues)}]}`);
      return { name, datatype, shape: (shape as number[]).map(String), contents };
    });
    return { row: { modelName: contract.name, inputs: messages } };
  },
};

function tensors(names: JsonObject, list: string): JsonObject {
  const tensor = {
    type: "object",
    description: "Name, datatype, shape, and contents in the field of the datatype, as `fp64Contents`.",
  };
  const properties = { ...names, parameters: { type: "object" }, [list]: { type: "array", items: tensor } };
  return { type: "object", description: "As proto/open_inference.proto has it.", properties, required: [list] };
}

export const openInferenceConnect: Protocol<Frame, InferRequest> = {
  name: "open-inference-connect",
  headers: connectHeaders,
  decode: (body, head, contract) => takeWhole(decodeInSlices(body, readConnectHead(head), contract)),
  frame: (contract) => ({
    proto: openInferenceProto.frame(contract),
    json: `{"modelName":${JSON.stringify(contract.name)},"modelVersion":"${contract.number}"`,
  }),
  encode(frame, call, answer) {
    const { pieces, ...head } = encodeInPieces(frame, call, answer, call.request.rows.length);
    const written = pieces.map((write) => write());
    return { ...head, body: call.request.isJson ? written.join("") : Buffer.concat(written as Buffer[]) };
  },
  refuse,
  description,
  takesBlocks: true,
  sliced: {
    decode: (body, head, contract) => decodeInSlices(body, readConnectHead(head), contract),
    encode: encodeInPieces,
  },
};

/** Of errors in bodies, which nobody bounds as headers. */
const issuesBytesMax = 65_536;

function refuse(error: ServeError) {
  return connectError(error, errorDetails(error, undefined, issuesBytesMax));
}

/** Which model and version a body names; "" for none. @throws {@link ServeError} unsupported_media_type, malformed_body. */
export function namesInBody(body: Buffer, contentType: string): { name: string; version: string } {
  if (!isJsonType(contentType)) return readModelName(body);
  const texts = outermostTexts(body, nameMembers, 2);
  const either = (...names: string[]) =>
    names.map((name) => texts.get(name)).find((found) => found !== undefined) ?? "";
  return { name: either("modelName", "model_name"), version: either("modelVersion", "model_version") };
}

const nameMembers = new Set(["modelName", "model_name", "modelVersion", "model_version"]);

function* decodeInSlices(
  body: Buffer,
  { isJson, timeoutMs = Number.POSITIVE_INFINITY }: ConnectHead,
  contract: ProtocolContract,
): Generator<undefined, InferRequest> {
  let message = body;
  if (isJson) {
    const members = yield* parseObjectInSlices(body, jsonLimits(contract), expected);
    message = (yield* writeFromJson("inference.ModelInferRequest", members)).finish();
  }
  const request = yield* inner.decode(message, { contentType: protoType, header: () => "" }, contract);
  const leastMs = Math.min(timeoutMs, request.timeoutMs ?? Number.POSITIVE_INFINITY);
  return { ...request, isJson, ...(Number.isFinite(leastMs) && { timeoutMs: leastMs }) };
}

function encodeInPieces(
  frame: Frame,
  call: AnsweredCall<InferRequest>,
  answer: Answer,
  sliceRows: number,
): EncodedPieces {
  const { request, fallback } = call;
  if (!request.isJson) return { ...inner.encode(frame.proto, call, answer, sliceRows), contentType: protoType };
  const id = request.id ? `,"id":${JSON.stringify(request.id)}` : "";
  const fell = fallback === undefined ? "" : `,"parameters":{"fallback":{"stringParam":"${fallback}"}}`;
  const pieces: Piece[] = [() => `${frame.json}${id}${fell},"outputs":[`];
  for (const [index, chosen] of request.outputs.entries()) {
    if (index > 0) pieces.push(() => ",");
    pieces.push(...outputPieces(chosen, request.rows.length, answer, sliceRows));
  }
  pieces.push(() => `]${rawOutputs(request, answer)}}`);
  return { pieces, contentType: jsonType, headers: noHeaders };
}

type Piece = () => string;

const datatypeOf = ({ output, classCount }: ChosenOutput) => (classCount > 0 ? "BYTES" : output.datatype);

function valuesOf({ output, classCount }: ChosenOutput, answer: Answer, first: number, end: number): OutputValues {
  const values = outputValues(output, answer, first, end);
  return classCount > 0 ? classify(values, output, classCount) : values;
}

/** The list of each data type, and how its elements are written. */
const lists: Readonly<Record<ChosenOutput["output"]["datatype"], readonly [string, (values: OutputValues) => string]>> =
  {
    FP32: ["fp32Contents", writeJson],
    FP64: ["fp64Contents", writeJson],
    BOOL: ["boolContents", writeJson],
    INT64: ["int64Contents", (values) => Array.from(values, (value) => `"${value}"`).join(",")],
    BYTES: [
      "bytesContents",
      (values) => Array.from(values, (value) => `"${Buffer.from(String(value)).toString("base64")}"`).join(","),
    ],
  };

function outputPieces(chosen: ChosenOutput, rowCount: number, answer: Answer, sliceRows: number): Piece[] {
  const { output, isBinary, classCount } = chosen;
  const datatype = datatypeOf(chosen);
  const width = classCount > 0 ? classCount : output.width;
  const begin = `{"name":"${output.name}","datatype":"${datatype}","shape":["${rowCount}","${width}"]`;
  // Its elements stand behind all outputs.
  if (isBinary) return [() => `${begin}}`];
  const [list, write] = lists[datatype];
  const elements = [...slicesOf(rowCount, sliceRows)].map(
    ([first, end]): Piece =>
      () =>
        `${first === 0 ? "" : ","}${write(valuesOf(chosen, answer, first, end))}`,
  );
  return [() => `${begin},"contents":{"${list}":[`, ...elements, () => "]}}"];
}

/** One for each output, in their order: empty where the elements stand in the tensor. */
function rawOutputs({ outputs, rows }: InferRequest, answer: Answer): string {
  if (!outputs.some(({ isBinary }) => isBinary)) return "";
  const texts = outputs.map((chosen) =>
    chosen.isBinary ? writeBinary(datatypeOf(chosen), valuesOf(chosen, answer, 0, rows.length)).toString("base64") : "",
  );
  return `,"rawOutputContents":${JSON.stringify(texts)}`;
}
