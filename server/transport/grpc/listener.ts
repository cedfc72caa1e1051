/**
 * gRPC over node:http2: connections, their streams, and how they come to their end. Loaded only where gRPC is switched
 * on.
 *
 * Each connection is bounded: streams at once, memory, headers, its age, and how long it may be silent. One that comes
 * of age gets GOAWAY, so that clients behind a balancer come back elsewhere; what is under way on it is answered.
 */

import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ServeError } from "../../errors.js";
import { urlHost } from "../address.js";
import { type ExchangeNeeds, Http2Exchange } from "./exchange.js";

export interface GrpcListenerOptions extends Omit<ExchangeNeeds, "budget" | "onClose"> {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** A bound socket that other processes listen on too; undefined for a port that is taken exclusively. */
  readonly socket: object | undefined;
  /** Of one message. */
  readonly messageBytesMax: number;
  /** Of messages that are still arriving, over all streams. */
  readonly receivingBytesMax: number;
  /** Of one connection. */
  readonly streamsMax: number;
  /** A connection gets GOAWAY at this age, give or take a tenth. */
  readonly connectionAgeMs: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export interface GrpcListener {
  readonly port: number;
  readonly connections: number;
  /**
   * Takes no new connections and asks clients to leave; streams that are already on their way are taken for `quietMs`.
   * Then waits until all are answered, at most `timeoutMs` in all.
   *
   * @returns How many streams were cut off: 0 unless the time ran out.
   */
  close(quietMs: number, timeoutMs: number): Promise<number>;
}

const sweepEveryMs = 1000;
/** How long a message may arrive, milliseconds. */
const receiveMsMax = 20_000;
/** A silent connection is asked whether its other end is still there, and has so long to answer, milliseconds. */
const pingEveryMs = 60_000;
const pingMsMax = 20_000;
/** What is still open that long after its connection's GOAWAY is cut off, milliseconds: a stream that nobody ends. */
const graceMs = 60_000;
/** Bytes that a caller may send ahead of what is read: of a stream, and of a connection. */
const streamWindowBytes = 1_048_576;
const connectionWindowBytes = 4_194_304;
const headerBytesMax = 16_384;
/** Memory of one connection beside its messages, megabytes; Node's default is 10. */
const sessionMemoryMb = 32;
/** "No stream is refused yet" of a first GOAWAY: the client learns of it, and what it has sent meanwhile is taken. */
const lastStreamId = 2 ** 31 - 1;

interface Connection {
  readonly session: ServerHttp2Session;
  readonly endMs: number;
  pingedMs: number;
  isPinged: boolean;
  /** When its GOAWAY was sent; undefined before. */
  leavingMs: number | undefined;
}

/** @throws Error with a sentence when the address can't be listened on. */
export async function listenGrpc(options: GrpcListenerOptions): Promise<GrpcListener> {
  const listener = new Http2Listener(options);
  await listener.listen();
  return listener;
}

class Http2Listener implements GrpcListener {
  readonly #options: GrpcListenerOptions;
  readonly #server: Http2Server;
  readonly #connections = new Map<ServerHttp2Session, Connection>();
  readonly #exchanges = new Set<Http2Exchange>();
  readonly #needs: ExchangeNeeds;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: GrpcListenerOptions) {
    this.#options = options;
    const { messageBytesMax, receivingBytesMax, streamsMax } = options;
    this.#needs = {
      ...options,
      budget: { messageBytesMax, receivingBytesMax, receivingBytes: 0 },
      onClose: (exchange) => this.#exchanges.delete(exchange),
    };
    this.#server = createServer({
      maxSessionMemory: sessionMemoryMb,
      settings: {
        enablePush: false,
        initialWindowSize: streamWindowBytes,
        maxConcurrentStreams: streamsMax,
        maxHeaderListSize: headerBytesMax,
      },
    });
    this.#server.on("session", (session) => this.#connected(session));
    this.#server.on("stream", (stream, headers) => this.#take(stream, headers));
    // What isn't HTTP/2 ends its connection, and nothing else.
    this.#server.on("sessionError", () => {});
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#connections.size;
  }

  async listen(): Promise<void> {
    const { host, port, socket } = this.#options;
    try {
      if (socket === undefined) this.#server.listen({ host, port, exclusive: true });
      else this.#server.listen(socket);
      await once(this.#server, "listening");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(`grpc can't listen on ${urlHost(host)}:${port}: ${code ?? message}; is the port in use?`);
    }
    this.#sweeper = setInterval(() => this.#sweep(), sweepEveryMs);
  }

  #connected(session: ServerHttp2Session): void {
    const { now, random, connectionAgeMs } = this.#options;
    const nowMs = now();
    session.setLocalWindowSize(connectionWindowBytes);
    this.#connections.set(session, {
      session,
      endMs: nowMs + connectionAgeMs * (0.9 + 0.2 * random()),
      pingedMs: nowMs,
      isPinged: false,
      leavingMs: undefined,
    });
    session.on("error", () => {});
    session.on("close", () => this.#connections.delete(session));
  }

  #take(stream: ServerHttp2Stream, headers: Parameters<typeof Http2Exchange.prototype.header>[0] | object): void {
    const head = headers as Record<string, string | undefined>;
    const refused = refuseHead(head);
    if (refused !== undefined) {
      stream.on("error", () => {});
      stream.respond({ ":status": refused }, { endStream: true });
      stream.close();
      return;
    }
    const exchange = new Http2Exchange(stream, head, this.#needs);
    this.#exchanges.add(exchange);
    exchange.open();
  }

  #sweep(): void {
    const nowMs = this.#options.now();
    for (const exchange of this.#exchanges) {
      if (!exchange.isLate(nowMs, receiveMsMax)) continue;
      exchange.fail(new ServeError("request_timeout", `the message didn't arrive within ${receiveMsMax / 1000} s`));
    }
    for (const connection of this.#connections.values()) this.#watch(connection, nowMs);
  }

  #watch(connection: Connection, nowMs: number): void {
    const { session, endMs, leavingMs, pingedMs } = connection;
    if (leavingMs !== undefined) {
      if (nowMs - leavingMs > graceMs) session.destroy();
      else if (!session.closed) session.close();
    } else if (nowMs > endMs) leave(connection, nowMs);
    else if (connection.isPinged) {
      if (nowMs - pingedMs > pingMsMax) session.destroy();
    } else if (nowMs - pingedMs > pingEveryMs) {
      connection.isPinged = true;
      connection.pingedMs = nowMs;
      session.ping(() => {
        connection.isPinged = false;
      });
    }
  }

  async close(quietMs: number, timeoutMs: number): Promise<number> {
    const { now } = this.#options;
    const endMs = now() + timeoutMs;
    clearInterval(this.#sweeper);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections.values()) leave(connection, now());
    await Promise.race([closed, delay(Math.min(quietMs, timeoutMs), undefined, { ref: false })]);
    for (const exchange of this.#exchanges) exchange.drain();
    for (const { session } of this.#connections.values()) if (!session.closed) session.close();
    await Promise.race([closed, delay(Math.max(0, endMs - now()), undefined, { ref: false })]);
    const cutOff = [...this.#exchanges].filter(({ done }) => !done).length;
    for (const { session } of this.#connections.values()) session.destroy();
    return cutOff;
  }
}

function leave(connection: Connection, nowMs: number): void {
  connection.leavingMs ??= nowMs;
  if (!connection.session.closed) connection.session.goaway(0, lastStreamId);
}

/** @returns The status of HTTP for what isn't gRPC. */
function refuseHead({ ":method": method, "content-type": type = "" }: Record<string, string | undefined>) {
  if (method !== "POST") return 405;
  return type === "application/grpc" || type === "application/grpc+proto" || type.startsWith("application/grpc;")
    ? undefined
    : 415;
}
