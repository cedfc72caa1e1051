/**
 * HTTP by uWebSockets.js. Its only importer.
 *
 * uWebSockets.js is fast and unforgiving: a throw before `onAborted`, or a handler that returns unanswered, ends the
 * process; a response that is used after its end throws; it checks neither the size of a body nor duplicate framing
 * headers nor line breaks in what it is told to echo. So each request becomes an exchange that is answered at most
 * once, and no route sees the library.
 */

import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from "uWebSockets.js";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { BaseExchange, type Chunk, streamedBytesMin } from "./base-exchange.js";
import { BaseListener, cannotListen } from "./base-listener.js";
import { ChunkedBody, unbufferedBytesMin } from "./chunked-body.js";
import { idleMoment } from "./idle-moment.js";
import { statusLines } from "./status-lines.js";
import type { HttpTransport, ListenerOptions } from "./transport.js";

// Headers that arrive in more than one piece may be so long; the library's own 4,096 bytes are less than a long bearer
// token and its cookies. Read when the native code is loaded, so it has to be set before.
process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= "16384";
// The package is CommonJS with a native addon; `require` keeps its own error message when no binary fits this Node.
const uws = createRequire(import.meta.url)("uWebSockets.js") as typeof import("uWebSockets.js");

/** How long a busy event loop may put off the end of a shared socket, milliseconds. */
const idleWaitMsMax = 500;

/** The ABI of Node 22. The package's binaries for older ones are builds of early 2024, those from there on of 2026. */
const firstNewAbi = 127;

export const uwsTransport: HttpTransport = {
  name: "uws",
  shares: "port",
  caveat:
    Number(process.versions.modules) >= firstNewAbi
      ? undefined
      : "uWebSockets.js for this Node is a build of early 2024: requests with _ . or ~ in a header's name, with more than 98 headers, or with " +
        "control characters in a header get no reply, and their connection closes after 8 to 12 s; --http node answers them",
  listen: (options) => UwsListener.listen(options),
};

class UwsExchange extends BaseExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly #res: HttpResponse;

  constructor(res: HttpResponse, req: HttpRequest, listener: UwsListener) {
    super(listener);
    this.#res = res;
    // First of all: from here on a throw can't end the process.
    res.onAborted(() => this.gone());
    this.method = req.getCaseSensitiveMethod();
    this.path = req.getUrl();
    // The library has undefined where there is none.
    this.query = req.getQuery() ?? "";
    reading = this;
    req.forEach(readHeader);
    this.closeBehindLongBody();
    if (this.encodings > 0) {
      const body = new ChunkedBody();
      this.chunked = body;
      res.onData((chunk, last) => this.receiveChunk(body, chunk, last));
    }
  }

  protected override get endsConnection(): boolean {
    return this.asksClose || this.listener.draining;
  }

  protected override startReading(take: (chunk: Chunk, last: boolean) => void): void {
    if (this.chunked !== undefined) this.chunked.take = take;
    else this.#res.onData(take);
  }

  /** Called from within a socket read. */
  protected override cut(body: ChunkedBody): void {
    this.closeAfter = true;
    if (!body.holdsReply) return;
    // A reply to HEAD has no body to fill up.
    if (this.method === "HEAD") this.#res.close();
    else body.releaseReply(unbufferedBytesMin);
  }

  protected override write(
    status: number,
    contentType: string,
    body: string | Uint8Array,
    headers: readonly string[],
  ): void {
    const res = this.#res;
    const close = this.closeAfter || this.listener.draining;
    // One cork is one system call for status, headers and body.
    res.cork(() => {
      if (status !== 200) res.writeStatus(statusLines[status] ?? String(status));
      res.writeHeader("content-type", contentType);
      for (let i = 0; i < headers.length; i += 2) res.writeHeader(headers[i]!, headers[i + 1]!);
      // After `endWithoutBody` to a GET the library takes no further request on the connection.
      if (status === 304) res.end("", close);
      else if (this.method === "HEAD") res.endWithoutBody(Buffer.byteLength(body), close);
      else if (body.length < streamedBytesMin) res.end(body, close);
      else this.#sendStreamed(body, close);
    });
    if (!this.streaming) this.listener.exchangeEnded(this);
  }

  #sendStreamed(body: string | Uint8Array, close: boolean): void {
    const res = this.#res;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (close) res.writeHeader("connection", "close");
    const [, finished] = res.tryEnd(bytes, bytes.length);
    if (finished) return;
    this.streaming = true;
    res.onWritable((offset) => {
      const [ok, nowFinished] = res.tryEnd(bytes.subarray(offset), bytes.length);
      if (nowFinished) this.streamed();
      return ok;
    });
  }
}

// `req.forEach` runs to its end before anything else can, so one function serves all requests. Names arrive in lower
// case.
let reading: UwsExchange;
function readHeader(name: string, value: string): void {
  reading.takeHeader(name, value);
}

class UwsListener extends BaseListener {
  readonly #app: TemplatedApp;
  #socket: us_listen_socket | undefined;
  #port = 0;

  private constructor(options: ListenerOptions) {
    super(options);
    this.#app = uws.App();
    // biome-ignore lint/suspicious/useIterableCallbackReturn: the library's, called for each connection that comes (1) and goes (-1).
    this.#app.filter((_res, count) => {
      this.connections += Number(count) > 0 ? 1 : -1;
    });
    this.#app.any("/*", (res, req) => this.#accept(res, req));
  }

  static async listen(options: ListenerOptions): Promise<UwsListener> {
    const listener = new UwsListener(options);
    const { host, port } = options;
    const socket = await new Promise<us_listen_socket | false>((resolve) => {
      // By default the library shares the port, and two servers on one port both seem to work; 1 is exclusive. The
      // typings know this option only without a host.
      const listen = listener.#app.listen as unknown as (
        host: string,
        port: number,
        option: number,
        listening: (socket: us_listen_socket | false) => void,
      ) => unknown;
      listen.call(listener.#app, host, port, options.shared === undefined ? 1 : 0, resolve);
    });
    if (!socket) throw cannotListen(options);
    listener.#socket = socket;
    listener.#port = uws.us_socket_local_port(socket);
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  #accept(res: HttpResponse, req: HttpRequest): void {
    const exchange = new UwsExchange(res, req, this);
    this.exchanges++;
    try {
      if (exchange.framingFault !== "") {
        exchange.closeAfterReply();
        // Not at once: the library would then read what else has arrived as another request, which is how requests are
        // smuggled. While this one is open, it closes the connection instead.
        setImmediate(() => this.fail(exchange, "bad_framing", exchange.framingFault));
        return;
      }
      this.options.handle(exchange);
    } catch (error) {
      this.fail(exchange, "internal", "a handler threw", error);
    }
  }

  /**
   * While a shared port has other sockets, the kernel gives this one its part of the connections to the last, and resets
   * those that weren't accepted when it is closed: so it is closed when nothing waits.
   */
  protected override closeSocket(): void | Promise<void> {
    if (this.options.shared === undefined) this.#closeNow();
    else return idleMoment(idleWaitMsMax).then(() => this.#closeNow());
  }

  #closeNow(): void {
    if (this.#socket !== undefined) uws.us_listen_socket_close(this.#socket);
    this.#socket = undefined;
  }

  protected override closeConnections(): void {
    this.#app.close();
  }
}
