/** One gRPC stream over HTTP/2: its messages to a method, and its answer back. */

import type { Buffer } from "node:buffer";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { ServeError } from "../../errors.js";
import { type ErrorDetail, grpcErrorHeaders } from "../../protocol/protobuf/status.js";
import { shownAddress } from "../address.js";
import { acceptRequestId } from "../request-id.js";
import { frameMessage, MessageReader, type ReceiveBudget } from "./message-reader.js";
import { type GrpcExchange, type MessageReceiver, type Method, parseTimeout } from "./service.js";

export interface ExchangeNeeds {
  readonly budget: ReceiveBudget;
  /** @returns Undefined where nothing is served there. @throws {@link ServeError} model_not_found. */
  readonly method: (path: string) => Method | undefined;
  readonly now: () => number;
  readonly nextRequestId: () => string;
  /** How long callers that may try again should wait, milliseconds. */
  readonly retryAfterMs: (error: ServeError) => number;
  /** What callers are told of an error. */
  readonly shown: (error: ServeError) => ServeError;
  /** A stream that failed before, or beside, a prediction. */
  readonly onRefusal: (error: ServeError, requestId: string, path: string) => void;
  readonly onClose: (exchange: Http2Exchange) => void;
}

/** Of HTTP/2's RST_STREAM. */
const noError = 0;
/** How long a caller that has its answer may take to end its side, milliseconds. */
const stopSenderMs = 1000;

export class Http2Exchange implements GrpcExchange {
  readonly path: string;
  readonly arrivedMs: number;
  readonly requestId: string;
  timeoutMs = 0;
  done = false;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #needs: ExchangeNeeds;
  readonly #messages: MessageReader;
  #receiver: MessageReceiver | undefined;
  #isResponding = false;
  /** All messages are here. */
  #isWhole = false;
  #trailers: readonly string[] = [];
  /** Since when a message has been arriving; infinite while none is. */
  #receivingMs = Number.POSITIVE_INFINITY;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, needs: ExchangeNeeds) {
    this.#stream = stream;
    this.#headers = headers;
    this.#needs = needs;
    this.path = headers[":path"] as string;
    this.arrivedMs = needs.now();
    this.requestId = acceptRequestId(this.header("x-request-id")) ?? needs.nextRequestId();
    this.#messages = new MessageReader(needs.budget, (message) => {
      if (!this.done) this.#receiver!.onMessage(message);
    });
  }

  /** Begins to read; the exchange is answered in any case. */
  open(): void {
    const stream = this.#stream;
    // Without a listener an error would end the process; `close` follows each.
    stream.on("error", () => {});
    stream.on("close", () => this.#closed());
    stream.on("wantTrailers", () => {
      stream.sendTrailers(pairs(this.#trailers));
      // At once, it would go before the trailers.
      if (!this.#isWhole) setTimeout(() => this.#stopSender(), stopSenderMs).unref();
    });
    this.#guard(() => {
      this.timeoutMs = parseTimeout(this.header("grpc-timeout"));
      const encoding = this.header("grpc-encoding");
      if (encoding !== "" && encoding !== "identity") {
        const got = JSON.stringify(encoding.slice(0, 32));
        // Among codes that gRPC says UNIMPLEMENTED for, as it wants it of an encoding.
        throw new ServeError("route_not_found", `grpc-encoding: expected identity, got ${got}`);
      }
      const method = this.#needs.method(this.path);
      if (method === undefined) {
        const asked = JSON.stringify(shownAddress(this.path));
        throw new ServeError("route_not_found", `nothing is served at ${asked}: reflection names the services`);
      }
      this.#receiver = method(this);
      if (this.#isUnary()) this.#receivingMs = this.arrivedMs;
    });
    if (this.done) return;
    stream.on("data", (chunk: Buffer) => this.#guard(() => this.#receive(chunk)));
    stream.on("end", () => this.#guard(() => this.#ended()));
  }

  /** Whether a message has been arriving for longer than that. */
  isLate(nowMs: number, receiveMsMax: number): boolean {
    return !this.done && nowMs - this.#receivingMs > receiveMsMax;
  }

  #receive(chunk: Buffer): void {
    if (this.done) return;
    this.#messages.take(chunk);
    if (!this.#messages.isPartial) this.#receivingMs = this.#isUnary() ? this.arrivedMs : Number.POSITIVE_INFINITY;
    else if (this.#receivingMs === Number.POSITIVE_INFINITY) this.#receivingMs = this.#needs.now();
  }

  #isUnary(): boolean {
    return this.#receiver?.mayIdle !== true;
  }

  drain(): void {
    if (!this.done) this.#guard(() => this.#receiver?.onDrain?.());
  }

  header(name: string): string {
    const value = this.#headers[name];
    return typeof value === "string" ? value : "";
  }

  write(message: Uint8Array): void {
    if (this.done) return;
    this.#respond();
    this.#stream.write(frameMessage(message));
  }

  end(trailers: readonly string[], message?: Uint8Array): void {
    if (this.done) return;
    if (message !== undefined) this.#respond();
    this.done = true;
    this.#messages.end();
    const stream = this.#stream;
    if (stream.destroyed) return;
    if (this.#isResponding) {
      this.#trailers = trailers;
      if (message === undefined) stream.end();
      else stream.end(frameMessage(message));
    } else {
      // What failed at once has one frame of headers, which are its trailers.
      stream.respond({ ...this.#responseHeaders(), ...pairs(trailers) }, { endStream: true });
      this.#stopSender();
    }
  }

  fail(error: ServeError, detailsOf: (error: ServeError) => readonly ErrorDetail[] = () => []): void {
    const shown = this.#needs.shown(error);
    const retryMs = error.retry ? Math.round(this.#needs.retryAfterMs(error)) : undefined;
    this.end(grpcErrorHeaders(shown, { retryMs, details: detailsOf(shown) }));
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  #ended(): void {
    this.#isWhole = true;
    this.#receivingMs = Number.POSITIVE_INFINITY;
    if (this.done) return;
    if (this.#messages.isPartial)
      throw new ServeError("malformed_body", "the message: expected all of it, got its beginning");
    this.#receiver!.onEnd();
  }

  #closed(): void {
    this.#messages.end();
    if (!this.done) {
      this.done = true;
      this.#receiver?.onGone();
    }
    this.#needs.onClose(this);
  }

  /** Whoever still sends is asked to stop, without an error: what was answered counts. */
  #stopSender(): void {
    if (!this.#isWhole) this.#stream.close(noError);
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (reason) {
      if (this.done) return;
      const error = ServeError.from(reason);
      this.#needs.onRefusal(error, this.requestId, this.path);
      this.fail(error);
      this.#receiver?.onGone();
    }
  }

  #respond(): void {
    if (this.#isResponding) return;
    this.#isResponding = true;
    this.#stream.respond(this.#responseHeaders(), { waitForTrailers: true });
  }

  #responseHeaders(): Record<string, string | number> {
    return { ":status": 200, "content-type": "application/grpc", "x-request-id": this.requestId };
  }
}

function pairs(list: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < list.length; i += 2) headers[list[i]!] = list[i + 1]!;
  return headers;
}
