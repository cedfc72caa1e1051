/**
 * What is served where on the public listener: all that is known of its addresses. `GET /`, 404, 405 and a page of the
 * docs follow from it. A further protocol is a folder of its own, and lines here. The admin listener's addresses are in
 * `admin-routes.ts`.
 */

import { kserveV1 } from "../protocol/kserve-v1/protocol.js";
import { type ErrorDetail, limitErrors } from "../protocol/limit-errors.js";
import { namesInBody, openInferenceConnect } from "../protocol/open-inference/connect.js";
import { openInference } from "../protocol/open-inference/protocol.js";
import { predictJson } from "../protocol/predict-json/protocol.js";
import type { Protocol } from "../protocol/protocol.js";
import { protoText } from "../protocol/typed-proto/proto-text.js";
import { typedProto } from "../protocol/typed-proto/protocol.js";
import { modelOfPackage, serviceAddress } from "../protocol/typed-proto/service-name.js";
import type { Registry } from "../versions/registry.js";
import { prefersHtml } from "./accept.js";
import { decodeName, versionOf } from "./address.js";
import { BodyNamedCall } from "./body-named-call.js";
import { answerConnect, type ConnectAnswerNeeds, connectAnswerErrors } from "./connect-answer.js";
import { type ControlNeeds, repositoryRoutes } from "./control-routes.js";
import { describeModel, describeModels } from "./describe.js";
import { docsPage } from "./docs-page.js";
import { type FeedbackNeeds, feedbackRoute } from "./feedback-route.js";
import { answerLive, answerReady, answersReady, type Health } from "./health.js";
import type { Exchange } from "./http/transport.js";
import { type CallNeeds, HttpCall } from "./http-call.js";
import { indexPageHeaders } from "./index-page.js";
import { inferenceServiceName } from "./inference-methods.js";
import { ifNoneMatch, type KeptText, keptReply, sendKept } from "./kept-text.js";
import { type OpenInferenceNeeds, openInferenceAnswers } from "./open-inference-routes.js";
import { answersJson, htmlType } from "./openapi/answer-description.js";
import { otherServersRoutes } from "./other-servers-routes.js";
import { type AddressNames, type Route, Router } from "./router.js";
import { sendJson } from "./send-json.js";

export interface CommonNeeds {
  readonly registry: Registry;
  readonly health: Health;
}

export interface PublicNeeds extends OpenInferenceNeeds, ControlNeeds, ConnectAnswerNeeds, FeedbackNeeds {
  /** What `GET /` says. */
  readonly index: { html(): string; json(): string };
  readonly openApi: { text(): Promise<KeptText> };
}

const json = "application/json";

/** Errors at an address of no protocol have its form. */
export const plainProtocol: Protocol = predictJson;

const protoContentType = "text/plain; charset=utf-8";

/** Of both listeners. */
export const everywhere: readonly Route<CommonNeeds>[] = [
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
    reply: answersJson("the reply's message", { type: "object" }, ...connectAnswerErrors),
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
  feedbackRoute,
  ...openInferenceAnswers,
  ...otherServersRoutes,
  ...everywhere,
];

/** What settings add to the public addresses. */
export interface PublicRouteSettings {
  /** @see predictRoute of the settings. */
  readonly predictRoute?: string | undefined;
  readonly healthRoute?: string | undefined;
  readonly repositoryControl?: boolean;
  readonly errors: ErrorDetail;
}

/** The public addresses as they are set. One that is set takes the place of another of its verb. */
export function publicRoutesOf({
  predictRoute,
  healthRoute,
  repositoryControl = false,
  errors,
}: PublicRouteSettings): readonly Route<PublicNeeds>[] {
  const further: Route<PublicNeeds>[] = repositoryControl ? [...repositoryRoutes] : [];
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

/** @param routes - In the place of {@link publicRoutes}. */
export function createPublicRouter(needs: PublicNeeds & CallNeeds, routes = publicRoutes): Router<PublicNeeds> {
  return new Router({
    routes,
    needs,
    predict: (exchange, address) => {
      if (address.namesIn === undefined) new HttpCall(exchange, needs, address).receive();
      else new BodyNamedCall(exchange, needs, address).receive(needs.registry.bodyBytesMax);
    },
    describeMissing: (method, address) =>
      address.startsWith('"/v2/repository/')
        ? "the repository is controlled at the admin listener alone: --repository-control serves this address here too"
        : `nothing is served at ${method} ${address}: GET / names the addresses`,
  });
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

function answerProto(exchange: Exchange, { registry }: CommonNeeds, { model }: AddressNames): void {
  const version = registry.choose(decodeName(model!), versionOf(exchange.query, undefined));
  exchange.send(200, protoContentType, protoText(version));
}
