/**
 * What `inference.GRPCInferenceService` answers at once, beside predictions: over gRPC and by Connect. A further method
 * is a line here, and its messages in proto/open_inference.proto.
 */

import type { Buffer } from "node:buffer";
import { ServeError } from "../errors.js";
import { type ServingVersion, servedBy } from "../path/serving-version.js";
import { productVersion } from "../product-version.js";
import { modelMetadata } from "../protocol/open-inference/metadata.js";
import { writeStatistics } from "../protocol/open-inference/statistics-message.js";
import { WireReader, WireWriter } from "../protocol/protobuf/wire.js";
import type { Registry } from "../versions/registry.js";
import { boundName } from "./address.js";
import type { Health } from "./health.js";
import { describeStatistics, type StatisticsNeeds } from "./model-statistics.js";

export interface InferenceMethodNeeds extends StatisticsNeeds {
  readonly health: Health;
  /** Whether the repository extension is served to callers. */
  readonly repositoryControl: boolean;
}

export const inferenceServiceName = "inference.GRPCInferenceService";

/** Extensions of the protocol, by Triton's names; only what is served here. */
const extensions = ["classification", "model_configuration", "statistics"];

/** From the message of a request to that of its reply. @throws {@link ServeError} malformed_body, and as it says. */
export type InferenceMethod = (needs: InferenceMethodNeeds, message: Buffer) => Buffer;

/** By name. Requests and replies are the messages `inference.<name>Request` and `inference.<name>Response`. */
export const inferenceMethods: Readonly<Record<string, InferenceMethod>> = {
  ServerLive: () => new WireWriter().bool(1, true).finish(),
  ServerReady: ({ health }) => new WireWriter().bool(1, health.isReady()).finish(),
  ModelReady: ({ registry }, message) => new WireWriter().bool(1, isReady(registry, readName(message))).finish(),
  ServerMetadata: ({ repositoryControl }) => {
    const reply = new WireWriter().text(1, "plumb").text(2, productVersion());
    for (const extension of extensions) reply.item(3, extension);
    if (repositoryControl) reply.item(3, "model_repository");
    return reply.finish();
  },
  ModelMetadata: ({ registry }, message) => describeModel(registry, readName(message)),
  ModelConfig: ({ registry }, message) =>
    new WireWriter().message(1, describeConfig(choose(registry, readName(message)))).finish(),
  ModelStatistics: (needs, message) => {
    const { name, version } = readName(message);
    return writeStatistics(describeStatistics(needs, name === "" ? undefined : name, version).model_stats);
  },
};

interface ModelName {
  readonly name: string;
  readonly version: string | undefined;
}

/** Name and version, which every request about a model has in the same places. */
function readName(message: Buffer): ModelName {
  const reader = new WireReader(message);
  let name = "";
  let version = "";
  while (reader.next()) {
    if (reader.field === 1) name = boundName(reader.readText());
    else if (reader.field === 2) version = boundName(reader.readText());
    else reader.skip();
  }
  return { name, version: version === "" ? undefined : version };
}

/** @throws {@link ServeError} model_not_found, not_ready. */
function choose(registry: Registry, { name, version }: ModelName): ServingVersion {
  return registry.chooseView(name === "" ? undefined : name, version);
}

/** @throws {@link ServeError} model_not_found. */
function isReady(registry: Registry, asked: ModelName): boolean {
  try {
    choose(registry, asked);
    return true;
  } catch (error) {
    if (error instanceof ServeError && error.code === "not_ready") return false;
    throw error;
  }
}

interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

function metadataOf(registry: Registry, version: ServingVersion): ModelMetadata {
  const ready = registry.model(servedBy(version).name).filter(({ state }) => state === "ready");
  const numbers = ready.map(({ number }) => number);
  return modelMetadata(version, numbers) as ModelMetadata;
}

function describeModel(registry: Registry, asked: ModelName): Buffer {
  const { name, versions, platform, inputs, outputs } = metadataOf(registry, choose(registry, asked));
  const reply = new WireWriter().text(1, name);
  for (const version of versions) reply.item(2, version);
  reply.text(3, platform);
  const add = (field: number, { name, datatype, shape }: TensorMetadata) =>
    reply.message(field, new WireWriter().text(1, name).text(2, datatype).integers(3, shape));
  for (const input of inputs) add(4, input);
  for (const output of outputs) add(5, output);
  return reply.finish();
}

/** `inference.DataType`, in Triton's order. */
const dataTypes = ["INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"].concat([
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
]);

/** Of `inference.ModelConfig` what load generators read: rows of a batch aren't among the dimensions. */
function describeConfig(version: ServingVersion): WireWriter {
  const { name, platform, inputs, outputs } = modelMetadata(version, []) as ModelMetadata;
  const config = new WireWriter().text(1, name).text(2, platform).integer(4, version.bodyLimits.decode.rowsMax);
  const tensor = ({ name, datatype, shape }: TensorMetadata, dims: number) =>
    new WireWriter().text(1, name).integer(2, dataTypes.indexOf(datatype)).integers(dims, shape.slice(1));
  for (const input of inputs) config.message(5, tensor(input, 4));
  for (const output of outputs) config.message(6, tensor(output, 3));
  return config;
}
