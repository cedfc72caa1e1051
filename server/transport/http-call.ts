/** A prediction over HTTP, and errors on either listener. */

import { ServeError } from "../errors.js";
import { Call, type CallInput, type Reply } from "../path/call.js";
import type { PredictPath } from "../path/predict.js";
import type { Encoded, Protocol } from "../protocol/protocol.js";
import { armHeader } from "../routing/route-table.js";
import { versionOf } from "./address.js";
import { type ContentCoder, codingOf } from "./content-coding.js";
import type { BodyReceiver } from "./http/body-receiver.js";
import { bytesPerChunkMin, freeChunksMax } from "./http/read-budget.js";
import type { Exchange } from "./http/transport.js";
import { acceptRequestId, acceptTraceparent, boundTracestate } from "./request-id.js";
import type { PredictAddress } from "./router.js";

export interface CallNeeds {
  readonly path: PredictPath;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  readonly nextRequestId: () => string;
  readonly coder: ContentCoder;
  /** Retry-After of an answer that says so, seconds; jittered. */
  readonly retryAfterS: (error: ServeError) => number;
}

/** Receives the body, puts the call on its path, and takes the answer back: one object for all three. */
export class HttpCall implements Reply, BodyReceiver {
  readonly #exchange: Exchange;
  readonly #needs: CallNeeds;
  readonly #call: Call;
  /** Why the headers are refused, whatever the body is. */
  readonly #refusal: ServeError | undefined;

  /** @param arrivedMs - Where the body was read before. */
  constructor(
    exchange: Exchange,
    needs: CallNeeds,
    { protocol, modelName, versionName }: PredictAddress,
    arrivedMs = needs.now(),
  ) {
    this.#exchange = exchange;
    this.#needs = needs;
    const traceparent = acceptTraceparent(exchange.traceparentHeader);
    const version = exchange.query === "" ? versionName : versionOf(exchange.query, versionName);
    this.#call = new Call(protocol, this, arrivedMs, modelName, version, exchange, traceparent);
    if (traceparent !== "") this.#call.tracestate = boundTracestate(exchange.tracestateHeader);
    this.#call.requestId = acceptRequestId(exchange.requestIdHeader) ?? needs.nextRequestId();
    this.#refusal = checkHeaders(exchange, this.#call);
  }

  receive(): void {
    const { path, coder } = this.#needs;
    if (this.#refusal !== undefined) {
      path.fail(this.#call, this.#refusal);
      return;
    }
    const exchange = this.#exchange;
    const coding = codingOf(exchange.contentEncoding)!;
    const isPlain = coding === "identity";
    // How long a compressed body will be isn't known before it is inflated.
    const bytesMax = path.announce(this.#call, isPlain ? exchange.contentLength : -1);
    if (bytesMax !== undefined) exchange.readBody(bytesMax, isPlain ? this : coder.receiver(coding, bytesMax, this));
  }

  /** In the place of {@link receive}, where the body is there already. */
  take(body: Buffer, lasts: boolean): void {
    const { path } = this.#needs;
    if (this.#refusal !== undefined) {
      path.fail(this.#call, this.#refusal);
      return;
    }
    const bytesMax = path.announce(this.#call, body.length);
    if (bytesMax === undefined) return;
    if (body.length > bytesMax) this.onTooLarge(body.length, bytesMax);
    else this.onBody(body, lasts);
  }

  onBody(body: Buffer, lasts: boolean): void {
    this.#call.body = body;
    this.#call.bodyLasts = lasts;
    this.#call.bodyBytes = body.length;
    this.#needs.path.predict(this.#call);
  }

  onTooLarge(gotBytes: number, bytesMax: number): void {
    const message = `the body: expected at most ${bytesMax} bytes, got ${gotBytes} or more`;
    this.#needs.path.fail(this.#call, new ServeError("body_too_large", message));
  }

  onTooManyChunks(chunkCount: number, gotBytes: number): void {
    const expected = `expected at most ${freeChunksMax} chunks and one for each ${bytesPerChunkMin} bytes`;
    const message = `the body: ${expected}, got ${chunkCount} chunks of ${gotBytes} bytes in all; send larger chunks, or Content-Length`;
    this.#needs.path.fail(this.#call, new ServeError("invalid_request", message));
  }

  onNoRoom(): void {
    const message = "the bodies that are arriving hold the most bytes that this server takes; try again later";
    this.#needs.path.fail(this.#call, new ServeError("overloaded", message));
  }

  onBroken(error: ServeError): void {
    this.#needs.path.fail(this.#call, error);
  }

  onGone(): void {
    this.#needs.path.abandon(this.#call);
  }

  send({ body, contentType, headers }: Encoded): void {
    const exchange = this.#exchange;
    const { requestId, fallback, version, arm } = this.#call;
    const { replyHeaders } = version!;
    const own = headers.length === 0 ? replyHeaders : [...headers, ...replyHeaders];
    const echoed = exchange.requestIdHeader === requestId ? [...own, "x-request-id", requestId] : own;
    const said = fallback === undefined ? echoed : [...echoed, "x-plumb-fallback", fallback];
    const all = arm === undefined ? said : [...said, armHeader, arm.shown];
    this.#needs.coder.send(exchange, contentType, body, all);
  }

  refuse(error: ServeError): void {
    const { protocol, requestId, modelName } = this.#call;
    sendError(this.#exchange, protocol, error, requestId, this.#needs.retryAfterS(error), modelName);
  }
}

function checkHeaders(exchange: Exchange, call: CallInput): ServeError | undefined {
  const { timeoutHeader, contentEncoding } = exchange;
  if (timeoutHeader !== "") {
    const timeoutMs = Number(timeoutHeader);
    if (!/^\d{1,8}$/.test(timeoutHeader) || timeoutMs < 1 || timeoutMs > 86_400_000) {
      const got = JSON.stringify(timeoutHeader.slice(0, 32));
      return new ServeError("invalid_request", `x-timeout-ms: expected milliseconds from 1 to 86400000, got ${got}`);
    }
    call.callerTimeoutMs = timeoutMs;
  }
  if (codingOf(contentEncoding) === undefined) {
    const got = JSON.stringify(contentEncoding.slice(0, 32));
    return new ServeError(
      "unsupported_media_type",
      `content-encoding: expected none, or one of gzip and deflate, got ${got}`,
    );
  }
  return undefined;
}

/** Answers an error, in the words of a protocol; always with the request's id as a header too. */
export function sendError(
  exchange: Exchange,
  protocol: Protocol,
  error: ServeError,
  requestId: string,
  retryAfterS: number,
  modelName?: string,
): void {
  const { status, contentType, body, headers } = protocol.refuse(error, requestId, modelName);
  const all = [...headers, "x-request-id", requestId];
  if (error.retry) all.push("retry-after", String(retryAfterS));
  if (error.allow !== undefined) all.push("allow", error.allow);
  exchange.send(status, contentType, body, all);
}
