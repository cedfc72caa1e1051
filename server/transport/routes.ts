/**
 * What is served where, on either listener: all that is known of addresses. `GET /`, 404, 405 and a page of the docs
 * follow from it. A further protocol is a folder of its own, and lines here.
 */

import { promisify } from "node:util";
import { productVersion } from "../product-version.js";
import { kserveV1 } from "../protocol/kserve-v1/protocol.js";
import { type ErrorDetail, limitErrors } from "../protocol/limit-errors.js";
import { namesInBody, openInferenceConnect } from "../protocol/open-inference/connect.js";
import { modelConfiguration, modelMetadata, serverMetadata } from "../protocol/open-inference/metadata.js";
import { openInference } from "../protocol/open-inference/protocol.js";
import { predictJson } from "../protocol/predict-json/protocol.js";
import type { Protocol } from "../protocol/protocol.js";
import { protoText } from "../protocol/typed-proto/proto-text.js";
import { typedProto } from "../protocol/typed-proto/protocol.js";
import { modelOfPackage, serviceAddress } from "../protocol/typed-proto/service-name.js";
import type { Registry } from "../versions/registry.js";
import type { Servable } from "../versions/servable.js";
import { prefersHtml, takesGzip } from "./accept.js";
import { decodeName, versionOf } from "./address.js";
import { BodyNamedCall } from "./body-named-call.js";
import { answerConnect, type ConnectAnswerNeeds } from "./connect-answer.js";
import { describeModel, describeModels } from "./describe.js";
import { docsPage } from "./docs-page.js";
import { answerLive, answerReady, answersReady, type Health } from "./health.js";
import type { Exchange } from "./http/transport.js";
import { type CallNeeds, HttpCall } from "./http-call.js";
import { indexPageHeaders } from "./index-page.js";
import { inferenceServiceName } from "./inference-methods.js";
import { ifNoneMatch, type KeptText, keptReply, sendKept } from "./kept-text.js";
import { answersJson, htmlType } from "./openapi/answer-description.js";
import { otherServersRoutes } from "./other-servers-routes.js";
import { type AddressNames, type Route, Router } from "./router.js";

interface CommonNeeds {
  readonly registry: Registry;
  readonly health: Health;
}

export interface PublicNeeds extends CommonNeeds, ConnectAnswerNeeds {
  /** What `GET /` says. */
  readonly index: { html(): string; json(): string };
  readonly openApi: { text(): Promise<KeptText> };
}

export interface AdminNeeds extends CommonNeeds {
  /** The text of a scrape, and its content type. */
  readonly scrape: () => Promise<{ contentType: string; body: Uint8Array }>;
  readonly onScrapeError: (exchange: Exchange, error: unknown) => void;
}

const json = "application/json";

/** Errors at an address of no protocol have its form. */
export const plainProtocol: Protocol = predictJson;

const answersTensors = answersJson("its tensors", "InferModel", "model_not_found", "not_ready");
const protoContentType = "text/plain; charset=utf-8";
const answersConfiguration = answersJson("the configuration", { type: "object" }, "model_not_found", "not_ready");
const answersModelReady = answersJson("it is", "InferReady", "model_not_found", "not_ready");

const everywhere: readonly Route<CommonNeeds>[] = [
  {
    verb: "GET",
    address: "/models",
    what: "the models, and the state of each version",
    reply: answersJson("the models", "ModelList"),
    answer: (exchange, { registry }) => sendJson(exchange, describeModels(registry)),
  },
  {
    verb: "GET",
    address: "/models/{model}",
    what: "one model: its schema, and of each version what was proved, its limits and problems",
    reply: answersJson("the model", "Model", "model_not_found"),
    answer: (exchange, { registry }, { model }) => sendJson(exchange, describeModel(registry, decodeName(model!))),
  },
  {
    verb: "GET",
    address: "/health/live",
    what: "whether the process answers",
    reply: answersJson("it does", "Live"),
    answer: answerLive,
  },
  {
    verb: "GET",
    address: "/health/ready",
    what: "whether every model is ready",
    reply: answersReady,
    answer: (exchange, { health }) => answerReady(exchange, health),
  },
];

/** What clients of the Open Inference Protocol ask beside predictions. */
const openInferenceAnswers: readonly Route<PublicNeeds>[] = [
  {
    verb: "GET",
    address: "/v2",
    what: "the server's name, and what it can of the Open Inference Protocol",
    protocol: openInference,
    reply: answersJson("the server", "InferServer"),
    answer: (exchange) => sendJson(exchange, serverMetadata(productVersion())),
  },
  {
    verb: "GET",
    address: "/v2/health/live",
    what: "whether the process answers",
    protocol: openInference,
    reply: answersJson("it does", "Live"),
    answer: answerLive,
  },
  {
    verb: "GET",
    address: "/v2/health/ready",
    what: "whether every model is ready",
    protocol: openInference,
    reply: answersReady,
    answer: (exchange, { health }) => answerReady(exchange, health),
  },
  {
    verb: "GET",
    address: "/v2/models/{model}",
    what: "the model's tensors",
    protocol: openInference,
    reply: answersTensors,
    answer: answerModel,
  },
  {
    verb: "GET",
    address: "/v2/models/{model}/versions/{version}",
    what: "the tensors of this version",
    protocol: openInference,
    reply: answersTensors,
    answer: answerModel,
  },
  {
    verb: "GET",
    address: "/v2/models/{model}/ready",
    what: "whether the model is ready",
    protocol: openInference,
    reply: answersModelReady,
    answer: answerModelReady,
  },
  {
    verb: "GET",
    address: "/v2/models/{model}/versions/{version}/ready",
    what: "whether this version is ready",
    protocol: openInference,
    reply: answersModelReady,
    answer: answerModelReady,
  },
  {
    verb: "GET",
    address: "/v2/models/{model}/config",
    what: "the model's configuration, as Triton's clients read it",
    protocol: openInference,
    reply: answersConfiguration,
    answer: answerModelConfiguration,
  },
  {
    verb: "GET",
    address: "/v2/models/{model}/versions/{version}/config",
    what: "the configuration of this version",
    protocol: openInference,
    reply: answersConfiguration,
    answer: answerModelConfiguration,
  },
];

export const publicRoutes: readonly Route<PublicNeeds>[] = [
  {
    verb: "GET",
    address: "/",
    what: "what is served and how to call it: a page for people, JSON for programs",
    reply: answersJson("JSON, or HTML where that is asked for", "Server"),
    answer: answerIndex,
  },
  {
    verb: "GET",
    address: "/docs",
    what: "a page with every address and model, and a form that asks for a prediction",
    reply: keptReply("the page", htmlType, { type: "string" }),
    headers: ifNoneMatch,
    answer: answerDocs,
  },
  {
    verb: "GET",
    address: "/openapi.json",
    what: "every address, body and error, and the schema of each model, in OpenAPI 3.1",
    reply: keptReply("the document", json, { type: "object", required: ["openapi", "info", "paths"] }),
    headers: ifNoneMatch,
    answer: answerOpenApi,
  },
  { verb: "POST", address: "/predict", what: "a prediction of the default model", protocol: predictJson },
  {
    verb: "POST",
    address: "/models/{model}/predict",
    what: "a prediction of the newest version that is ready",
    protocol: predictJson,
  },
  {
    verb: "POST",
    address: "/models/{model}/versions/{version}/predict",
    what: "a prediction of this version",
    protocol: predictJson,
  },
  {
    verb: "POST",
    address: "/v2/models/{model}/infer",
    what: "a prediction by the Open Inference Protocol",
    protocol: openInference,
  },
  {
    verb: "POST",
    address: "/v2/models/{model}/versions/{version}/infer",
    what: "a prediction of this version by the Open Inference Protocol",
    protocol: openInference,
  },
  {
    verb: "POST",
    address: serviceAddress,
    what: "a prediction by the model's typed proto, in Connect's unary form",
    protocol: typedProto,
    modelOf: (names) => modelOfPackage(names.package!),
  },
  {
    verb: "POST",
    address: `/${inferenceServiceName}/ModelInfer`,
    what: "a prediction by the inference service of gRPC, in Connect's unary form",
    protocol: openInferenceConnect,
    namesIn: namesInBody,
  },
  {
    verb: "POST",
    address: `/${inferenceServiceName}/{method}`,
    what: "the inference service's other methods of one message, in Connect's unary form",
    protocol: openInferenceConnect,
    reply: answersJson("the reply's message", { type: "object" }, "model_not_found", "not_ready", "malformed_body"),
    answer: (exchange, needs, { method }) => answerConnect(exchange, needs, decodeName(method!)),
  },
  {
    verb: "GET",
    address: "/models/{model}/proto",
    what: "the model's typed proto, of the version that answers or of `?version=`",
    reply: {
      replies: { 200: { what: "the proto", contentType: protoContentType, schema: { type: "string" } } },
      errors: ["model_not_found", "not_ready"],
    },
    answer: answerProto,
  },
  ...openInferenceAnswers,
  ...otherServersRoutes,
  ...everywhere,
];

/** What settings add to the public addresses. */
export interface PublicRouteSettings {
  /** @see predictRoute of the settings. */
  readonly predictRoute?: string | undefined;
  readonly healthRoute?: string | undefined;
  readonly errors: ErrorDetail;
}

/** The public addresses as they are set. One that is set takes the place of another of its verb. */
export function publicRoutesOf({
  predictRoute,
  healthRoute,
  errors,
}: PublicRouteSettings): readonly Route<PublicNeeds>[] {
  const further: Route<PublicNeeds>[] = [];
  if (predictRoute !== undefined)
    further.push({
      verb: "POST",
      address: predictRoute,
      what: "a prediction of the default model, at the address that is set",
      protocol: kserveV1,
    });
  if (healthRoute !== undefined)
    further.push({
      verb: "GET",
      address: healthRoute,
      what: "whether every model is ready, at the address that is set",
      answer: (exchange, { health }) => answerReady(exchange, health),
    });
  const isFree = ({ verb, address }: Route<PublicNeeds>) =>
    !further.some((other) => other.verb === verb && other.address === address);
  const routes = [...further, ...publicRoutes.filter(isFree)];
  if (errors === "full") return routes;
  const limited = new Map<Protocol, Protocol>();
  return routes.map((route) => {
    const { protocol } = route;
    if (protocol === undefined) return route;
    if (!limited.has(protocol)) limited.set(protocol, limitErrors(protocol, errors));
    return { ...route, protocol: limited.get(protocol)! } as Route<PublicNeeds>;
  });
}

export const adminRoutes: readonly Route<AdminNeeds>[] = [
  { verb: "GET", address: "/metrics", what: "metrics, in Prometheus's text format", answer: answerScrape },
  ...everywhere,
];

/** @param routes - In the place of {@link publicRoutes}. */
export function createPublicRouter(needs: PublicNeeds & CallNeeds, routes = publicRoutes): Router<PublicNeeds> {
  return new Router({
    routes,
    needs,
    predict: (exchange, address) => {
      if (address.namesIn === undefined) new HttpCall(exchange, needs, address).receive();
      else new BodyNamedCall(exchange, needs, address).receive(needs.registry.bodyBytesMax);
    },
    describeMissing: (method, address) => `nothing is served at ${method} ${address}: GET / names the addresses`,
  });
}

export function createAdminRouter(needs: AdminNeeds): Router<AdminNeeds> {
  const describeMissing = (_method: string, address: string) =>
    `nothing is served at ${address}: see /metrics, /models, /health/ready`;
  return new Router({ routes: adminRoutes, needs, describeMissing });
}

function sendJson(exchange: Exchange, answer: object): void {
  exchange.send(200, json, `${JSON.stringify(answer)}\n`);
}

function answerIndex(exchange: Exchange, { index }: PublicNeeds): void {
  const headers = ["vary", "accept", "cache-control", "no-store"];
  if (prefersHtml(exchange.accept))
    exchange.send(200, "text/html; charset=utf-8", index.html(), [...headers, ...indexPageHeaders()]);
  else exchange.send(200, json, index.json(), headers);
}

function answerOpenApi(exchange: Exchange, { openApi, onAnswerError }: PublicNeeds): void {
  openApi
    .text()
    .then((text) => sendKept(exchange, json, text))
    .catch((error) => onAnswerError(exchange, error));
}

function answerDocs(exchange: Exchange, { onAnswerError }: PublicNeeds): void {
  const { text, headers } = docsPage();
  sendKept(exchange, htmlType, text, headers).catch((error) => onAnswerError(exchange, error));
}

/** @throws {@link ServeError} model_not_found, not_ready. */
function chosen({ registry }: CommonNeeds, { model, version }: AddressNames): Servable {
  return registry.choose(decodeName(model!), version === undefined ? undefined : decodeName(version));
}

function answerModel(exchange: Exchange, needs: CommonNeeds, names: AddressNames): void {
  const version = chosen(needs, names);
  const ready = needs.registry.model(version.name).filter(({ state }) => state === "ready");
  sendJson(
    exchange,
    modelMetadata(
      version,
      ready.map(({ number }) => number),
    ),
  );
}

function answerModelReady(exchange: Exchange, needs: CommonNeeds, names: AddressNames): void {
  sendJson(exchange, { name: chosen(needs, names).name, ready: true });
}

function answerModelConfiguration(exchange: Exchange, needs: CommonNeeds, names: AddressNames): void {
  sendJson(exchange, modelConfiguration(chosen(needs, names)));
}

function answerProto(exchange: Exchange, { registry }: CommonNeeds, { model }: AddressNames): void {
  const version = registry.choose(decodeName(model!), versionOf(exchange.query, undefined));
  exchange.send(200, protoContentType, protoText(version));
}

function answerScrape(exchange: Exchange, { scrape, onScrapeError }: AdminNeeds): void {
  sendScrape(exchange, scrape).catch((error) => onScrapeError(exchange, error));
}

/** The quickest: a scrape is text that repeats itself, of which it leaves a twentieth. */
const compressionLevel = 1;

/** Compresses where that is asked for, in a thread of Node's own. */
async function sendScrape(exchange: Exchange, scrape: AdminNeeds["scrape"]): Promise<void> {
  const isCompressed = takesGzip(exchange.acceptEncoding);
  const { contentType, body } = await scrape();
  const headers = ["vary", "accept-encoding"];
  if (!isCompressed) {
    exchange.send(200, contentType, body, headers);
    return;
  }
  const { gzip } = await import("node:zlib");
  const compressed = await promisify(gzip)(body, { level: compressionLevel });
  exchange.send(200, contentType, compressed, [...headers, "content-encoding", "gzip"]);
}
