/**
 * HTTP by node:http, on every Node and every libc.
 *
 * node:http parses and keeps the replies to pipelined requests in their order. Everything else is as with
 * uWebSockets.js: an exchange for each request, bodies that are counted as they arrive, connections that are cut when
 * they don't get on. Its own timeouts are off, because they know only the whole of a request; `patience.ts` has ours.
 */

import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSocketServer, type Socket, type Server as SocketServer } from "node:net";
import { performance } from "node:perf_hooks";
import { refuseMethod, ServeError } from "../../errors.js";
import { BaseExchange } from "./base-exchange.js";
import { BaseListener, cannotListen } from "./base-listener.js";
import { foreignProtocol } from "./foreign-protocol.js";
import { NodeConnection } from "./node-connection.js";
import { NodeExchange } from "./node-exchange.js";
import { NodeRequest } from "./node-request.js";
import { lookEveryMs } from "./patience.js";
import { statusLines } from "./status-lines.js";
import type { HttpTransport, ListenerOptions } from "./transport.js";

/** Bytes of an address and headers in sum, and headers of a request. */
const headBytesMax = 16_384;
const headersMax = 100;

export const nodeTransport: HttpTransport = {
  name: "node",
  shares: "socket",
  caveat: undefined,
  listen: (options) => NodeListener.listen(options),
};

class NodeListener extends BaseListener {
  /**
   * Listens and accepts; the connections are then given to `#http`, whose own listening would end idle ones as soon as
   * it stops.
   */
  readonly #sockets: SocketServer;
  readonly #http: Server;
  readonly #connections = new Map<Socket, NodeConnection>();
  #looking: NodeJS.Timeout | undefined;
  #port = 0;

  private constructor(options: ListenerOptions) {
    super(options);
    this.#http = createServer({
      IncomingMessage: NodeRequest as unknown as typeof IncomingMessage,
      maxHeaderSize: headBytesMax,
      // Checked here, and answered in JSON.
      requireHostHeader: false,
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
    });
    // One more than are allowed, so that it is seen; node:http drops the others.
    this.#http.maxHeadersCount = headersMax + 1;
    this.#http.on("request", (request, response) => this.#accept(request as NodeRequest, response, false));
    this.#http.on("checkContinue", (request, response) => this.#accept(request as NodeRequest, response, true));
    this.#http.on("checkExpectation", (request, response) => this.#accept(request as NodeRequest, response, false));
    this.#http.on("clientError", (error, socket) => this.#onClientError(error, socket as Socket));
    this.#http.on("connect", (_request, socket) => {
      socket.resume();
      this.#connections.get(socket as Socket)?.break(refuseMethod("CONNECT", "GET, HEAD, POST"));
    });
    this.#sockets = createSocketServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#connected(socket));
  }

  static async listen(options: ListenerOptions): Promise<NodeListener> {
    const listener = new NodeListener(options);
    const { host, port, shared } = options;
    const server = listener.#sockets;
    await new Promise<void>((resolve, reject) => {
      server.once("error", () => reject(cannotListen(options)));
      if (shared?.socket === undefined) server.listen({ host, port, exclusive: true }, resolve);
      else server.listen(shared.socket, resolve);
    });
    // What can't be accepted is lost for its caller alone.
    server.on("error", () => {});
    listener.#port = (server.address() as { port: number }).port;
    listener.#looking = setInterval(() => {
      const nowMs = performance.now();
      for (const connection of listener.#connections.values()) connection.look(nowMs);
    }, lookEveryMs).unref();
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  #connected(socket: Socket): void {
    const connection = new NodeConnection(socket, this.#refuseHead, performance.now());
    (socket as ConnectedSocket)[connectionOf] = connection;
    this.#connections.set(socket, connection);
    this.connections++;
    // node:http has a listener of its own only until the first error.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#connections.delete(socket);
      this.connections--;
      connection.closed();
    });
    this.#http.emit("connection", socket);
  }

  #accept(request: NodeRequest, response: ServerResponse, expectsContinue: boolean): void {
    const connection = (request.socket as ConnectedSocket)[connectionOf];
    // What follows a request that ends its connection is nobody's.
    if (connection.closing) return;
    const exchange = new NodeExchange(request, response, connection, this, expectsContinue);
    connection.add(exchange);
    this.exchanges++;
    try {
      const refusal = refuse(request, exchange);
      if (refusal === undefined && exchange.framingFault === "") {
        this.options.handle(exchange);
        return;
      }
      exchange.closeAfterReply();
      this.fail(exchange, "bad_framing", exchange.framingFault, refusal);
    } catch (error) {
      this.fail(exchange, "internal", "a handler threw", error);
    }
  }

  #onClientError(error: Error & { code?: string; reason?: string; rawPacket?: Buffer }, socket: Socket): void {
    const connection = (socket as ConnectedSocket)[connectionOf];
    // A reset, or an end in the middle of a request.
    if (!error.code?.startsWith("HPE_") || error.code === "HPE_INVALID_EOF_STATE") {
      socket.destroy();
      return;
    }
    const protocol = connection.requestCount === 0 && error.rawPacket ? foreignProtocol(error.rawPacket) : undefined;
    if (protocol !== undefined && !connection.closing) {
      this.options.onForeignProtocol(protocol);
      socket.destroy();
      return;
    }
    connection.break(parseError(error.code, error.reason ?? "it can't be read"));
  }

  readonly #refuseHead = (connection: NodeConnection, error: ServeError): void => {
    this.exchanges++;
    this.fail(new RefusedHead(connection, this), "bad_framing", "", error);
  };

  protected override closeSocket(): void {
    this.#sockets.close();
  }

  protected override closeConnections(): void {
    clearInterval(this.#looking);
    for (const socket of this.#connections.keys()) socket.destroy();
  }
}

const connectionOf = Symbol("connection");
type ConnectedSocket = Socket & { [connectionOf]: NodeConnection };

/** Why a head that node:http takes isn't taken here. */
function refuse({ rawHeaders, httpVersion }: NodeRequest, { hasHost }: NodeExchange): ServeError | undefined {
  if (httpVersion !== "1.1" && httpVersion !== "1.0")
    return new ServeError("invalid_request", `expected HTTP/1.1, got HTTP/${httpVersion}`);
  if (rawHeaders.length > 2 * headersMax) return tooLarge();
  if (hasHost || httpVersion === "1.0") return undefined;
  return new ServeError("invalid_request", "the header host: expected once, as HTTP/1.1 has it, got none");
}

function parseError(code: string, reason: string): ServeError {
  if (code === "HPE_HEADER_OVERFLOW") return tooLarge();
  return new ServeError("invalid_request", `the request isn't HTTP/1.1: ${reason}`);
}

function tooLarge(): ServeError {
  const message = `expected at most ${headersMax} headers, and ${headBytesMax} bytes of address and headers in sum; got more`;
  return new ServeError("headers_too_large", message);
}

/** Bytes that never became a request, and the reply to them. */
class RefusedHead extends BaseExchange {
  readonly method = "";
  readonly path = "";
  readonly query = "";
  readonly endsConnection = true;
  readonly #connection: NodeConnection;

  constructor(connection: NodeConnection, listener: BaseListener) {
    super(listener);
    this.#connection = connection;
  }

  protected override startReading(): void {}
  protected override cut(): void {}

  protected override write(
    status: number,
    contentType: string,
    body: string | Uint8Array,
    headers: readonly string[],
  ): void {
    const all = ["content-type", contentType, "content-length", String(body.length), "connection", "close", ...headers];
    const lines = all.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
    // The client ends the connection when it has read this; if it doesn't, a later look does.
    this.#connection.socket.end(`HTTP/1.1 ${statusLines[status] ?? status}\r\n${lines}\r\n${body}`);
    this.listener.exchangeEnded(this);
  }
}
