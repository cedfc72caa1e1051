/** What the members have in common of an exchange: the headers that are read, a body that is gathered, one reply. */

import { Buffer } from "node:buffer";
import type { BaseListener, CountedExchange } from "./base-listener.js";
import type { BodyReceiver } from "./body-receiver.js";
import { ChunkedBody, padded } from "./chunked-body.js";
import { hasTooManyChunks, leftoverBytesMax } from "./read-budget.js";

/** From here on a reply is handed to the socket as fast as the client reads, instead of being buffered as a whole. */
export const streamedBytesMin = 65_536;

export const noHeaders: readonly string[] = Object.freeze([]);

/** A piece of a body, as a library hands it over. */
export type Chunk = ArrayBuffer | Buffer;

export abstract class BaseExchange implements CountedExchange {
  abstract readonly method: string;
  abstract readonly path: string;
  abstract readonly query: string;
  accept = "";
  acceptEncoding = "";
  contentType = "";
  contentLength = -1;
  requestIdHeader = "";
  traceparentHeader = "";
  tracestateHeader = "";
  timeoutHeader = "";
  contentEncoding = "";
  protected further: Map<string, string> | undefined = undefined;
  #added: readonly string[] | undefined = undefined;
  /** Why the framing is ambiguous; empty if it is not. */
  framingFault = "";
  reservedBytes = 0;
  done = false;
  protected hosts = 0;
  protected encodings = 0;
  protected closeAfter = false;
  /** The client said `connection: close`. */
  protected asksClose = false;
  protected streaming = false;
  /** Of a body without a length; and of one with a length whose rest is dropped before a reply that ends the connection. */
  protected chunked: ChunkedBody | undefined;
  protected receiver: BodyReceiver | undefined;
  protected readonly listener: BaseListener;
  #received = 0;
  #isReading = false;

  constructor(listener: BaseListener) {
    this.listener = listener;
  }

  /** @param name - In lower case. A closed set: what nobody reads isn't kept. */
  takeHeader(name: string, value: string): void {
    switch (name) {
      case "content-type":
        this.contentType = value;
        break;
      case "content-length":
        // Of two lengths that differ one reader takes the first, a proxy before us perhaps the last: request smuggling.
        if (this.contentLength !== -1) this.framingFault = "content-length stands twice";
        // Some readers take an empty one for none, and the body for the next request.
        if (value === "") this.framingFault = "content-length is empty";
        this.contentLength = Number(value);
        break;
      case "host":
        if (++this.hosts > 1) this.framingFault = "host stands twice";
        break;
      case "transfer-encoding":
        if (++this.encodings > 1) this.framingFault = "transfer-encoding stands twice";
        if (value.toLowerCase() !== "chunked") this.framingFault = "transfer-encoding: only chunked is known";
        break;
      case "connection":
        if (value.length === 5 && value.toLowerCase() === "close") this.asksClose = true;
        break;
      case "x-request-id":
        this.requestIdHeader = value;
        break;
      case "traceparent":
        this.traceparentHeader = value;
        break;
      case "tracestate":
        // May stand several times: a list, in pieces.
        this.tracestateHeader += this.tracestateHeader === "" ? value : `,${value}`;
        break;
      case "x-timeout-ms":
        this.timeoutHeader = value;
        break;
      case "content-encoding":
        // Standing twice means two codings, one over the other.
        this.contentEncoding += this.contentEncoding === "" ? value : `,${value}`;
        break;
      case "accept":
        this.accept = value;
        break;
      case "accept-encoding":
        this.acceptEncoding = value;
        break;
      default:
        if (!this.listener.options.headers?.has(name)) break;
        this.further ??= new Map();
        this.further.set(name, value);
    }
  }

  header(name: string): string {
    return this.further?.get(name) ?? "";
  }

  addHeaders(headers: readonly string[]): void {
    this.#added = headers;
  }

  /** The rest of a body with a length is dropped behind the reply. Of one that is this long, too much. */
  protected closeBehindLongBody(): void {
    if (this.contentLength > leftoverBytesMax) this.closeAfter = true;
  }

  readBody(bytesMax: number, receiver: BodyReceiver): void {
    this.receiver = receiver;
    if (this.contentLength > bytesMax) {
      receiver.onTooLarge(this.contentLength, bytesMax);
      return;
    }
    this.closeAfter = false;
    const { chunked } = this;
    let gathered: Buffer | undefined;
    this.#isReading = true;
    this.startReading((chunk, last) => {
      const start = this.#received;
      const received = start + chunk.byteLength;
      this.#received = received;
      if (this.done) {
        if (this.chunked !== undefined) this.receiveChunk(this.chunked, chunk, last);
        return;
      }
      try {
        if (last && start === 0 && received <= bytesMax) {
          if (chunk instanceof ArrayBuffer) receiver.onBody(Buffer.from(chunk), false);
          else receiver.onBody(chunk, true);
          return;
        }
        const tooLarge = received > bytesMax;
        const tooManyChunks = chunked !== undefined && hasTooManyChunks(chunked.chunkCount, received);
        if (tooLarge || tooManyChunks || !this.listener.reserve(this, chunk.byteLength)) {
          this.listener.release(this);
          gathered = undefined;
          if (tooLarge) receiver.onTooLarge(received, bytesMax);
          else if (tooManyChunks) receiver.onTooManyChunks(chunked.chunkCount, received);
          else receiver.onNoRoom();
          return;
        }
        // Copied into one buffer: a list of chunks would let those of one byte cost a hundred times their size, and
        // uWebSockets.js takes a chunk's memory back when this function returns.
        gathered = withRoom(gathered, start, received, bytesMax);
        gathered.set(chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : chunk, start);
        if (last) {
          this.listener.release(this);
          receiver.onBody(gathered.subarray(0, received), true);
        }
      } catch (error) {
        this.listener.fail(this, "internal", "a handler threw", error);
      }
    });
  }

  /**
   * Hands the body over, in chunks. An `ArrayBuffer` is lent until `take` returns, a `Buffer` is given.
   */
  protected abstract startReading(take: (chunk: Chunk, last: boolean) => void): void;

  /** Takes a chunk of a body without a length. */
  protected receiveChunk(body: ChunkedBody, chunk: Chunk, last: boolean): void {
    body.chunkCount++;
    body.hasEnded = last;
    if (body.take !== undefined && !this.done) body.take(chunk, last);
    else if (last) body.releaseReply();
    else if (!this.closeAfter && !body.drop(chunk)) this.cut(body);
  }

  /** Ends a connection whose client sends more of a refused body than is dropped. */
  protected abstract cut(body: ChunkedBody): void;

  /** The connection ends with this reply. */
  closeAfterReply(): void {
    this.closeAfter = true;
  }

  /**
   * An answer to a body in chunks that is still arriving goes out when its rest was read and dropped, or enough of it:
   * the connection then ends. The rest of a body with a length is dropped behind the reply, unless the reply ends the
   * connection.
   */
  send(status: number, contentType: string, body: string | Uint8Array, own: readonly string[] = noHeaders): void {
    if (this.done) return;
    this.done = true;
    const headers = this.#added === undefined ? own : [...own, ...this.#added];
    const chunked = this.chunked ?? this.#restBeforeClosing();
    if (chunked === undefined || chunked.hasEnded || this.closeAfter) {
      this.write(status, contentType, body, headers);
      return;
    }
    const write = (bytesMin: number) => this.write(status, contentType, padded(body, bytesMin), headers);
    chunked.holdReply(write, () => {
      this.closeAfter = true;
      chunked.releaseReply();
    });
  }

  /**
   * A connection that is closed over bytes that nobody read is reset, and a reply that its client hasn't read by then
   * is lost.
   *
   * @returns The rest of a body with a length, where the connection ends with the reply.
   */
  #restBeforeClosing(): ChunkedBody | undefined {
    if (this.contentLength <= this.#received || this.closeAfter || !this.endsConnection) return undefined;
    const rest = new ChunkedBody();
    if (!this.#isReading) this.startReading((chunk, last) => this.receiveChunk(rest, chunk, last));
    this.chunked = rest;
    return rest;
  }

  /** Whether the connection ends with this reply, whatever is said in it. */
  protected abstract get endsConnection(): boolean;

  /** Writes the reply, and calls `exchangeEnded` of the listener when nothing more is to be written. */
  protected abstract write(
    status: number,
    contentType: string,
    body: string | Uint8Array,
    headers: readonly string[],
  ): void;

  /** A reply that was sent bit by bit is sent, or its reader has left. */
  protected streamed(): void {
    if (!this.streaming) return;
    this.streaming = false;
    this.listener.exchangeEnded(this);
  }

  /** The client has left. */
  protected gone(): void {
    if (this.done) {
      this.streamed();
      if (this.chunked?.holdsReply) {
        this.chunked.forgetReply();
        this.listener.exchangeEnded(this);
      }
      return;
    }
    this.done = true;
    this.listener.exchangeEnded(this);
    try {
      this.receiver?.onGone();
    } catch (error) {
      this.listener.fail(this, "internal", "a handler threw when its caller left", error);
    }
  }
}

/**
 * A buffer of at least `needed` bytes that begins with the first `used` of the old one; doubled, so that growing costs
 * little.
 */
function withRoom(buffer: Buffer | undefined, used: number, needed: number, bytesMax: number): Buffer {
  if (buffer !== undefined && buffer.length >= needed) return buffer;
  const larger = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(2 * needed, 4096)));
  buffer?.copy(larger, 0, 0, used);
  return larger;
}
