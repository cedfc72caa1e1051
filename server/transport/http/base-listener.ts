/**
 * What the members have in common of a listener: what is open on it, the budget of bodies that arrive, and how it comes
 * to its end.
 */

import { performance } from "node:perf_hooks";
import { urlHost } from "../address.js";
import type { Exchange, Failure, HttpListener, ListenerOptions } from "./transport.js";

/** An exchange as its listener counts it. */
export interface CountedExchange extends Exchange {
  /** Bytes that it holds of the listener's budget. */
  reservedBytes: number;
}

export abstract class BaseListener implements HttpListener {
  /** Once true, every reply ends its connection. */
  draining = false;
  connections = 0;
  exchanges = 0;
  readonly options: ListenerOptions;
  #receivingBytes = 0;
  #lastEndMs = 0;
  #onQuiet: (() => void) | undefined;
  #socketClosed: void | Promise<void> = undefined;

  constructor(options: ListenerOptions) {
    this.options = options;
  }

  abstract readonly port: number;
  /** Resolves where the socket can't be closed at once. */
  protected abstract closeSocket(): void | Promise<void>;
  protected abstract closeConnections(): void;

  /** Answers for a failure; whatever happens meanwhile, the exchange is answered. */
  fail(exchange: CountedExchange, failure: Failure, detail: string, cause?: unknown): void {
    try {
      this.options.onFailure(exchange, failure, detail, cause);
    } catch (error) {
      // Beyond here is a library: in uWebSockets.js, a throw ends the process.
      process.emitWarning(error as Error);
    } finally {
      exchange.send(
        500,
        "application/json",
        '{"error":{"code":"internal","message":"the server failed on this request","issues":[]}}',
      );
    }
  }

  reserve(exchange: CountedExchange, bytes: number): boolean {
    if (this.#receivingBytes + bytes > this.options.receivingBytesMax) return false;
    this.#receivingBytes += bytes;
    exchange.reservedBytes += bytes;
    return true;
  }

  release(exchange: CountedExchange): void {
    this.#receivingBytes -= exchange.reservedBytes;
    exchange.reservedBytes = 0;
  }

  exchangeEnded(exchange: CountedExchange): void {
    this.exchanges--;
    if (exchange.reservedBytes > 0) this.release(exchange);
    if (this.draining) {
      this.#lastEndMs = performance.now();
      if (this.exchanges === 0) this.#onQuiet?.();
    }
  }

  stopListening(): void {
    this.draining = true;
    this.#lastEndMs = performance.now();
    this.#socketClosed = this.closeSocket();
  }

  async close(quietMs: number, timeoutMs: number): Promise<number> {
    if (!this.draining) this.stopListening();
    const endMs = performance.now() + timeoutMs;
    await this.#socketClosed;
    for (;;) {
      const nowMs = performance.now();
      if (nowMs >= endMs) break;
      if (this.exchanges === 0 && (this.connections <= 0 || nowMs - this.#lastEndMs >= quietMs)) break;
      const waitMs = this.exchanges > 0 ? endMs - nowMs : Math.min(endMs - nowMs, quietMs - (nowMs - this.#lastEndMs));
      await this.#quietOr(waitMs);
    }
    const cutOff = this.exchanges;
    this.closeConnections();
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

/** Why nobody can listen there, as far as it is known. */
export function cannotListen({ name, host, port }: Pick<ListenerOptions, "name" | "host" | "port">): Error {
  return new Error(
    `the ${name} listener can't listen on ${urlHost(host)}:${port}: is the port in use by another process, or is the address not one of this machine?`,
  );
}
