/** Requests of the Open Inference Protocol as clients send them, and versions to send them to. */

import { Buffer } from "node:buffer";
import { parseRowSchema } from "../../bundle/index.js";
import type { Columns, Scalar } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import { lengthHeader, type OpenInferenceRequest } from "../../server/protocol/open-inference/decode.js";
import { openInference } from "../../server/protocol/open-inference/protocol.js";
import type { ProtocolContract } from "../../server/protocol/protocol.js";

export { lengthHeader };

export interface ContractOptions {
  readonly properties?: Record<string, object>;
  readonly required?: readonly string[];
  readonly names?: readonly string[];
  readonly labels?: readonly Scalar[];
  readonly hasProbabilities?: boolean;
  readonly rowsMax?: number;
}

/** A number that must be there, and one of each other kind that may be absent. */
export const everyKind = {
  price: { type: "number" },
  count: { type: ["integer", "null"] },
  promo: { type: ["boolean", "null"] },
  city: { type: ["string", "null"] },
  window: { type: "array", items: { type: "number" }, minItems: 3, maxItems: 3 },
  flags: { type: "array", items: { type: "boolean" } },
  tags: { type: "array", items: { type: "string" }, maxItems: 4 },
};

export function makeContract({
  properties = everyKind,
  required = ["price"],
  names,
  labels,
  hasProbabilities = false,
  rowsMax = 100,
}: ContractOptions = {}): ProtocolContract {
  const parsed = parseRowSchema({ type: "object", properties, required, additionalProperties: false });
  if ("problems" in parsed) throw new Error(parsed.problems.join("\n"));
  return {
    name: "demand",
    number: 3,
    rowSchema: parsed.value,
    postprocessor: { names, labels, hasProbabilities },
    bodyLimits: { bodyBytesMax: 1_000_000, decode: { rowsMax, containersMax: 2 * rowsMax, membersMax: 1000 } },
  };
}

export interface SentInput {
  readonly name: string;
  readonly datatype?: unknown;
  readonly shape?: unknown;
  readonly data?: unknown;
  readonly parameters?: unknown;
  /** Sent as binary data. */
  readonly bytes?: Uint8Array;
}

export interface Message {
  readonly body: Buffer;
  readonly header: string;
}

/** A request as a client makes it: the bytes of its tensors behind the JSON, if it has any. */
export function makeMessage(inputs: readonly SentInput[], members: object = {}): Message {
  const tensors = inputs.map(({ bytes, parameters, ...input }) => ({
    ...input,
    ...(bytes === undefined
      ? { parameters }
      : { parameters: { binary_data_size: bytes.length, ...(parameters as object) } }),
  }));
  const json = Buffer.from(JSON.stringify({ inputs: tensors, ...members }));
  const binary = inputs.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  return { body: Buffer.concat([json, ...binary]), header: binary.length === 0 ? "" : String(json.length) };
}

export const headOf = (header: string) => ({
  contentType: "",
  header: (name: string) => (name === lengthHeader ? header : ""),
});

export function decode({ body, header }: Message, contract = makeContract()): OpenInferenceRequest {
  return openInference.decode(body, headOf(header), contract);
}

/** The columns of a request that is good. */
export function columnsOf(inputs: readonly SentInput[], contract = makeContract()): Record<string, unknown> {
  const rows = decode(makeMessage(inputs), contract).rows as Columns;
  return Object.fromEntries([...rows.values].map(([name, column]) => [name, Array.from<unknown>(column)]));
}

/** What a request is refused with: the status and the words that its caller gets. */
export function refusalOf(message: Message, contract = makeContract()): string {
  try {
    decode(message, contract);
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    const { status, body } = openInference.refuse(error, "r1");
    return `${status} ${(JSON.parse(body as string) as { error: string }).error}`;
  }
  return "taken";
}

/** A tensor that the contracts here require, of so many rows. */
export const price = (...values: readonly (number | null)[]): SentInput => ({
  name: "price",
  datatype: "FP64",
  shape: [values.length],
  data: values,
});

export interface ReceivedOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

export interface ReceivedReply {
  readonly id?: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly parameters?: { readonly fallback?: string };
  readonly outputs: readonly ReceivedOutput[];
}

/** A reply as a client reads it; its binary outputs too. */
export function readReply(body: string | Uint8Array, header: string | undefined): ReceivedReply {
  const bytes = Buffer.from(body as string);
  const end = header === undefined ? bytes.length : Number(header);
  const reply = JSON.parse(bytes.toString("utf8", 0, end));
  let at = end;
  const outputs: ReceivedOutput[] = reply.outputs.map(({ parameters, ...output }: Record<string, unknown>) => {
    if (output.data !== undefined) return output;
    const size = (parameters as { binary_data_size: number }).binary_data_size;
    at += size;
    return { ...output, data: readElements(output.datatype as string, bytes.subarray(at - size, at)) };
  });
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes are left over`);
  return { ...reply, outputs } as ReceivedReply;
}

function readElements(datatype: string, bytes: Buffer): unknown[] {
  const elements: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (datatype === "BYTES") {
      const length = bytes.readUInt32LE(at);
      elements.push(bytes.toString("utf8", at + 4, at + 4 + length));
      at += 4 + length;
    } else if (datatype === "BOOL") elements.push(bytes[at++] === 1);
    else if (datatype === "FP32") {
      elements.push(bytes.readFloatLE(at));
      at += 4;
    } else {
      elements.push(datatype === "INT64" ? Number(bytes.readBigInt64LE(at)) : bytes.readDoubleLE(at));
      at += 8;
    }
  }
  return elements;
}

/** Elements of BYTES. */
export function textBytes(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(text));
      return Buffer.concat([length, Buffer.from(text)]);
    }),
  );
}

export const bytesOf = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer as ArrayBuffer);
