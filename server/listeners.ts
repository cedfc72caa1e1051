/**
 * The public and the admin listener, on one member of HTTP; and what is answered where a request fails before, or
 * beside, the path of a call.
 */

import type { Pause } from "../bundle/index.js";
import { listed, type SizedConfig } from "./config.js";
import type { ServeError } from "./errors.js";
import type { AccessLog } from "./observe/access-log.js";
import type { Logs } from "./observe/logs.js";
import type { PredictPath } from "./path/predict.js";
import { productVersion } from "./product-version.js";
import { errorLimit, limitErrors } from "./protocol/limit-errors.js";
import { describeModelComparison } from "./release/comparison-figures.js";
import type { Release } from "./release/release.js";
import { jitteredSeconds } from "./retry-after.js";
import { reachableHost } from "./transport/address.js";
import { type AdminNeeds, createAdminRouter } from "./transport/admin-routes.js";
import { guarded } from "./transport/admin-token.js";
import { ContentCoder } from "./transport/content-coding.js";
import { Cors, corsHeaders } from "./transport/cors.js";
import { createFailureAnswer } from "./transport/failure.js";
import type { GrpcListener } from "./transport/grpc/listener.js";
import type { Health } from "./transport/health.js";
import type { ForeignProtocol } from "./transport/http/foreign-protocol.js";
import { loadHttp } from "./transport/http/load.js";
import type {
  HttpListener,
  HttpMember,
  HttpTransport,
  ListenerOptions,
  SharedPort,
} from "./transport/http/transport.js";
import { type CallNeeds, sendError } from "./transport/http-call.js";
import { OpenApi } from "./transport/openapi/openapi.js";
import { adminReceivingBytesMax } from "./transport/read-json.js";
import { acceptRequestId } from "./transport/request-id.js";
import { createPublicRouter, type PublicNeeds, plainProtocol, publicRoutesOf } from "./transport/routes.js";
import { IndexAnswers } from "./transport/server-index.js";
import { type OrderNeeds, performOrder } from "./transport/store-orders.js";
import type { Registry } from "./versions/registry.js";

export interface ListenerNeeds {
  readonly path: PredictPath;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  readonly registry: Registry;
  readonly health: Health;
  readonly statistics: PublicNeeds["statistics"];
  readonly nextRequestId: () => string;
  readonly control: OrderNeeds["control"];
  readonly scrape: AdminNeeds["scrape"];
  readonly release: Pick<Release, "store" | "table" | "compare" | "plans" | "experiment" | "experiments">;
  /** Keeps what is written of many models in short turns. */
  readonly pause: Pause;
  /** Of the public listener: of no call, so no observer sees it. */
  readonly countRefusal: (code: ServeError["code"]) => void;
  readonly logs: Pick<Logs, "event">;
  readonly accessLog: Pick<AccessLog, "onRefusal">;
  /** Ports that other processes serve too. Then there is no admin listener: it is in another process. */
  readonly shared: SharedPorts | undefined;
}

export interface SharedPorts {
  readonly http: SharedPort;
  readonly grpc: SharedPort;
}

export interface Listeners {
  readonly member: HttpMember;
  readonly public: HttpListener;
  readonly admin: HttpListener | undefined;
  /** Undefined where it isn't switched on; then nothing of it is loaded. */
  readonly grpc: GrpcListener | undefined;
}

/** One line in so long about connections that speak another protocol: a balancer's checks may come each second. */
const foreignEveryMs = 60_000;

/** @throws Error with a sentence when an address can't be listened on; then neither listens. */
export async function openListeners(config: SizedConfig, needs: ListenerNeeds): Promise<Listeners> {
  const { host, httpPort, bytesMax } = config;
  const { path, now, registry, health, nextRequestId, pause, countRefusal, logs, accessLog, shared, release } = needs;
  const { transport, notice } = await loadHttp(config.http);
  if (notice !== undefined) logs.event(notice.level, notice.message);
  let opened: HttpListener | undefined;
  const baseUrl = () => `http://${reachableHost(host)}:${opened!.port}`;
  const routes = publicRoutesOf(config);
  const publicNeeds: PublicNeeds & CallNeeds = {
    path,
    now,
    registry,
    statistics: needs.statistics,
    nextRequestId,
    coder: new ContentCoder(bytesMax),
    retryAfterS: (error) => jitteredSeconds(Math.random(), error.retryAfterMs),
    health,
    perform: (order) => performOrder(needs, order),
    repositoryControl: config.repositoryControl,
    feedback: (json) => release.experiments.feedback(json),
    index: new IndexAnswers(registry, health.isReady, productVersion(), baseUrl, routes),
    openApi: new OpenApi(
      { routes, protocolAt: (path) => protocolAt(path), version: productVersion() },
      registry,
      pause,
    ),
    onAnswerError: (exchange, error) => answerFailure(exchange, "internal", "an answer could not be made", error),
  };
  const publicRouter = createPublicRouter(publicNeeds, routes);
  const origins = listed(config.corsOrigins);
  const cors = origins.length === 0 ? undefined : new Cors(origins);
  const plain = limitErrors(plainProtocol, config.errors);
  const protocolAt = (path: string) => publicRouter.protocolAt(path) ?? plain;
  const answerFailure = createFailureAnswer(logs, accessLog, nextRequestId, protocolAt);
  const headers = new Set([...(publicRouter.headers ?? []), ...(cors === undefined ? [] : corsHeaders)]);
  release.table.watchHeaders((name) => headers.add(name));
  const publicListener = await transport.listen({
    name: "http",
    host,
    port: httpPort,
    shared: shared?.http,
    receivingBytesMax: bytesMax,
    headers,
    handle:
      cors === undefined
        ? (exchange) => publicRouter.handle(exchange)
        : (exchange) => {
            if (!cors.answers(exchange)) publicRouter.handle(exchange);
          },
    onFailure: (exchange, failure, detail, cause) => countRefusal(answerFailure(exchange, failure, detail, cause).code),
    onForeignProtocol: logForeign("http", now, logs),
  });
  opened = publicListener;
  let admin: HttpListener | undefined;
  try {
    if (shared === undefined) admin = await openAdminListener(transport, config, needs, answerFailure);
    const grpc = config.grpcPort === undefined ? undefined : await openGrpcListener(config.grpcPort, config, needs);
    return { member: transport.name, public: publicListener, admin, grpc };
  } catch (error) {
    await admin?.close(0, 0);
    await publicListener.close(0, 0);
    throw error;
  }
}

async function openAdminListener(
  transport: HttpTransport,
  { adminHost, adminPort, adminTokenFile }: SizedConfig,
  needs: ListenerNeeds,
  onFailure: ListenerOptions["onFailure"],
): Promise<HttpListener> {
  const { registry, health, scrape, now, logs, release, nextRequestId } = needs;
  const router = createAdminRouter({
    registry,
    health,
    perform: (order) => performOrder(needs, order),
    onAnswerError: (exchange, error) => onFailure(exchange, "internal", "an answer could not be made", error),
    scrape,
    routeStore: release.store,
    plans: release.plans,
    compare: (modelName) => describeModelComparison(release.compare(modelName)),
    experiment: (modelName) => release.experiment(modelName),
    refuse: (exchange, error) => {
      if (error.code === "internal") logs.event("error", error.message, { cause: causeOf(error) });
      sendError(exchange, plainProtocol, error, acceptRequestId(exchange.requestIdHeader) ?? nextRequestId(), 1);
    },
    onScrapeError: (exchange, error) => onFailure(exchange, "internal", "the scrape failed", error),
  });
  return await transport.listen({
    name: "admin",
    host: adminHost,
    port: adminPort,
    receivingBytesMax: adminReceivingBytesMax,
    ...guarded(adminTokenFile, router),
    onFailure,
    onForeignProtocol: logForeign("admin", now, logs),
  });
}

async function openGrpcListener(port: number, config: SizedConfig, needs: ListenerNeeds): Promise<GrpcListener> {
  const { host, bytesMax, grpcBytesMax, grpcStreamsMax, grpcConnectionAgeMs, repositoryControl } = config;
  const { openGrpc } = await import("./transport/grpc/services.js");
  return await openGrpc({
    ...needs,
    repositoryControl,
    host,
    port,
    socket: needs.shared?.grpc.socket,
    messageBytesMax: grpcBytesMax,
    receivingBytesMax: bytesMax,
    streamsMax: grpcStreamsMax,
    connectionAgeMs: grpcConnectionAgeMs,
    random: Math.random,
    shown: errorLimit(config.errors),
    limited: (protocol) => limitErrors(protocol, config.errors),
    retryAfterMs: ({ retryAfterMs }) => 1000 * jitteredSeconds(Math.random(), retryAfterMs),
    onRefusal: (error, requestId, address) => {
      needs.countRefusal(error.code);
      if (error.code !== "internal") needs.accessLog.onRefusal({ requestId, error, method: "gRPC", address });
      else needs.logs.event("error", error.message, { request_id: requestId, address, cause: causeOf(error) });
    },
  });
}

function causeOf({ cause }: ServeError): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
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
