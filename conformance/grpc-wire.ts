/** gRPC as frames of HTTP/2: what no client library lets a caller send. */

import { Buffer } from "node:buffer";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { caseHeader } from "./http-client.js";
import { Mismatch } from "./mismatch.js";

export interface WireCall {
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent as they are, each in a DATA frame of its own. */
  readonly frames: readonly Buffer[];
}

export interface WireReply {
  readonly headers: IncomingHttpHeaders;
  /** Empty where the status came with the headers. */
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** `grpc-status`, wherever it came; undefined for a stream that was reset. */
  readonly status: string | undefined;
}

/** A message as gRPC has it on the wire: a flag and its length before it. */
export function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

const replyMsMax = 30_000;

export class GrpcWire {
  readonly #authority: string;
  readonly #headers: OutgoingHttpHeaders;
  #session: ClientHttp2Session | undefined;

  /** @param headers - Of every call. */
  constructor(address: string, headers: OutgoingHttpHeaders = {}) {
    this.#headers = headers;
    this.#authority = `http://${address}`;
  }

  /** @throws Mismatch when no end of the stream comes. */
  async call(caseId: string, { path, headers = {}, frames }: WireCall): Promise<WireReply> {
    const session = this.#connected();
    return await new Promise((resolve, reject) => {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-timeout": `${replyMsMax / 1000}S`,
        ...this.#headers,
        [caseHeader]: caseId,
        ...headers,
      });
      let head: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on("response", (came) => {
        head = came;
      });
      stream.on("trailers", (came) => {
        trailers = came;
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", () => {});
      stream.setTimeout(replyMsMax, () => {
        reject(new Mismatch("the end of the call", `none within ${replyMsMax / 1000} s`));
        stream.close();
      });
      stream.on("close", () => {
        const status = (trailers["grpc-status"] ?? head["grpc-status"]) as string | undefined;
        resolve({ headers: head, trailers, body: Buffer.concat(chunks), status });
      });
      for (const frame of frames) stream.write(frame);
      stream.end();
    });
  }

  #connected(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(this.#authority);
      this.#session.on("error", () => {});
    }
    return this.#session;
  }

  close(): void {
    this.#session?.destroy();
  }
}
