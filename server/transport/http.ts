/**
 * The one wrapper round uWebSockets.js, used by the public and the admin listener. Its only importer.
 *
 * uWebSockets.js is fast and unforgiving: a throw before `onAborted`, or a handler that returns unanswered, ends the process; a response
 * that is used after its end throws; it checks neither the size of a body nor duplicate framing headers nor line breaks in what it is told
 * to echo. So each request becomes an {@link Exchange} that is answered at most once, and no route sees the library.
 */

import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from "uWebSockets.js";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import type { BodyReceiver } from "./body-receiver.js";
import { ChunkedBody, padded, unbufferedBytesMin } from "./chunked-body.js";
import { hasTooManyChunks, leftoverBytesMax } from "./read-budget.js";
import { statusLines } from "./status-lines.js";

// Headers that arrive in more than one piece may be so long; the library's own 4,096 bytes are less than a long bearer token and its
// cookies. Read when the native code is loaded, so it has to be set before.
process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= "16384";
// The package is CommonJS with a native addon; `require` keeps its own error message when no binary fits this Node.
const uws = createRequire(import.meta.url)("uWebSockets.js") as typeof import("uWebSockets.js");

export interface ListenerOptions {
  /** Names the listener in messages: "http", "admin". */
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Bytes of bodies that are still arriving, over all connections. */
  readonly receivingBytesMax: number;
  /** Called once per request, before its body; must answer the exchange, now or later. May throw. */
  readonly handle: (exchange: Exchange) => void;
  /** Answers for a failure of ours or of the framing; `cause` is for the log. */
  readonly onFailure: (exchange: Exchange, failure: "internal" | "bad_framing", detail: string, cause?: unknown) => void;
}

/** From here on a reply is handed to the socket as fast as the client reads, instead of being buffered as a whole. */
const streamedBytesMin = 65_536;

/** One request and its one reply. */
export class Exchange {
  readonly method: string;
  /** As sent: not decoded; and what stands behind the question mark, for which the library has undefined where there is none. */
  readonly path: string;
  readonly query: string;
  accept = "";
  contentType = "";
  contentLength = -1;
  requestIdHeader = "";
  traceparentHeader = "";
  tracestateHeader = "";
  timeoutHeader = "";
  contentEncoding = "";
  /** What the framing headers are guilty of. */
  framingFault = "";
  readonly #res: HttpResponse;
  readonly #listener: HttpListener;
  #receiver: BodyReceiver | undefined;
  #done = false;
  #hosts = 0;
  #encodings = 0;
  /** Only of a body without a length. */
  #chunked: ChunkedBody | undefined;

  constructor(res: HttpResponse, req: HttpRequest, listener: HttpListener) {
    this.#res = res;
    this.#listener = listener;
    // First of all: from here on a throw can't end the process.
    res.onAborted(() => this.#gone());
    this.method = req.getCaseSensitiveMethod();
    this.path = req.getUrl();
    this.query = req.getQuery() ?? "";
    reading = this;
    req.forEach(readHeader);
    // The rest of a body with a length is dropped by the library, behind the reply. Of one that is this long, too much.
    if (this.contentLength > leftoverBytesMax) this.#closeAfter = true;
    if (this.#encodings > 0) {
      const body = new ChunkedBody();
      this.#chunked = body;
      res.onData((chunk, last) => this.#receiveChunk(body, chunk, last));
    }
  }

  /** Header names arrive in lower case. A closed set: what nobody reads isn't kept. */
  takeHeader(name: string, value: string): void {
    switch (name) {
      case "content-type":
        this.contentType = value;
        break;
      case "content-length":
        // Of two lengths that differ this build takes the first, a proxy before us perhaps the last: request smuggling.
        if (this.contentLength !== -1) this.framingFault = "content-length stands twice";
        // Newer builds of the library take an empty one for none, and the body for the next request.
        if (value === "") this.framingFault = "content-length is empty";
        this.contentLength = Number(value);
        break;
      case "host":
        if (++this.#hosts > 1) this.framingFault = "host stands twice";
        break;
      case "transfer-encoding":
        if (++this.#encodings > 1) this.framingFault = "transfer-encoding stands twice";
        if (value.toLowerCase() !== "chunked") this.framingFault = "transfer-encoding: only chunked is known";
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
        this.contentEncoding = value;
        break;
      case "accept":
        this.accept = value;
        break;
    }
  }

  get done(): boolean {
    return this.#done;
  }

  /**
   * Reads the body.
   *
   * @param bytesMax - Larger ones are refused: known from Content-Length, or found while it arrives.
   */
  readBody(bytesMax: number, receiver: BodyReceiver): void {
    this.#receiver = receiver;
    if (this.contentLength > bytesMax) {
      receiver.onTooLarge(this.contentLength, bytesMax);
      return;
    }
    this.#closeAfter = false;
    const chunked = this.#chunked;
    let received = 0;
    let gathered: Buffer | undefined;
    const take = (chunk: ArrayBuffer, last: boolean) => {
      if (this.#done) return;
      try {
        const start = received;
        received += chunk.byteLength;
        if (last && start === 0 && received <= bytesMax) {
          receiver.onBody(Buffer.from(chunk), false);
          return;
        }
        const tooLarge = received > bytesMax;
        const tooManyChunks = chunked !== undefined && hasTooManyChunks(chunked.chunkCount, received);
        if (tooLarge || tooManyChunks || !this.#listener.reserve(this, chunk.byteLength)) {
          this.#listener.release(this);
          gathered = undefined;
          if (tooLarge) receiver.onTooLarge(received, bytesMax);
          else if (tooManyChunks) receiver.onTooManyChunks(chunked.chunkCount, received);
          else receiver.onNoRoom();
          return;
        }
        // The chunk's memory is taken back on return. Into one buffer: in a list, chunks of one byte would cost a hundred times their size.
        gathered = withRoom(gathered, start, received, bytesMax);
        gathered.set(new Uint8Array(chunk), start);
        if (last) {
          this.#listener.release(this);
          receiver.onBody(gathered.subarray(0, received), true);
        }
      } catch (error) {
        this.#listener.fail(this, "internal", "a handler threw", error);
      }
    };
    if (chunked !== undefined) chunked.take = take;
    else this.#res.onData(take);
  }

  #receiveChunk(body: ChunkedBody, chunk: ArrayBuffer, last: boolean): void {
    body.chunkCount++;
    body.hasEnded = last;
    if (body.take !== undefined && !this.#done) body.take(chunk, last);
    else if (last) body.releaseReply();
    else if (!this.#closeAfter && !body.drop(chunk)) this.#cut(body);
  }

  /** Ends a connection whose client sends more of a refused body than is dropped, from within a socket read. */
  #cut(body: ChunkedBody): void {
    this.#closeAfter = true;
    if (!body.holdsReply) return;
    // A reply to HEAD has no body to fill up.
    if (this.method === "HEAD") this.#res.close();
    else body.releaseReply(unbufferedBytesMin);
  }

  /** Bytes that this exchange holds of the listener's budget. */
  reservedBytes = 0;
  #closeAfter = false;

  /** The connection ends with this reply. */
  closeAfterReply(): void {
    this.#closeAfter = true;
  }

  /**
   * Answers, once; later calls, and calls after the client has left, do nothing.
   *
   * An answer to a body in chunks that is still arriving goes out when its rest was read and dropped, or enough of it: the connection then
   * ends. The rest of a body with a length is dropped by uWebSockets.js, behind the reply; it closes the connection below 16 KiB/s.
   *
   * @param headers - Names and values in turn. Values must be free of line breaks.
   */
  send(status: number, contentType: string, body: string | Uint8Array, headers: readonly string[] = noHeaders): void {
    if (this.#done) return;
    this.#done = true;
    const chunked = this.#chunked;
    if (chunked === undefined || chunked.hasEnded || this.#closeAfter) {
      this.#write(status, contentType, body, headers);
      return;
    }
    const write = (bytesMin: number) => this.#write(status, contentType, padded(body, bytesMin), headers);
    chunked.holdReply(write, () => {
      this.#closeAfter = true;
      chunked.releaseReply();
    });
  }

  #write(status: number, contentType: string, body: string | Uint8Array, headers: readonly string[]): void {
    const res = this.#res;
    const close = this.#closeAfter || this.#listener.draining;
    // One cork is one system call for status, headers and body.
    res.cork(() => {
      if (status !== 200) res.writeStatus(statusLines[status] ?? String(status));
      res.writeHeader("content-type", contentType);
      for (let i = 0; i < headers.length; i += 2) res.writeHeader(headers[i]!, headers[i + 1]!);
      if (this.method === "HEAD") res.endWithoutBody(Buffer.byteLength(body), close);
      else if (body.length < streamedBytesMin) res.end(body, close);
      else this.#sendStreamed(body, close);
    });
    if (!this.#streaming) this.#listener.exchangeEnded(this);
  }

  #streaming = false;

  #sendStreamed(body: string | Uint8Array, close: boolean): void {
    const res = this.#res;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (close) res.writeHeader("connection", "close");
    const [, finished] = res.tryEnd(bytes, bytes.length);
    if (finished) return;
    this.#streaming = true;
    res.onWritable((offset) => {
      const [ok, nowFinished] = res.tryEnd(bytes.subarray(offset), bytes.length);
      if (nowFinished) this.#streamed();
      return ok;
    });
  }

  #streamed(): void {
    if (!this.#streaming) return;
    this.#streaming = false;
    this.#listener.exchangeEnded(this);
  }

  #gone(): void {
    if (this.#done) {
      this.#streamed();
      if (this.#chunked?.holdsReply) {
        this.#chunked.forgetReply();
        this.#listener.exchangeEnded(this);
      }
      return;
    }
    this.#done = true;
    this.#listener.exchangeEnded(this);
    try {
      this.#receiver?.onGone();
    } catch (error) {
      this.#listener.fail(this, "internal", "a handler threw when its caller left", error);
    }
  }
}

/** A buffer of at least `needed` bytes that begins with the first `used` of the old one; doubled, so that growing costs little. */
function withRoom(buffer: Buffer | undefined, used: number, needed: number, bytesMax: number): Buffer {
  if (buffer !== undefined && buffer.length >= needed) return buffer;
  const larger = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(2 * needed, 4096)));
  buffer?.copy(larger, 0, 0, used);
  return larger;
}

const noHeaders: readonly string[] = Object.freeze([]);

// `req.forEach` runs to its end before anything else can, so one function serves all requests.
let reading: Exchange;
function readHeader(name: string, value: string): void {
  reading.takeHeader(name, value);
}

export class HttpListener {
  /** Once true, every reply ends its connection. */
  draining = false;
  readonly #options: ListenerOptions;
  readonly #app: TemplatedApp;
  #socket: us_listen_socket | undefined;
  #port = 0;
  #connections = 0;
  #exchanges = 0;
  #receivingBytes = 0;
  #lastEndMs = 0;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#app = uws.App();
    // biome-ignore lint/suspicious/useIterableCallbackReturn: the library's, called for each connection that comes (1) and goes (-1).
    this.#app.filter((_res, count) => {
      this.#connections += Number(count) > 0 ? 1 : -1;
    });
    this.#app.any("/*", (res, req) => this.#accept(res, req));
  }

  /** @throws Error with a sentence when the address can't be listened on. */
  static async listen(options: ListenerOptions): Promise<HttpListener> {
    const listener = new HttpListener(options);
    const { host, port, name } = options;
    const socket = await new Promise<us_listen_socket | false>((resolve) => {
      // Exclusive: of two servers that share a port, both seem to work. The typings know this option only without a host.
      const listen = listener.#app.listen as unknown as (
        host: string,
        port: number,
        option: number,
        listening: (socket: us_listen_socket | false) => void,
      ) => unknown;
      listen.call(listener.#app, host, port, 1, resolve);
    });
    if (!socket) {
      throw new Error(
        `the ${name} listener can't listen on ${host}:${port}: is the port in use by another process, or is the address not one of this machine?`,
      );
    }
    listener.#socket = socket;
    listener.#port = uws.us_socket_local_port(socket);
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Requests that aren't answered yet, those among them whose body is still arriving. */
  get exchanges(): number {
    return this.#exchanges;
  }

  #accept(res: HttpResponse, req: HttpRequest): void {
    const exchange = new Exchange(res, req, this);
    this.#exchanges++;
    try {
      if (exchange.framingFault !== "") {
        exchange.closeAfterReply();
        // Not at once: the library would then read what else has arrived as another request, which is how requests are smuggled. While
        // this one is open, it closes the connection instead.
        setImmediate(() => this.fail(exchange, "bad_framing", exchange.framingFault));
        return;
      }
      this.#options.handle(exchange);
    } catch (error) {
      this.fail(exchange, "internal", "a handler threw", error);
    }
  }

  fail(exchange: Exchange, failure: "internal" | "bad_framing", detail: string, cause?: unknown): void {
    try {
      this.#options.onFailure(exchange, failure, detail, cause);
    } catch (error) {
      // Beyond here is the library's C++, where a throw ends the process.
      process.emitWarning(error as Error);
    } finally {
      exchange.send(500, "application/json", '{"error":{"code":"internal","message":"the server failed on this request","issues":[]}}');
    }
  }

  reserve(exchange: Exchange, bytes: number): boolean {
    if (this.#receivingBytes + bytes > this.#options.receivingBytesMax) return false;
    this.#receivingBytes += bytes;
    exchange.reservedBytes += bytes;
    return true;
  }

  release(exchange: Exchange): void {
    this.#receivingBytes -= exchange.reservedBytes;
    exchange.reservedBytes = 0;
  }

  exchangeEnded(exchange: Exchange): void {
    this.#exchanges--;
    if (exchange.reservedBytes > 0) this.release(exchange);
    if (this.draining) {
      this.#lastEndMs = performance.now();
      if (this.#exchanges === 0) this.#onQuiet?.();
    }
  }

  #onQuiet: (() => void) | undefined;

  /** Takes no new connections and ends each old one with its next reply. */
  stopListening(): void {
    this.draining = true;
    this.#lastEndMs = performance.now();
    if (this.#socket !== undefined) uws.us_listen_socket_close(this.#socket);
    this.#socket = undefined;
  }

  /**
   * Waits until every request was answered and, for connections that clients keep open, for `quietMs` without a new request (one may be on
   * its way already); at most `timeoutMs`. Then closes what is left.
   *
   * @returns How many requests were cut off: 0 unless the time ran out.
   */
  async close(quietMs: number, timeoutMs: number): Promise<number> {
    if (!this.draining) this.stopListening();
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const nowMs = performance.now();
      if (nowMs >= endMs) break;
      if (this.#exchanges === 0 && (this.#connections <= 0 || nowMs - this.#lastEndMs >= quietMs)) break;
      const waitMs = this.#exchanges > 0 ? endMs - nowMs : Math.min(endMs - nowMs, quietMs - (nowMs - this.#lastEndMs));
      await this.#quietOr(waitMs);
    }
    const cutOff = this.#exchanges;
    this.#app.close();
    return cutOff;
  }

  async #quietOr(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      // Connections that end are noticed at the next look, at most 50 ms later.
      const timer = setTimeout(resolve, Math.min(ms, 50));
      this.#onQuiet = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onQuiet = undefined;
  }
}
