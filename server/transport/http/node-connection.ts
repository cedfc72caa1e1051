/** A connection of node:http: which requests are open on it, how it ends, and whether it gets on. */

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ServeError } from "../../errors.js";
import { type Phase, patienceMs, verdict } from "./patience.js";
import { leftoverBytesMax } from "./read-budget.js";

/** A request on a connection, and its reply. */
export interface OpenExchange {
  /** The next request on the same connection, of those that are remembered. */
  next: OpenExchange | undefined;
  readonly response: ServerResponse;
  readonly done: boolean;
  /** The client has the reply, or can't get it any more. */
  readonly isOver: boolean;
  /**
   * The rest of the body won't come: it is cut short by its framing, or comes too slowly. Whatever is still to be said
   * ends the connection.
   *
   * @param error - What its call is answered with.
   */
  breakBody(error: ServeError): void;
  /** The client has left. */
  leave(): void;
}

/** Answers a head that never became a request, and ends the connection. */
export type RefuseHead = (connection: NodeConnection, error: ServeError) => void;

export class NodeConnection {
  readonly socket: Socket;
  /** Its body is arriving. */
  receiving: OpenExchange | undefined = undefined;
  /** A reply that ends the connection is on its way, or whatever comes can't be read: no further request is taken. */
  closing = false;
  requestCount = 0;
  readonly #refuseHead: RefuseHead;
  // Exchanges in their order. Those that are over are dropped when another one comes, or at the next look.
  #first: OpenExchange | undefined;
  #last: OpenExchange | undefined;
  #broken = false;
  #readMax = Number.POSITIVE_INFINITY;
  #phase: Phase = "waiting";
  #sinceMs: number;
  #sinceRequest = 0;
  #sinceBytes = 0;

  constructor(socket: Socket, refuseHead: RefuseHead, nowMs: number) {
    this.socket = socket;
    this.#refuseHead = refuseHead;
    this.#sinceMs = nowMs;
  }

  add(exchange: OpenExchange): void {
    this.requestCount++;
    this.#dropOver();
    if (this.#last === undefined) this.#first = exchange;
    else this.#last.next = exchange;
    this.#last = exchange;
  }

  isLast(exchange: OpenExchange): boolean {
    return this.#last === exchange;
  }

  #dropOver(): void {
    while (this.#first?.isOver) this.#first = this.#first.next;
    if (this.#first === undefined) this.#last = undefined;
  }

  /** What the client sends isn't HTTP, or no longer. */
  break(error: ServeError): void {
    if (this.#broken) {
      // The parser reports each further read; they are dropped, so that the client gets to read the reply, but not for
      // ever.
      if (this.socket.bytesRead > this.#readMax) this.socket.destroy();
      return;
    }
    this.#broken = true;
    this.#readMax = this.socket.bytesRead + leftoverBytesMax;
    // The reply that ends the connection is on its way: nothing is to be added.
    if (this.closing) return;
    this.closing = true;
    if (this.receiving !== undefined) this.receiving.breakBody(error);
    else this.#afterReplies(() => this.#refuseHead(this, error));
  }

  /** Ends the connection once this exchange's reply is out. */
  endBehind(exchange: OpenExchange): void {
    this.closing = true;
    if (exchange.response.writableFinished) this.socket.end();
    else exchange.response.once("finish", () => this.socket.end());
  }

  /**
   * Reads no more, not even the rest of what was read. A socket's `parser` isn't documented: without it, up to 64 KiB
   * of chunks would still be parsed, and dropped.
   */
  stopParsing(): void {
    this.socket.pause();
    (this.socket as { parser?: { pause?: () => void } | null }).parser?.pause?.();
  }

  /** Requests that came before are answered first. */
  #afterReplies(run: () => void): void {
    this.#dropOver();
    if (this.#last === undefined) run();
    else this.#last.response.once("finish", run);
  }

  /** The other side has closed, or reset, the connection. */
  closed(): void {
    this.closing = true;
    for (let exchange = this.#first; exchange !== undefined; exchange = exchange.next) exchange.leave();
  }

  /** Called from time to time: ends the connection if it doesn't get on. */
  look(nowMs: number): void {
    this.#dropOver();
    const phase = this.#currentPhase();
    const bytes = phase === "writing" ? this.socket.bytesWritten - this.socket.writableLength : this.socket.bytesRead;
    if (phase === this.#phase && this.requestCount === this.#sinceRequest) {
      const said = verdict(phase, nowMs - this.#sinceMs, bytes - this.#sinceBytes);
      if (said === "wait") return;
      if (said === "late") {
        this.#endLate(phase, bytes);
        return;
      }
    }
    this.#phase = phase;
    this.#sinceMs = nowMs;
    this.#sinceRequest = this.requestCount;
    this.#sinceBytes = bytes;
  }

  #currentPhase(): Phase {
    if (this.socket.writableLength > 0) return "writing";
    if (this.socket.writableEnded) return "closing";
    if (this.receiving !== undefined) return "receiving";
    return this.#first === undefined ? "waiting" : "answering";
  }

  #endLate(phase: Phase, bytes: number): void {
    const { receiving } = this;
    if (phase === "receiving" && !receiving!.done) {
      receiving!.breakBody(
        new ServeError(
          "request_timeout",
          "the body: expected 16 KiB a second or more; it came more slowly, or not at all",
        ),
      );
      return;
    }
    const hasPartOfHead = phase === "waiting" && bytes > (this.requestCount === 0 ? 0 : this.#sinceBytes);
    if (!hasPartOfHead) {
      this.socket.destroy();
      return;
    }
    const message = `the request's head: expected all of it within ${patienceMs / 1000} s or little more, got a part`;
    this.break(new ServeError("request_timeout", message));
  }
}
