/**
 * Many kept-alive connections, one request at a time on each, with as little work for a reply as there can be: its
 * status, its length and Retry-After are read, and the body is counted. No object is made for a request.
 *
 * Connections take turns, so that a server doesn't close the spare ones for being idle.
 *
 * Invariants:
 * - A connection in `idle` carries no request, and is open or gone; those that are gone are passed over.
 * - `index` of a connection is the request it carries, or -1.
 * - Each request handed to `send` ends by one call of `onReply` or `onLost`, unless `leave` or `close` came before.
 */

import { connect, type Socket } from "node:net";
import type { Target } from "../target.js";

export interface Receiver {
  /** @param retryAfterS - -1 where the reply has none. */
  onReply(index: number, status: number, retryAfterS: number): void;
  /** The connection ended before the reply did. */
  onLost(index: number): void;
}

interface Connection {
  readonly socket: Socket;
  index: number;
  /** Bytes of a head that came in pieces. */
  head: string;
  status: number;
  retryAfterS: number;
  closes: boolean;
  bodyBytesLeft: number;
  gone: boolean;
  idleSinceMs: number;
}

/** One that was idle for longer isn't used, as by clients' pools: the server may be closing it at this moment. */
const idleMsMax = 5000;

const headBytesMax = 16_384;
const openAtOnce = 256;

export class Connections {
  readonly #target: Pick<Target, "host" | "port">;
  readonly #connectionsMax: number;
  readonly #receiver: Receiver;
  readonly #open = new Set<Connection>();
  /** The one that was used last is taken first, as clients' pools do: so no more are in use than are needed. */
  readonly #idle: Connection[] = [];
  readonly #byIndex = new Map<number, Connection>();
  /** Every read ends in its callback before the next begins, so all connections read into the same memory. */
  readonly #bytes = Buffer.allocUnsafeSlow(65_536);
  #closed = false;

  constructor(target: Pick<Target, "host" | "port">, connectionsMax: number, receiver: Receiver) {
    this.#target = target;
    this.#connectionsMax = connectionsMax;
    this.#receiver = receiver;
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
  send(index: number, request: Buffer): boolean {
    const connection = this.#takeIdle() ?? (this.#open.size < this.#connectionsMax ? this.#connect() : undefined);
    if (connection === undefined) return false;
    connection.index = index;
    this.#byIndex.set(index, connection);
    connection.socket.write(request);
    return true;
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.gone) continue;
      if (performance.now() - connection.idleSinceMs < idleMsMax) return connection;
      this.#drop(connection);
    }
    return undefined;
  }

  /** Closes the connection of a request that has had no reply. @returns Whether there was one. */
  leave(index: number): boolean {
    const connection = this.#byIndex.get(index);
    if (connection === undefined) return false;
    this.#drop(connection);
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const connection of [...this.#open]) this.#drop(connection);
  }

  #connect(): Connection {
    const onread = {
      buffer: this.#bytes,
      callback: (byteCount: number) => {
        this.#read(connection, byteCount);
        return true;
      },
    };
    const { host, port } = this.#target; // a path would be that of a local socket
    const socket = connect({ host, port, noDelay: true, onread });
    const connection: Connection = {
      socket,
      index: -1,
      head: "",
      status: 0,
      retryAfterS: -1,
      closes: false,
      bodyBytesLeft: -1,
      gone: false,
      idleSinceMs: performance.now(),
    };
    this.#open.add(connection);
    socket.on("error", () => this.#lose(connection));
    socket.on("end", () => this.#lose(connection));
    socket.on("close", () => this.#lose(connection));
    return connection;
  }

  #read(connection: Connection, byteCount: number): void {
    if (connection.gone) return;
    let bodyBytes = byteCount;
    if (connection.bodyBytesLeft < 0) {
      const text = connection.head + this.#bytes.toString("latin1", 0, byteCount);
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) {
        connection.head = text;
        if (text.length > headBytesMax) this.#lose(connection);
        return;
      }
      connection.head = "";
      if (connection.index < 0 || !readHead(connection, text.slice(0, end + 2))) {
        this.#lose(connection);
        return;
      }
      bodyBytes = text.length - end - 4;
    }
    connection.bodyBytesLeft -= bodyBytes;
    if (connection.bodyBytesLeft === 0) this.#finish(connection);
    else if (connection.bodyBytesLeft < 0) this.#lose(connection);
  }

  #finish(connection: Connection): void {
    const { index, status, retryAfterS } = connection;
    connection.bodyBytesLeft = -1;
    connection.index = -1;
    this.#byIndex.delete(index);
    // Free before it is reported, so that who tries again at once finds it.
    if (connection.closes) this.#drop(connection);
    else {
      connection.idleSinceMs = performance.now();
      this.#idle.push(connection);
    }
    this.#receiver.onReply(index, status, retryAfterS);
  }

  #lose(connection: Connection): void {
    if (connection.gone) return;
    const { index } = connection;
    this.#drop(connection);
    if (index >= 0 && !this.#closed) this.#receiver.onLost(index);
  }

  #drop(connection: Connection): void {
    connection.gone = true;
    this.#open.delete(connection);
    if (connection.index >= 0) this.#byIndex.delete(connection.index);
    connection.socket.destroy();
  }
}

/** @returns Whether this is a reply whose end can be known. */
function readHead(connection: Connection, head: string): boolean {
  connection.status = Number(head.slice(9, 12));
  const length = numberAfter(head, "\r\ncontent-length:", "\r\nContent-Length:");
  connection.bodyBytesLeft = length;
  // Only refusals ask to wait, and an answer's head is read in less time without the search.
  connection.retryAfterS =
    connection.status === 200 ? -1 : Math.min(32_767, numberAfter(head, "\r\nretry-after:", "\r\nRetry-After:"));
  connection.closes = head.includes("onnection: close");
  return head.startsWith("HTTP/1.1 ") && connection.status >= 100 && length >= 0;
}

/** Servers write a header in lower case or with capitals; a search for both is faster than one that ignores case. */
function numberAfter(head: string, lower: string, capital: string): number {
  let at = head.indexOf(lower);
  if (at < 0) at = head.indexOf(capital);
  if (at < 0) return -1;
  return Number.parseInt(head.slice(at + lower.length, at + lower.length + 16), 10);
}
