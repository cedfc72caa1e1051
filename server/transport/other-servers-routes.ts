/** Addresses of other servers, whose clients come here: KServe's V1 protocol, TensorFlow Serving, SageMaker, MLflow. */

import { invocations } from "../protocol/invocations/protocol.js";
import { kserveV1 } from "../protocol/kserve-v1/protocol.js";
import { describeStatus, listModels } from "../protocol/kserve-v1/status.js";
import type { Registry } from "../versions/registry.js";
import { decodeName } from "./address.js";
import { answerReady, answersReady, type Health } from "./health.js";
import type { Exchange } from "./http/transport.js";
import { type AnswerDescription, answersJson, jsonReply } from "./openapi/answer-description.js";
import type { AddressNames, Route } from "./router.js";

interface StatusNeeds {
  readonly registry: Registry;
  readonly health: Health;
}

const json = "application/json";

const answersStatus: AnswerDescription = {
  replies: { 200: jsonReply("it is", "V1Status"), 503: jsonReply("it isn't", "V1Status") },
  errors: ["model_not_found"],
};

/** What clients of KServe's V1 protocol and of TensorFlow Serving ask, and those of SageMaker and MLflow. */
export const otherServersRoutes: readonly Route<StatusNeeds>[] = [
  {
    verb: "POST",
    address: "/v1/models/{model}:predict",
    what: "a prediction by KServe's V1 protocol, as TensorFlow Serving has it too",
    protocol: kserveV1,
  },
  {
    verb: "POST",
    address: "/v1/models/{model}/versions/{version}:predict",
    what: "a prediction of this version by KServe's V1 protocol",
    protocol: kserveV1,
  },
  {
    verb: "GET",
    address: "/v1/models",
    what: "the models' names",
    protocol: kserveV1,
    reply: answersJson("the names", "V1Models"),
    answer: (exchange, { registry }) => sendModels(exchange, registry),
  },
  {
    verb: "GET",
    address: "/v1/models/{model}",
    what: "whether the model is ready, by version",
    protocol: kserveV1,
    reply: answersStatus,
    answer: answerStatus,
  },
  {
    verb: "GET",
    address: "/v1/models/{model}/versions/{version}",
    what: "whether this version is ready",
    protocol: kserveV1,
    reply: answersStatus,
    answer: answerStatus,
  },
  {
    verb: "POST",
    address: "/invocations",
    what: "a prediction of the default model, as SageMaker and MLflow ask for it",
    protocol: invocations,
  },
  {
    verb: "GET",
    address: "/ping",
    what: "whether every model is ready, as SageMaker and MLflow ask for it",
    reply: answersReady,
    answer: (exchange, { health }) => answerReady(exchange, health),
  },
];

function sendModels(exchange: Exchange, { models }: Registry): void {
  exchange.send(200, json, `${JSON.stringify(listModels(models.map(([name]) => name)))}\n`);
}

/** @throws {@link ServeError} model_not_found. */
function answerStatus(exchange: Exchange, { registry }: StatusNeeds, { model, version }: AddressNames): void {
  const name = decodeName(model!);
  const versionName = version === undefined ? undefined : decodeName(version);
  const all = registry.model(name);
  const asked = versionName === undefined ? all : all.filter(({ number }) => String(number) === versionName);
  // An unknown version is refused in the words of a call.
  const ready = registry.find(name, versionName) !== undefined;
  if (asked.length === 0) registry.choose(name, versionName);
  const body = `${JSON.stringify(describeStatus(name, ready, asked))}\n`;
  exchange.send(ready ? 200 : 503, json, body, ready ? [] : ["retry-after", "1"]);
}
