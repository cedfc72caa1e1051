/** The public listener's addresses: predictions, what models there are, health. */

import { encodeError } from "../codec/json.js";
import { refuseMethod, ServeError } from "../errors.js";
import { Call, type CallInput, type Reply } from "../path/call.js";
import type { PredictPath } from "../path/predict.js";
import type { Registry } from "../versions/registry.js";
import { prefersHtml } from "./accept.js";
import { checkLength, decodeName, shownAddress, versionOf } from "./address.js";
import { describeModel, describeModels } from "./describe.js";
import { answerHealth, type Health } from "./health.js";
import type { BodyReceiver } from "./http/body-receiver.js";
import { bytesPerChunkMin, freeChunksMax } from "./http/read-budget.js";
import type { Exchange } from "./http/transport.js";
import { indexPageHeaders } from "./index-page.js";
import { acceptRequestId, acceptTraceparent, boundTracestate } from "./request-id.js";
import type { IndexAnswers } from "./server-index.js";

export interface PublicRoutes {
  readonly path: PredictPath;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  readonly registry: Registry;
  readonly nextRequestId: () => string;
  /** Retry-After of an answer that says so, seconds; jittered. */
  readonly retryAfterS: (error: ServeError) => number;
  readonly health: Health;
  /** What `GET /` says. */
  readonly index: IndexAnswers;
}

const json = "application/json";
const noHeaders: readonly string[] = Object.freeze([]);

/**
 * Where a prediction is asked for: undefined stands for the default model and for the version that the routes choose.
 */
interface PredictAddress {
  readonly modelName: string | undefined;
  readonly versionName: string | undefined;
}

/** As many addresses are kept parsed: more than a server has models and versions. */
const addressesMax = 1000;

/** @returns The handler of the public listener. */
export function createPublicHandler(routes: PublicRoutes): (exchange: Exchange) => void {
  const addresses = new Map<string, PredictAddress>();
  return (exchange) => {
    const { path, method } = exchange;
    let address = addresses.get(path);
    if (address === undefined) {
      checkLength(path);
      address = parsePredictAddress(path);
      if (address !== undefined) {
        // Whoever makes up addresses only makes this map start anew.
        if (addresses.size >= addressesMax) addresses.clear();
        addresses.set(path, address);
      }
    }
    if (address !== undefined) {
      if (method === "POST") new HttpCall(exchange, routes, address).receive();
      else throw refuseMethod(method, "POST");
      return;
    }
    if (path === "/models") return get(exchange, () => describeModels(routes.registry));
    const model = /^\/models\/([^/]+)$/.exec(path)?.[1];
    if (model !== undefined) return get(exchange, () => describeModel(routes.registry, decodeName(model)));
    if (answerHealth(exchange, routes.health)) return;
    if (path === "/") return answerIndex(exchange, routes.index);
    const asked = `${method.slice(0, 20)} ${JSON.stringify(shownAddress(path))}`;
    throw new ServeError("route_not_found", `nothing is served at ${asked}: GET / names the addresses`);
  };
}

/** `/predict`, `/models/{m}/predict`, `/models/{m}/versions/{v}/predict`; undefined for anything else. */
function parsePredictAddress(path: string): PredictAddress | undefined {
  if (path === "/predict") return { modelName: undefined, versionName: undefined };
  const found = /^\/models\/([^/]+)(?:\/versions\/([^/]+))?\/predict$/.exec(path);
  if (found === null) return undefined;
  const [, model, version] = found;
  return { modelName: decodeName(model!), versionName: version === undefined ? undefined : decodeName(version) };
}

function get(exchange: Exchange, describe: () => object): void {
  expectGet(exchange);
  exchange.send(200, json, `${JSON.stringify(describe())}\n`);
}

function expectGet({ method }: Exchange): void {
  if (method !== "GET" && method !== "HEAD") throw refuseMethod(method, "GET, HEAD");
}

function answerIndex(exchange: Exchange, index: IndexAnswers): void {
  expectGet(exchange);
  const headers = ["vary", "accept", "cache-control", "no-store"];
  if (prefersHtml(exchange.accept))
    exchange.send(200, "text/html; charset=utf-8", index.html(), [...headers, ...indexPageHeaders()]);
  else exchange.send(200, json, index.json(), headers);
}

/**
 * A prediction over HTTP: receives the body, puts the call on its path, and takes the answer back. One object for all
 * three.
 */
class HttpCall implements Reply, BodyReceiver {
  readonly #exchange: Exchange;
  readonly #routes: PublicRoutes;
  readonly #call: Call;
  /** Why the headers are refused, whatever the body is. */
  readonly #refusal: ServeError | undefined;

  constructor(exchange: Exchange, routes: PublicRoutes, { modelName, versionName }: PredictAddress) {
    this.#exchange = exchange;
    this.#routes = routes;
    const traceparent = acceptTraceparent(exchange.traceparentHeader);
    const version = exchange.query === "" ? versionName : versionOf(exchange.query, versionName);
    this.#call = new Call(this, routes.now(), modelName, version, exchange.contentType, traceparent);
    if (traceparent !== "") this.#call.tracestate = boundTracestate(exchange.tracestateHeader);
    this.#call.requestId = acceptRequestId(exchange.requestIdHeader) ?? routes.nextRequestId();
    this.#refusal = checkHeaders(exchange, this.#call);
  }

  receive(): void {
    const { path } = this.#routes;
    if (this.#refusal !== undefined) {
      path.fail(this.#call, this.#refusal);
      return;
    }
    const bytesMax = path.announce(this.#call, this.#exchange.contentLength);
    if (bytesMax !== undefined) this.#exchange.readBody(bytesMax, this);
  }

  onBody(body: Buffer, lasts: boolean): void {
    this.#call.body = body;
    this.#call.bodyLasts = lasts;
    this.#call.bodyBytes = body.length;
    this.#routes.path.predict(this.#call);
  }

  onTooLarge(gotBytes: number, bytesMax: number): void {
    const message = `the body: expected at most ${bytesMax} bytes, got ${gotBytes} or more`;
    this.#routes.path.fail(this.#call, new ServeError("body_too_large", message));
  }

  onTooManyChunks(chunkCount: number, gotBytes: number): void {
    const expected = `expected at most ${freeChunksMax} chunks and one for each ${bytesPerChunkMin} bytes`;
    const message = `the body: ${expected}, got ${chunkCount} chunks of ${gotBytes} bytes in all; send larger chunks, or Content-Length`;
    this.#routes.path.fail(this.#call, new ServeError("invalid_request", message));
  }

  onNoRoom(): void {
    const message = "the bodies that are arriving hold the most bytes that this server takes; try again later";
    this.#routes.path.fail(this.#call, new ServeError("overloaded", message));
  }

  onBroken(error: ServeError): void {
    this.#routes.path.fail(this.#call, error);
  }

  onGone(): void {
    this.#routes.path.abandon(this.#call);
  }

  send(body: string | Uint8Array): void {
    const exchange = this.#exchange;
    const { requestId, fallback } = this.#call;
    const echo = exchange.requestIdHeader === requestId ? ["x-request-id", requestId] : noHeaders;
    exchange.send(200, json, body, fallback === undefined ? echo : [...echo, "x-plumb-fallback", fallback]);
  }

  refuse(error: ServeError): void {
    sendError(this.#exchange, error, this.#call.requestId, this.#routes.retryAfterS(error));
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
  if (contentEncoding !== "" && contentEncoding.toLowerCase() !== "identity") {
    return new ServeError(
      "unsupported_media_type",
      `content-encoding: expected none, got ${JSON.stringify(contentEncoding.slice(0, 32))}`,
    );
  }
  return undefined;
}

/** Answers an error on the public or admin listener; always with the request's id as a header too. */
export function sendError(exchange: Exchange, error: ServeError, requestId: string, retryAfterS: number): void {
  const headers = ["x-request-id", requestId];
  if (error.retry) headers.push("retry-after", String(retryAfterS));
  if (error.allow !== undefined) headers.push("allow", error.allow);
  exchange.send(error.status, json, encodeError(error, requestId), headers);
}
