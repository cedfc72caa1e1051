/** The public and the admin listener, on one member of HTTP; and what is answered where a request fails before, or beside, the path of a call. */

import type { Config } from "./config.js";
import { ServeError } from "./errors.js";
import type { PredictPath } from "./predict.js";
import { jitteredSeconds } from "./retry-after.js";
import { type AdminRoutes, createAdminHandler } from "./transport/admin.js";
import type { Health } from "./transport/health.js";
import type { ForeignProtocol } from "./transport/http/foreign-protocol.js";
import { loadHttp } from "./transport/http/load.js";
import type { Exchange, HttpListener, HttpMember } from "./transport/http/transport.js";
import { createPublicHandler, sendError } from "./transport/public.js";
import { acceptRequestId } from "./transport/request-id.js";
import type { Registry } from "./versions/registry.js";

export interface ListenerNeeds {
  readonly path: PredictPath;
  readonly registry: Registry;
  readonly health: Health;
  readonly nextRequestId: () => string;
  readonly scrape: AdminRoutes["scrape"];
  /** Of the public listener: of no call, so no observer sees it. */
  readonly countRefusal: (code: ServeError["code"]) => void;
  readonly log: (level: "info" | "warn" | "error", message: string, fields?: Record<string, unknown>) => void;
}

export interface Listeners {
  readonly member: HttpMember;
  readonly public: HttpListener;
  readonly admin: HttpListener;
}

/** One line in so long about connections that speak another protocol: a balancer's checks may come each second. */
const foreignEveryMs = 60_000;

/** @throws Error with a sentence when an address can't be listened on; then neither listens. */
export async function openListeners(config: Config, needs: ListenerNeeds): Promise<Listeners> {
  const { host, httpPort, adminHost, adminPort, bytesMax } = config;
  const { path, registry, health, nextRequestId, scrape, countRefusal, log } = needs;
  const { transport, notice } = await loadHttp(config.http);
  if (notice !== undefined) log(notice.level, notice.message);
  const answerFailure = (exchange: Exchange, failure: string, detail: string, cause: unknown) =>
    answerOutsideCall(exchange, toServeError(failure, detail, cause), detail, cause, needs);
  const publicListener = await transport.listen({
    name: "http",
    host,
    port: httpPort,
    receivingBytesMax: bytesMax,
    handle: createPublicHandler({
      path,
      registry,
      nextRequestId,
      retryAfterS: (error) => jitteredSeconds(Math.random(), error.retryAfterMs),
      health,
    }),
    onFailure: (exchange, failure, detail, cause) => countRefusal(answerFailure(exchange, failure, detail, cause).code),
    onForeignProtocol: logForeign("http", path.now, log),
  });
  try {
    const admin = await transport.listen({
      name: "admin",
      host: adminHost,
      port: adminPort,
      receivingBytesMax: 0,
      handle: createAdminHandler({
        registry,
        health,
        scrape,
        onScrapeError: (exchange, error) => answerFailure(exchange, "internal", "the scrape failed", error),
      }),
      onFailure: answerFailure,
      onForeignProtocol: logForeign("admin", path.now, log),
    });
    return { member: transport.name, public: publicListener, admin };
  } catch (error) {
    await publicListener.close(0, 0);
    throw error;
  }
}

function toServeError(failure: string, detail: string, cause: unknown): ServeError {
  if (cause instanceof ServeError) return cause;
  return failure === "bad_framing"
    ? new ServeError("invalid_request", `the request's framing is ambiguous: ${detail}`)
    : ServeError.from(cause);
}

function answerOutsideCall(exchange: Exchange, error: ServeError, detail: string, cause: unknown, needs: ListenerNeeds): ServeError {
  const requestId = acceptRequestId(exchange.requestIdHeader) ?? needs.nextRequestId();
  if (error.code === "internal") {
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    needs.log("error", detail, { request_id: requestId, address: exchange.path.slice(0, 200), cause: text });
  }
  sendError(exchange, error, requestId, 1);
  return error;
}

function logForeign(name: string, now: () => number, log: ListenerNeeds["log"]): (protocol: ForeignProtocol) => void {
  const seen = new Map<ForeignProtocol, { saidMs: number; unsaid: number }>();
  return (protocol) => {
    const { saidMs, unsaid } = seen.get(protocol) ?? { saidMs: Number.NEGATIVE_INFINITY, unsaid: 0 };
    const nowMs = now();
    if (nowMs - saidMs < foreignEveryMs) {
      seen.set(protocol, { saidMs, unsaid: unsaid + 1 });
      return;
    }
    const what = `${protocol} came to the ${name} listener, which speaks HTTP/1.1 without TLS: the connection was closed`;
    log("warn", `${what}; let a proxy end TLS and HTTP/2, or call it by http://`, { connections: unsaid + 1 });
    seen.set(protocol, { saidMs: nowMs, unsaid: 0 });
  };
}
