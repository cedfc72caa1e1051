/** One request of node:http and its one reply. */

import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { ServeError } from "../../errors.js";
import { BaseExchange, type Chunk, streamedBytesMin } from "./base-exchange.js";
import type { BaseListener } from "./base-listener.js";
import { ChunkedBody } from "./chunked-body.js";
import type { NodeConnection, OpenExchange } from "./node-connection.js";
import type { ChunkTaker, NodeRequest } from "./node-request.js";

/**
 * A large reply goes out in pieces of this size, each when the one before was taken: a reader that takes none within 8
 * s is cut off.
 */
const pieceBytes = 65_536;

export class NodeExchange extends BaseExchange implements OpenExchange, ChunkTaker {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  next: OpenExchange | undefined = undefined;
  readonly response: ServerResponse;
  readonly #connection: NodeConnection;
  readonly #expectsContinue: boolean;
  readonly #isHttp10: boolean;
  #take: ((chunk: Chunk, last: boolean) => void) | undefined;
  #received = 0;

  constructor(
    request: NodeRequest,
    response: ServerResponse,
    connection: NodeConnection,
    listener: BaseListener,
    expectsContinue: boolean,
  ) {
    super(listener);
    this.response = response;
    this.#connection = connection;
    this.#expectsContinue = expectsContinue;
    this.method = request.method!;
    const url = request.url!;
    const queryAt = url.indexOf("?");
    this.path = pathOf(queryAt < 0 ? url : url.slice(0, queryAt));
    this.query = queryAt < 0 ? "" : url.slice(queryAt + 1);
    const { rawHeaders } = request;
    for (let i = 0; i < rawHeaders.length; i += 2) this.takeHeader(rawHeaders[i]!.toLowerCase(), rawHeaders[i + 1]!);
    this.closeBehindLongBody();
    // Who is refused instead of being told to continue may send its body or not: nobody knows where the next request
    // begins.
    if (expectsContinue) this.closeAfter = true;
    this.#isHttp10 = request.httpVersionMinor === 0;
    if (this.encodings > 0) this.chunked = new ChunkedBody();
    if (this.encodings > 0 || this.contentLength > 0) {
      request.exchange = this;
      connection.receiving = this;
    }
  }

  get hasHost(): boolean {
    return this.hosts > 0;
  }

  get isOver(): boolean {
    return this.done && !this.streaming && !this.chunked?.holdsReply && this.response.writableFinished;
  }

  protected override get endsConnection(): boolean {
    const isLastOfAll = this.listener.draining && this.#connection.isLast(this);
    return this.#isHttp10 || !this.response.shouldKeepAlive || isLastOfAll;
  }

  protected override startReading(take: (chunk: Chunk, last: boolean) => void): void {
    if (this.#expectsContinue) this.response.writeContinue();
    if (this.chunked !== undefined) this.chunked.take = take;
    else if (this.contentLength > 0) this.#take = take;
    else take(noBytes, true);
  }

  /** Called by the parser. Synchronous answers are fine here. */
  takeChunk(chunk: Buffer): void {
    if (this.chunked !== undefined) {
      this.receiveChunk(this.chunked, chunk, false);
      return;
    }
    this.#received += chunk.length;
    this.#take?.(chunk, this.#received === this.contentLength);
  }

  endBody(): void {
    this.#connection.receiving = undefined;
    if (this.chunked !== undefined) this.receiveChunk(this.chunked, noBytes, true);
  }

  breakBody(error: ServeError): void {
    this.closeAfter = true;
    if (this.chunked?.holdsReply) this.chunked.releaseReply();
    else if (this.done) this.#connection.endBehind(this);
    else {
      try {
        this.receiver?.onBroken(error);
      } catch (thrown) {
        this.listener.fail(this, "internal", "a handler threw when a body broke off", thrown);
      }
    }
  }

  leave(): void {
    this.gone();
  }

  /** Called from within a socket read, in which thousands of chunks may follow. */
  protected override cut(body: ChunkedBody): void {
    this.closeAfter = true;
    this.#connection.stopParsing();
    body.releaseReply();
  }

  protected override write(
    status: number,
    contentType: string,
    body: string | Uint8Array,
    headers: readonly string[],
  ): void {
    const { response } = this;
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const head = ["content-type", contentType];
    // Clients that know a length would wait for it.
    if (status !== 304) head.push("content-length", String(length));
    for (let i = 0; i < headers.length; i++) head.push(headers[i]!);
    // Of several requests on a connection that is to end, the last one says so.
    if (this.closeAfter || this.endsConnection) {
      this.#connection.closing = true;
      head.push("connection", "close");
    } else response.removeHeader("connection");
    response.sendDate = false;
    response.writeHead(status, head);
    if (length >= streamedBytesMin && this.method !== "HEAD" && status !== 304)
      this.#sendStreamed(typeof body === "string" ? Buffer.from(body) : body);
    else {
      response.end(body);
      this.listener.exchangeEnded(this);
    }
  }

  #sendStreamed(bytes: Uint8Array): void {
    const { response } = this;
    this.streaming = true;
    let sent = 0;
    const sendPieces = () => {
      while (bytes.length - sent > pieceBytes) {
        const piece = bytes.subarray(sent, sent + pieceBytes);
        sent += pieceBytes;
        if (!response.write(piece)) return void response.once("drain", sendPieces);
      }
      response.end(bytes.subarray(sent), () => this.streamed());
    };
    sendPieces();
  }
}

const noBytes = Buffer.alloc(0);

/** The path of an address without its query, which may be whole ("http://host/path"). */
function pathOf(url: string): string {
  if (url.charCodeAt(0) === 47) return url;
  return url.slice(/^https?:\/\/[^/#]*/i.exec(url)?.[0].length ?? 0) || "/";
}
