/** A gRPC client of another maker, from the .proto files, and requests as it sends them. */

import { fileURLToPath } from "node:url";
import {
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { SentInput } from "./open-inference.js";

const folder = fileURLToPath(new URL("../../proto/", import.meta.url));
export const protoFiles = ["open_inference", "health", "reflection_v1", "reflection_v1alpha"].map(
  (name) => `${name}.proto`,
);

/** As the client gets and gives them: fields by their names in the file, 64-bit integers as text. */
export const protoOptions = {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
  includeDirs: [folder],
};
export const definitions = loadSync([...protoFiles], protoOptions);

// biome-ignore lint/suspicious/noExplicitAny: messages are what the .proto files say
type Message = any;

export interface Answered {
  readonly reply?: Message;
  readonly error?: ServiceError;
  readonly trailers: Metadata;
}

export type StreamClient = ClientDuplexStream<Message, Message>;

export class GrpcClient {
  readonly #client: Client;

  constructor(port: number, service = "inference.GRPCInferenceService", options: object = {}) {
    let found: GrpcObject[string] = loadPackageDefinition(definitions) as GrpcObject;
    for (const part of service.split(".")) found = (found as GrpcObject)[part]!;
    const channelOptions = { "grpc.max_receive_message_length": -1, ...options };
    this.#client = new (found as ServiceClientConstructor)(
      `127.0.0.1:${port}`,
      credentials.createInsecure(),
      channelOptions,
    );
  }

  /** One call; never rejects. */
  call(method: string, request: object = {}, options: CallOptions = {}, metadata: Record<string, string> = {}) {
    const sent = new Metadata();
    for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
    let cancel = () => {};
    const answered = new Promise<Answered>((resolve) => {
      let trailers = new Metadata();
      const call = (this.#client as Message)[method](request, sent, options, (error: ServiceError, reply: Message) =>
        setImmediate(() => resolve(error ? { error, trailers: error.metadata } : { reply, trailers })),
      );
      call.on("status", (status: { metadata: Metadata }) => {
        trailers = status.metadata;
      });
      cancel = () => call.cancel();
    });
    return Object.assign(answered, { cancel: () => cancel() });
  }

  open(method: string, ...sent: readonly object[]): StreamClient {
    return (this.#client as Message)[method](...sent);
  }

  close(): void {
    this.#client.close();
  }
}

const contentsFields: Readonly<Record<string, string>> = {
  BOOL: "bool_contents",
  INT8: "int_contents",
  INT16: "int_contents",
  INT32: "int_contents",
  INT64: "int64_contents",
  UINT8: "uint_contents",
  UINT16: "uint_contents",
  UINT32: "uint_contents",
  UINT64: "uint64_contents",
  FP32: "fp32_contents",
  FP64: "fp64_contents",
  BYTES: "bytes_contents",
};

/** A ModelInferRequest of these tensors: of their bytes, if they have any, else of their data. */
export function inferRequest(inputs: readonly SentInput[], members: object = {}): object {
  const raw = inputs.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  return {
    inputs: inputs.map(({ name, datatype, shape, data, parameters }) => ({
      name,
      datatype,
      shape,
      ...(parameters !== undefined && { parameters }),
      ...(data !== undefined && { contents: contentsOf(datatype as string, data as readonly unknown[]) }),
    })),
    ...(raw.length > 0 && { raw_input_contents: raw }),
    ...members,
  };
}

function contentsOf(datatype: string, data: readonly unknown[]): object {
  const values = datatype === "BYTES" ? data.map((text) => Buffer.from(text as string)) : data;
  return { [contentsFields[datatype] ?? "fp64_contents"]: values };
}

export interface ReceivedTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** The outputs of a ModelInferResponse, in whichever form they come. */
export function readOutputs(reply: Message): ReceivedTensor[] {
  return reply.outputs.map(({ name, datatype, shape, contents }: Message, index: number) => {
    const raw: Buffer | undefined = reply.raw_output_contents[index];
    const data =
      raw !== undefined && raw.length > 0
        ? readRaw(datatype, raw)
        : contents[contentsFields[datatype]!].map((value: unknown) =>
            datatype === "BYTES" ? String(value) : datatype === "INT64" ? Number(value) : value,
          );
    return { name, datatype, shape: shape.map(Number), data };
  });
}

function readRaw(datatype: string, bytes: Buffer): unknown[] {
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
