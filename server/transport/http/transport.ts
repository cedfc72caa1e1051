/**
 * HTTP as the rest of the server sees it: listeners that hand over requests as heads and bytes, and take one reply for
 * each.
 *
 * Two members: `uws.ts` on uWebSockets.js, the faster, and `node.ts` on node:http, which runs on every Node and every
 * libc. test/contract/http holds both to the same cases; `load.ts` chooses.
 */

import type { BodyReceiver } from "./body-receiver.js";
import type { ForeignProtocol } from "./foreign-protocol.js";

export interface HttpTransport {
  readonly name: HttpMember;
  /** What this build of the library gets wrong: a sentence for the log; undefined if nothing is known. */
  readonly caveat: string | undefined;
  /**
   * How several processes serve one port: each by a socket of its own, over which the kernel spreads connections, or all
   * by one socket.
   */
  readonly shares: "port" | "socket";
  /** @throws Error with a sentence when the address can't be listened on. */
  listen(options: ListenerOptions): Promise<HttpListener>;
}

export type HttpMember = "uws" | "node";

/** A port that several processes serve. */
export interface SharedPort {
  /** Of a member that shares its socket, and of gRPC: a bound socket, as node:net takes it. */
  readonly socket: object | undefined;
}

export interface ListenerOptions {
  /** Names the listener in messages: "http", "admin". */
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Undefined for a port that is taken exclusively. */
  readonly shared?: SharedPort | undefined;
  /** Bytes of bodies that are still arriving, over all connections. */
  readonly receivingBytesMax: number;
  /** Headers that {@link Exchange.header} gives, in lower case. Default: none. */
  readonly headers?: ReadonlySet<string> | undefined;
  /** Called once per request, before its body; must answer the exchange, now or later. May throw. */
  readonly handle: (exchange: Exchange) => void;
  /**
   * Answers for a failure of ours, of the framing or of a head that never became a request. `cause` is for the log,
   * unless it is a {@link ServeError}, which is the answer.
   */
  readonly onFailure: (exchange: Exchange, failure: Failure, detail: string, cause?: unknown) => void;
  /**
   * A connection speaks TLS or HTTP/2 and is closed without a reply. Only where the library lets it be seen: node:http
   * does.
   */
  readonly onForeignProtocol: (protocol: ForeignProtocol) => void;
}

export type Failure = "internal" | "bad_framing";

export interface HttpListener {
  readonly port: number;
  readonly connections: number;
  /** Requests that aren't answered yet, those among them whose body is still arriving. */
  readonly exchanges: number;
  /** Takes no new connections and ends each old one with its next reply. */
  stopListening(): void;
  /**
   * Waits until every request was answered and, for connections that clients keep open, for `quietMs` without a new
   * request (one may be on its way already); at most `timeoutMs`. Then closes what is left.
   *
   * @returns How many requests were cut off: 0 unless the time ran out.
   */
  close(quietMs: number, timeoutMs: number): Promise<number>;
}

/** One request and its one reply. Of the headers, those that the server reads. */
export interface Exchange {
  readonly method: string;
  /** As sent: not decoded; without the query. */
  readonly path: string;
  /** What stands behind the question mark; empty without one. */
  readonly query: string;
  readonly accept: string;
  readonly acceptEncoding: string;
  readonly contentType: string;
  /** -1 without one. */
  readonly contentLength: number;
  readonly requestIdHeader: string;
  readonly traceparentHeader: string;
  readonly tracestateHeader: string;
  readonly timeoutHeader: string;
  readonly contentEncoding: string;
  /** One of the listener's further headers; "" without one. */
  header(name: string): string;
  /** Answered, or its client has left. */
  readonly done: boolean;
  /**
   * Reads the body.
   *
   * @param bytesMax - Larger ones are refused: known from Content-Length, or found while it arrives.
   */
  readBody(bytesMax: number, receiver: BodyReceiver): void;
  /** Names and values in turn that the reply shall have beside its own, whatever it is. */
  addHeaders(headers: readonly string[]): void;
  /**
   * Answers, once; later calls, and calls after the client has left, do nothing.
   *
   * @param headers - Names and values in turn. Values must be free of line breaks.
   */
  send(status: number, contentType: string, body: string | Uint8Array, headers?: readonly string[]): void;
}
