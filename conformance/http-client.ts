/** HTTP as a case needs it: any header and any bytes, kept connections, and replies as they came. */

import { Buffer } from "node:buffer";
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { Mismatch } from "./mismatch.js";

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpMessage {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** Sent in chunks, without a length. */
  readonly isChunked?: boolean;
}

/** Names the case to whoever reads the server's log. */
export const caseHeader = "x-conformance-case";

const replyMsMax = 30_000;
const goneCodes = ["ECONNRESET", "EPIPE"];

/** A kept connection was closed before a reply began. */
class ConnectionGone extends Error {}

export class HttpClient {
  readonly #base: URL;
  readonly #agent = new Agent({ keepAlive: true });

  readonly #headers: OutgoingHttpHeaders;

  /** @param headers - Of every request. */
  constructor(url: string, headers: OutgoingHttpHeaders = {}) {
    this.#headers = headers;
    this.#base = new URL(url.endsWith("/") ? url : `${url}/`);
  }

  /**
   * @param path - Below the server's address, without a slash before it.
   * @throws Mismatch when no whole reply comes.
   */
  async send(caseId: string, method: string, path: string, message: HttpMessage = {}): Promise<HttpReply> {
    try {
      return await this.#sendOnce(caseId, method, path, message);
    } catch (reason) {
      // The server has closed a kept connection in the meantime, as it may after any reply: RFC 9112, 9.3.1.
      if (reason instanceof ConnectionGone) return await this.send(caseId, method, path, message);
      throw new Mismatch("a reply", (reason as Error).message || (reason as Error).name);
    }
  }

  async #sendOnce(caseId: string, method: string, path: string, message: HttpMessage): Promise<HttpReply> {
    const { headers = {}, body = "", isChunked = false } = message;
    const bytes = Buffer.from(body);
    const framing: OutgoingHttpHeaders = isChunked
      ? { "transfer-encoding": "chunked" }
      : method === "GET"
        ? {}
        : { "content-length": bytes.length };
    return await new Promise((resolve, reject) => {
      const sent = request(
        {
          host: this.#base.hostname,
          port: this.#base.port,
          path: `${this.#base.pathname}${path}`,
          method,
          headers: { ...this.#headers, [caseHeader]: caseId, ...framing, ...headers },
          agent: this.#agent,
          timeout: replyMsMax,
        },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on("data", (chunk: Buffer) => chunks.push(chunk));
          reply.on("error", reject);
          reply.on("end", () =>
            resolve({ status: reply.statusCode!, headers: reply.headers, body: Buffer.concat(chunks) }),
          );
        },
      );
      sent.on("error", (reason: NodeJS.ErrnoException) =>
        reject(sent.reusedSocket && goneCodes.includes(reason.code ?? "") ? new ConnectionGone() : reason),
      );
      sent.on("timeout", () => sent.destroy(new Error(`none within ${replyMsMax / 1000} s`)));
      sent.end(bytes);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
