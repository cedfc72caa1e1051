/** What clients of the Open Inference Protocol ask beside predictions. */

import { type ServingVersion, servedBy } from "../path/serving-version.js";
import { productVersion } from "../product-version.js";
import { modelConfiguration, modelMetadata, serverMetadata } from "../protocol/open-inference/metadata.js";
import { openInference } from "../protocol/open-inference/protocol.js";
import { decodeName } from "./address.js";
import { answerLive, answerReady, answersReady, type Health } from "./health.js";
import type { Exchange } from "./http/transport.js";
import { describeStatistics, type StatisticsNeeds } from "./model-statistics.js";
import { answersJson } from "./openapi/answer-description.js";
import type { AddressNames, Route } from "./router.js";
import { sendJson } from "./send-json.js";

export interface OpenInferenceNeeds extends StatisticsNeeds {
  readonly health: Health;
  /** Whether the repository extension is served to callers. */
  readonly repositoryControl: boolean;
}

const answersTensors = answersJson("its tensors", "InferModel", "model_not_found", "not_ready");
const answersConfiguration = answersJson("the configuration", { type: "object" }, "model_not_found", "not_ready");
const statistics = { type: "object", required: ["model_stats"] };
const answersStatistics = answersJson("the statistics", statistics, "model_not_found", "not_ready");
const answersModelReady = answersJson("it is", "InferReady", "model_not_found", "not_ready");

export const openInferenceAnswers: readonly Route<OpenInferenceNeeds>[] = [
  {
    verb: "GET",
    address: "/v2",
    what: "the server's name, and what it can of the Open Inference Protocol",
    protocol: openInference,
    reply: answersJson("the server", "InferServer"),
    answer: (exchange, { repositoryControl }) =>
      sendJson(exchange, serverMetadata(productVersion(), repositoryControl)),
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
    address: "/v2/models/stats",
    what: "what was counted of each version that serves, as Triton counts",
    protocol: openInference,
    reply: answersJson("the statistics", statistics),
    answer: answerStatistics,
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
  {
    verb: "GET",
    address: "/v2/models/{model}/stats",
    what: "what was counted of the model's versions that serve",
    protocol: openInference,
    reply: answersStatistics,
    answer: answerStatistics,
  },
  {
    verb: "GET",
    address: "/v2/models/{model}/versions/{version}/stats",
    what: "what was counted of this version",
    protocol: openInference,
    reply: answersStatistics,
    answer: answerStatistics,
  },
];

/** @throws {@link ServeError} model_not_found, not_ready. */
function chosen({ registry }: OpenInferenceNeeds, { model, version }: AddressNames): ServingVersion {
  return registry.chooseView(decodeName(model!), version === undefined ? undefined : decodeName(version));
}

function answerModel(exchange: Exchange, needs: OpenInferenceNeeds, names: AddressNames): void {
  const version = chosen(needs, names);
  const ready = needs.registry.model(servedBy(version).name).filter(({ state }) => state === "ready");
  sendJson(
    exchange,
    modelMetadata(
      version,
      ready.map(({ number }) => number),
    ),
  );
}

function answerModelReady(exchange: Exchange, needs: OpenInferenceNeeds, names: AddressNames): void {
  sendJson(exchange, { name: chosen(needs, names).name, ready: true });
}

function answerModelConfiguration(exchange: Exchange, needs: OpenInferenceNeeds, names: AddressNames): void {
  sendJson(exchange, modelConfiguration(chosen(needs, names)));
}

function answerStatistics(exchange: Exchange, needs: StatisticsNeeds, { model, version }: AddressNames): void {
  const [modelName, versionName] = [model, version].map((name) => (name === undefined ? undefined : decodeName(name)));
  sendJson(exchange, describeStatistics(needs, modelName, versionName));
}
