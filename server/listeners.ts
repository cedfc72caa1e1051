/**
 * The public and the admin listener, on one member of HTTP; and what is answered where a request fails before, or
 * beside, the path of a call.
 */

import type { SizedConfig } from "./config.js";
import type { ServeError } from "./errors.js";
import type { AccessLog } from "./observe/access-log.js";
import type { Logs } from "./observe/logs.js";
import type { PredictPath } from "./path/predict.js";
import { productVersion } from "./product-version.js";
import { jitteredSeconds } from "./retry-after.js";
import { reachableHost } from "./transport/address.js";
import { ContentCoder } from "./transport/content-coding.js";
import { createFailureAnswer } from "./transport/failure.js";
import type { Health } from "./transport/health.js";
import type { ForeignProtocol } from "./transport/http/foreign-protocol.js";
import { loadHttp } from "./transport/http/load.js";
import type { HttpListener, HttpMember } from "./transport/http/transport.js";
import { type AdminNeeds, createAdminRouter, createPublicRouter, plainProtocol } from "./transport/routes.js";
import { IndexAnswers } from "./transport/server-index.js";
import type { Registry } from "./versions/registry.js";

export interface ListenerNeeds {
  readonly path: PredictPath;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  readonly registry: Registry;
  readonly health: Health;
  readonly nextRequestId: () => string;
  readonly scrape: AdminNeeds["scrape"];
  /** Of the public listener: of no call, so no observer sees it. */
  readonly countRefusal: (code: ServeError["code"]) => void;
  readonly logs: Pick<Logs, "event">;
  readonly accessLog: Pick<AccessLog, "onRefusal">;
}

export interface Listeners {
  readonly member: HttpMember;
  readonly public: HttpListener;
  readonly admin: HttpListener;
}

/** One line in so long about connections that speak another protocol: a balancer's checks may come each second. */
const foreignEveryMs = 60_000;

/** @throws Error with a sentence when an address can't be listened on; then neither listens. */
export async function openListeners(config: SizedConfig, needs: ListenerNeeds): Promise<Listeners> {
  const { host, httpPort, adminHost, adminPort, bytesMax } = config;
  const { path, now, registry, health, nextRequestId, scrape, countRefusal, logs, accessLog } = needs;
  const { transport, notice } = await loadHttp(config.http);
  if (notice !== undefined) logs.event(notice.level, notice.message);
  let opened: HttpListener | undefined;
  const baseUrl = () => `http://${reachableHost(host)}:${opened!.port}`;
  const publicRouter = createPublicRouter({
    path,
    now,
    registry,
    nextRequestId,
    coder: new ContentCoder(bytesMax),
    retryAfterS: (error) => jitteredSeconds(Math.random(), error.retryAfterMs),
    health,
    index: new IndexAnswers(registry, health.isReady, productVersion(), baseUrl),
  });
  const protocolAt = (path: string) => publicRouter.protocolAt(path) ?? plainProtocol;
  const answerFailure = createFailureAnswer(logs, accessLog, nextRequestId, protocolAt);
  const adminRouter = createAdminRouter({
    registry,
    health,
    scrape,
    onScrapeError: (exchange, error) => answerFailure(exchange, "internal", "the scrape failed", error),
  });
  const publicListener = await transport.listen({
    name: "http",
    host,
    port: httpPort,
    receivingBytesMax: bytesMax,
    headers: publicRouter.headers,
    handle: (exchange) => publicRouter.handle(exchange),
    onFailure: (exchange, failure, detail, cause) => countRefusal(answerFailure(exchange, failure, detail, cause).code),
    onForeignProtocol: logForeign("http", now, logs),
  });
  opened = publicListener;
  try {
    const admin = await transport.listen({
      name: "admin",
      host: adminHost,
      port: adminPort,
      receivingBytesMax: 0,
      handle: (exchange) => adminRouter.handle(exchange),
      onFailure: answerFailure,
      onForeignProtocol: logForeign("admin", now, logs),
    });
    return { member: transport.name, public: publicListener, admin };
  } catch (error) {
    await publicListener.close(0, 0);
    throw error;
  }
}

function logForeign(name: string, now: () => number, logs: ListenerNeeds["logs"]): (protocol: ForeignProtocol) => void {
  const seen = new Map<ForeignProtocol, { saidMs: number; unsaid: number }>();
  return (protocol) => {
    const { saidMs, unsaid } = seen.get(protocol) ?? { saidMs: Number.NEGATIVE_INFINITY, unsaid: 0 };
    const nowMs = now();
    if (nowMs - saidMs < foreignEveryMs) {
      seen.set(protocol, { saidMs, unsaid: unsaid + 1 });
      return;
    }
    const what = `${protocol} came to the ${name} listener, which speaks HTTP/1.1 without TLS: the connection was closed`;
    logs.event("warn", `${what}; let a proxy end TLS and HTTP/2, or call it by http://`, { connections: unsaid + 1 });
    seen.set(protocol, { saidMs: nowMs, unsaid: 0 });
  };
}
