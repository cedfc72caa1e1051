/** The public listener's addresses: predictions, what models there are, health. */

import { Call, type Reply } from "../call.js";
import { encodeError } from "../codec/json.js";
import { ServeError } from "../errors.js";
import { abandon, fail, type PredictPath, predict } from "../predict.js";
import type { Registry } from "../versions/registry.js";
import { describeModel, describeModels } from "./describe.js";
import { answerHealth } from "./health.js";
import type { Exchange } from "./http.js";
import { acceptRequestId, acceptTraceparent } from "./request-id.js";

export interface PublicRoutes {
  readonly path: PredictPath;
  readonly registry: Registry;
  readonly nextRequestId: () => string;
  /** Retry-After of answers that say so, seconds; jittered by the caller of time and chance. */
  readonly retryAfterS: () => number;
  readonly isReady: () => boolean;
}

const json = "application/json";

/** @returns The handler of the public listener. */
export function createPublicHandler(routes: PublicRoutes): (exchange: Exchange) => void {
  return (exchange) => {
    const { path, method } = exchange;
    // The address that nearly every request has goes first.
    if (path === "/predict") return post(exchange, routes, () => receive(exchange, routes, undefined, undefined));
    if (path.startsWith("/models/")) {
      const parts = path
        .slice("/models/".length)
        .split("/")
        .map((part) => decodePart(part));
      const [model, second, version, fourth] = parts;
      if (parts.length === 2 && second === "predict") return post(exchange, routes, () => receive(exchange, routes, model, undefined));
      if (parts.length === 4 && second === "versions" && fourth === "predict")
        return post(exchange, routes, () => receive(exchange, routes, model, version));
      if (parts.length === 1 && model !== "") return get(exchange, routes, () => describeModel(routes.registry, model!));
    }
    if (path === "/models") return get(exchange, routes, () => describeModels(routes.registry));
    if (answerHealth(exchange, routes.isReady)) return;
    throw new ServeError(
      "route_not_found",
      `nothing is served at ${method} ${JSON.stringify(path.slice(0, 200))}: see GET /models, POST /predict`,
    );
  };
}

function post(exchange: Exchange, routes: PublicRoutes, receiveBody: () => void): void {
  if (exchange.method === "POST") receiveBody();
  else refuseMethod(exchange, routes, "POST");
}

function get(exchange: Exchange, routes: PublicRoutes, describe: () => object): void {
  if (exchange.method === "GET" || exchange.method === "HEAD") exchange.send(200, json, `${JSON.stringify(describe())}\n`);
  else refuseMethod(exchange, routes, "GET, HEAD");
}

function refuseMethod(exchange: Exchange, routes: PublicRoutes, allowed: string): void {
  const error = new ServeError("method_not_allowed", `${exchange.method.slice(0, 20)} isn't served here: expected ${allowed}`);
  sendError(exchange, error, requestIdOf(exchange, routes), ["allow", allowed], 0);
}

function decodePart(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ServeError("invalid_request", `the address isn't percent-encoded UTF-8: ${JSON.stringify(part.slice(0, 64))}`);
  }
}

function requestIdOf(exchange: Exchange, routes: PublicRoutes): string {
  return acceptRequestId(exchange.requestIdHeader) ?? routes.nextRequestId();
}

/** Reads a prediction's body and puts the call on its path. */
function receive(exchange: Exchange, routes: PublicRoutes, modelName: string | undefined, versionName: string | undefined): void {
  const { path } = routes;
  const arrivedMs = path.now();
  const call = new Call(
    new HttpReply(exchange, routes),
    arrivedMs,
    modelName,
    versionName,
    exchange.contentType,
    acceptTraceparent(exchange.traceparentHeader),
  );
  call.requestId = requestIdOf(exchange, routes);
  exchange.onGone = () => abandon(path, call);
  const refusal = checkHeaders(exchange, call);
  const { bodyBytesMax } = path.routes.limits(modelName, versionName);
  exchange.readBody(
    bodyBytesMax,
    (body) => {
      if (refusal !== undefined) return fail(path, call, refusal);
      call.body = body;
      call.bodyBytes = body.length;
      predict(path, call);
    },
    (gotBytes) =>
      fail(path, call, new ServeError("body_too_large", `the body: expected at most ${bodyBytesMax} bytes, got ${gotBytes} or more`)),
  );
}

/** What is wrong with the headers is answered once the body was read: a client that still writes wouldn't hear it. */
function checkHeaders(exchange: Exchange, call: Call): ServeError | undefined {
  const { timeoutHeader, contentEncoding } = exchange;
  if (timeoutHeader !== "") {
    const timeoutMs = Number(timeoutHeader);
    if (!/^\d{1,8}$/.test(timeoutHeader) || timeoutMs < 1 || timeoutMs > 86_400_000) {
      return new ServeError(
        "invalid_request",
        `x-timeout-ms: expected milliseconds from 1 to 86400000, got ${JSON.stringify(timeoutHeader.slice(0, 32))}`,
      );
    }
    call.callerTimeoutMs = timeoutMs;
  }
  if (contentEncoding !== "" && contentEncoding !== "identity") {
    return new ServeError("unsupported_media_type", `content-encoding: expected none, got ${JSON.stringify(contentEncoding.slice(0, 32))}`);
  }
  return undefined;
}

class HttpReply implements Reply {
  readonly #exchange: Exchange;
  readonly #routes: PublicRoutes;

  constructor(exchange: Exchange, routes: PublicRoutes) {
    this.#exchange = exchange;
    this.#routes = routes;
  }

  send(status: number, body: string, error: ServeError | undefined, requestId: string): void {
    const exchange = this.#exchange;
    const echoed = exchange.requestIdHeader === requestId ? ["x-request-id", requestId] : noHeaders;
    if (error === undefined) exchange.send(status, json, body, echoed);
    else sendError(exchange, error, requestId, noHeaders, this.#routes.retryAfterS());
  }
}

const noHeaders: readonly string[] = Object.freeze([]);

/** Answers an error on the public or admin listener; always with the request's id as a header too. */
export function sendError(exchange: Exchange, error: ServeError, requestId: string, headers: readonly string[], retryAfterS: number): void {
  const retry = error.retry ? ["retry-after", String(retryAfterS)] : noHeaders;
  exchange.send(error.status, json, encodeError(error, requestId), ["x-request-id", requestId, ...retry, ...headers]);
}
