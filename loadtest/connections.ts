/**
 * The load test's HTTP client: kept-alive connections, one request at a time on each, with as little work for a reply
 * as there can be.
 *
 * Invariants:
 * - A connection in `idle` carries no request, and is open or gone; those that are gone are passed over.
 * - Each request handed to `send` ends by one call of `onReply` or `onLost`, unless `leave` or `close` came before.
 */

import { connect, type Socket } from "node:net";
import { ReplyError, ReplyReader } from "./reply-reader.js";
import type { Target } from "./target.js";

/** @typeParam Request - What the sender knows a request by: an index, or an object of its own. */
export interface Receiver<Request> {
  /** @param retryAfterS - -1 where the reply has none. */
  onReply(request: Request, status: number, retryAfterS: number): void;
  /** The connection ended before the reply did, for a reason: a socket error's code or a short sentence. */
  onLost(request: Request, failure: string): void;
}

interface Connection<Request> {
  readonly socket: Socket;
  readonly reader: ReplyReader;
  request: Request | undefined;
  gone: boolean;
  idleSinceMs: number;
}

/**
 * A connection that was idle for longer isn't used, as by clients' pools: the server may be closing it at this moment.
 * Less than usual servers wait.
 */
const usualIdleMsMax = 4000;

const openAtOnce = 256;

export class Connections<Request> {
  readonly #target: Pick<Target, "host" | "port">;
  readonly #connectionsMax: number;
  readonly #receiver: Receiver<Request>;
  readonly #idleMsMax: number;
  readonly #open = new Set<Connection<Request>>();
  /** The one that was used last is taken first, as clients' pools do: so no more are in use than are needed. */
  readonly #idle: Connection<Request>[] = [];
  readonly #byRequest = new Map<Request, Connection<Request>>();
  /** Every read ends in its callback before the next begins, so all connections read into the same memory. */
  readonly #bytes = Buffer.allocUnsafeSlow(65_536);
  #closed = false;

  constructor(
    target: Pick<Target, "host" | "port">,
    connectionsMax: number,
    receiver: Receiver<Request>,
    idleMsMax = usualIdleMsMax,
  ) {
    this.#target = target;
    this.#connectionsMax = connectionsMax;
    this.#receiver = receiver;
    this.#idleMsMax = idleMsMax;
  }

  /** Opens as many as there may be. Settles once they are there, or have failed. */
  async openAll(): Promise<void> {
    while (this.#open.size < this.#connectionsMax) {
      const opened: Promise<void>[] = [];
      // A listener's queue of connections that it hasn't taken yet is short.
      while (opened.length < openAtOnce && this.#open.size < this.#connectionsMax) {
        const connection = this.#connect();
        this.#idle.push(connection);
        opened.push(
          new Promise((resolve) => connection.socket.once("connect", resolve).once("close", () => resolve())),
        );
      }
      await Promise.all(opened);
      // Refused ones would be tried for ever.
      if (this.#open.size < opened.length) return;
    }
  }

  /** @returns False where no connection is free and no more may be opened: the request hasn't left then. */
  send(request: Request, bytes: Buffer): boolean {
    const connection = this.#takeIdle() ?? (this.#open.size < this.#connectionsMax ? this.#connect() : undefined);
    if (connection === undefined) return false;
    connection.request = request;
    this.#byRequest.set(request, connection);
    connection.socket.write(bytes);
    return true;
  }

  #takeIdle(): Connection<Request> | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.gone) continue;
      if (performance.now() - connection.idleSinceMs < this.#idleMsMax) return connection;
      this.#drop(connection);
    }
    return undefined;
  }

  /** Closes the connection of a request that has had no reply. @returns Whether there was one. */
  leave(request: Request): boolean {
    const connection = this.#byRequest.get(request);
    if (connection === undefined) return false;
    this.#drop(connection);
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const connection of [...this.#open]) this.#drop(connection);
  }

  #connect(): Connection<Request> {
    const onread = {
      buffer: this.#bytes,
      callback: (byteCount: number) => {
        this.#read(connection, byteCount);
        return true;
      },
    };
    const { host, port } = this.#target; // a path would be that of a local socket
    const socket = connect({ host, port, noDelay: true, onread });
    const reader = new ReplyReader();
    const idleSinceMs = performance.now();
    const connection: Connection<Request> = { socket, reader, request: undefined, gone: false, idleSinceMs };
    this.#open.add(connection);
    socket.on("error", (error: NodeJS.ErrnoException) => this.#lose(connection, error.code ?? error.message));
    socket.on("end", () => this.#lose(connection, "connection closed"));
    socket.on("close", () => this.#lose(connection, "connection closed"));
    return connection;
  }

  #read(connection: Connection<Request>, byteCount: number): void {
    if (connection.gone) return;
    const { reader, request } = connection;
    try {
      if (request === undefined) throw new ReplyError("bytes without a request");
      if (!reader.push(this.#bytes, byteCount)) return;
    } catch (reason) {
      if (!(reason instanceof ReplyError)) throw reason;
      this.#lose(connection, reason.message);
      return;
    }
    connection.request = undefined;
    this.#byRequest.delete(request);
    // Free before it is reported, so that who tries again at once finds it.
    if (reader.closes) this.#drop(connection);
    else {
      connection.idleSinceMs = performance.now();
      this.#idle.push(connection);
    }
    this.#receiver.onReply(request, reader.status, reader.retryAfterS);
  }

  #lose(connection: Connection<Request>, failure: string): void {
    if (connection.gone) return;
    const { request } = connection;
    this.#drop(connection);
    if (request !== undefined && !this.#closed) this.#receiver.onLost(request, failure);
  }

  #drop(connection: Connection<Request>): void {
    connection.gone = true;
    this.#open.delete(connection);
    if (connection.request !== undefined) this.#byRequest.delete(connection.request);
    connection.socket.destroy();
  }
}
