/** gRPC as a case needs it: any method by its path with messages of the public .proto files, and statuses as they came. */

import { join } from "node:path";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { projectRoot } from "../loadtest/project.js";
import { caseHeader } from "./http-client.js";
import { Mismatch } from "./mismatch.js";

// biome-ignore lint/suspicious/noExplicitAny: messages are what the .proto files say
export type Message = any;

export interface GrpcAnswer {
  /** The status: `OK`, or another one. */
  readonly code: string;
  readonly details: string;
  readonly reply: Message;
}

export const inferenceService = "inference.GRPCInferenceService";

/** The protocol and Triton's extensions of it as the suite reads them; health and reflection, from gRPC's own files. */
export function loadProtos(): PackageDefinition {
  const folders = [join(projectRoot, "conformance/proto"), join(projectRoot, "proto")];
  return loadSync(["inference.proto", "health.proto", "reflection_v1.proto"], {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
    includeDirs: folders,
  });
}

const callMsMax = 30_000;

export class GrpcClient {
  readonly #client: Client;
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #methods = new Map<string, MethodDefinition<Message, Message>>();

  /** @param metadata - Of every call. */
  constructor(address: string, metadata: Readonly<Record<string, string>> = {}) {
    this.#metadata = metadata;
    this.#client = new Client(address, credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });
    for (const definition of Object.values(loadProtos())) {
      if ("format" in definition) continue;
      for (const method of Object.values(definition as ServiceDefinition)) this.#methods.set(method.path, method);
    }
  }

  /** The bytes of a request, for those who send them themselves. */
  encode(method: string, message: object): Buffer {
    return this.#method(method).requestSerialize(message);
  }

  decode(method: string, bytes: Buffer): Message {
    return this.#method(method).responseDeserialize(bytes);
  }

  /**
   * One message for one.
   *
   * @param method - As `ModelInfer`, or `grpc.health.v1.Health/Check`.
   * @param as - A method whose messages are taken, where the path names none that is known.
   */
  async call(caseId: string, method: string, message: object = {}, as = method): Promise<GrpcAnswer> {
    const { requestSerialize, responseDeserialize } = this.#method(as);
    return await new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        pathOf(method),
        requestSerialize,
        responseDeserialize,
        message,
        this.#tagged(caseId),
        { deadline: Date.now() + callMsMax },
        (error: ServiceError | null, reply: Message) =>
          resolve({ code: status[error?.code ?? 0]!, details: error?.details ?? "", reply }),
      );
    });
  }

  /**
   * Sends messages on one stream, ends it, and reads until the server ends it, or `count` messages came.
   *
   * @throws Mismatch when the time is over first.
   */
  async stream(caseId: string, method: string, messages: readonly object[], count = Infinity) {
    const { requestSerialize, responseDeserialize } = this.#method(method);
    const options = { deadline: Date.now() + callMsMax };
    const call: ClientDuplexStream<Message, Message> = this.#client.makeBidiStreamRequest(
      pathOf(method),
      requestSerialize,
      responseDeserialize,
      this.#tagged(caseId),
      options,
    );
    for (const message of messages) call.write(message);
    call.end();
    return await new Promise<{ code: string; details: string; replies: Message[] }>((resolve, reject) => {
      const replies: Message[] = [];
      call.on("data", (reply) => {
        replies.push(reply);
        if (replies.length === count) call.cancel();
      });
      call.on("error", () => {});
      call.on("status", ({ code, details }) => {
        if (code === status.DEADLINE_EXCEEDED) reject(new Mismatch("the end of the stream", `none in ${callMsMax} ms`));
        const isEnough = replies.length >= count && code === status.CANCELLED;
        resolve({ code: isEnough ? "OK" : status[code]!, details, replies });
      });
    });
  }

  #tagged(caseId: string): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(this.#metadata)) metadata.set(name, value);
    metadata.set(caseHeader, caseId);
    return metadata;
  }

  #method(method: string): MethodDefinition<Message, Message> {
    const found = this.#methods.get(pathOf(method));
    if (found === undefined) throw new Error(`there is no method ${method} in the .proto files`);
    return found;
  }

  close(): void {
    this.#client.close();
  }
}

export const pathOf = (method: string): string =>
  method.includes("/") ? `/${method}` : `/${inferenceService}/${method}`;
