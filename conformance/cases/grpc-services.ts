/** Health, metadata and extensions over gRPC; streams; what the protocol of gRPC itself asks for. */

import type { Case } from "../case.js";
import { inferenceService, type Message } from "../grpc-client.js";
import { isRefused, orAbsent, replyOf, textOf } from "../grpc-reply.js";
import { check } from "../mismatch.js";
import { type Probe, unknownName, unknownVersion } from "../probe.js";
import { type Members, objectOf } from "../reply.js";
import { extension, grpc, grpcCore } from "../sources.js";
import { datatypeNames } from "./http-health.js";
import { mayUnload, noHalf, versions } from "./needs.js";

const health = grpc("health");
const metadata = grpc("metadata");

const named = ({ model }: Probe) => ({ name: model.name });
const modelMetadata = async (probe: Probe) => replyOf(await probe.call("ModelMetadata", named(probe)));

const healthCases: readonly Case[] = [
  ...(["ServerLive", "ServerReady", "ModelReady"] as const).map((method): Case => {
    const field = method === "ServerLive" ? "live" : "ready";
    return {
      id: `grpc.server.${method}`,
      rule: `${method} answers OK with ${field}: true.`,
      source: health,
      check: async (probe) => {
        const value = replyOf(await probe.call(method, method === "ModelReady" ? named(probe) : {}))[field];
        check(value === true, `${field}: true`, value);
      },
    };
  }),
  {
    id: "grpc.server.ModelReady-version",
    rule: "ModelReady answers ready: true for a version that the metadata list.",
    source: health,
    needs: versions,
    check: async (probe) => {
      const { ready } = replyOf(await probe.call("ModelReady", { ...named(probe), version: probe.model.versions[0] }));
      check(ready === true, "ready: true", ready);
    },
  },
  ...(
    [
      ["unknown-model", "A model", () => ({ name: unknownName })],
      ["unknown-version", "A version", (probe) => ({ ...named(probe), version: unknownVersion })],
    ] as const satisfies readonly (readonly [string, string, (probe: Probe) => object])[]
  ).map(
    ([name, what, message]): Case => ({
      id: `grpc.server.ModelReady-${name}`,
      rule: `${what} that isn't there is not ready: ready: false, or a status other than OK.`,
      source: health,
      check: async (probe) => {
        const answer = await probe.call("ModelReady", message(probe));
        if (answer.code === "OK") check(answer.reply.ready === false, "ready: false, or an error", answer.reply);
      },
    }),
  ),
];

const metadataCases: readonly Case[] = [
  ...["name", "version"].map(
    (field): Case => ({
      id: `grpc.metadata.server-${field}`,
      rule: `ServerMetadata have the server's ${field}, the same as over HTTP.`,
      source: metadata,
      check: async (probe) => {
        const value = replyOf(await probe.call("ServerMetadata"))[field];
        const overHttp = objectOf(await probe.get("v2"))[field];
        check(value !== "" && value === overHttp, `${field}: ${overHttp}`, value);
      },
    }),
  ),
  {
    id: "grpc.metadata.name",
    rule: "ModelMetadata repeat the model's name.",
    source: metadata,
    check: async (probe) => {
      const { name } = await modelMetadata(probe);
      check(name === probe.model.name, `name: ${probe.model.name}`, name);
    },
  },
  {
    id: "grpc.metadata.versions",
    rule: "ModelMetadata list the versions that the metadata over HTTP list.",
    source: metadata,
    needs: versions,
    check: async (probe) => {
      const { versions } = await modelMetadata(probe);
      check(String(versions) === String(probe.model.versions), `versions ${probe.model.versions}`, versions);
    },
  },
  {
    id: "grpc.metadata.platform",
    rule: "ModelMetadata have the platform that the metadata over HTTP have.",
    source: metadata,
    check: async (probe) => {
      const { platform } = await modelMetadata(probe);
      const overHttp = objectOf(await probe.get(probe.address)).platform;
      check(platform === overHttp, `platform: ${overHttp}`, platform);
    },
  },
  ...(["inputs", "outputs"] as const).flatMap((side): Case[] => [
    {
      id: `grpc.metadata.${side}`,
      rule: `ModelMetadata list the ${side} that the metadata over HTTP list, with their shapes.`,
      source: metadata,
      check: async (probe) => {
        const text = (list: readonly { name: string; shape: readonly number[] }[]) =>
          list.map(({ name, shape }) => `${name}[${shape}]`).join(" ");
        const came = text((await modelMetadata(probe))[side]);
        check(came === text(probe.model[side]), text(probe.model[side]), came);
      },
    },
    {
      id: `grpc.metadata.${side}-datatype`,
      rule: `Each of the ${side} has a data type of the protocol's table.`,
      source: grpc("tensor-data-types"),
      check: async (probe) => {
        const found = (await modelMetadata(probe))[side].map(({ datatype }: Members) => datatype);
        check(
          found.every((each: string) => datatypeNames.includes(each)),
          "data types of the table",
          found,
        );
      },
    },
  ]),
  {
    id: "grpc.metadata.version",
    rule: "ModelMetadata of a version that they list are answered.",
    source: metadata,
    needs: versions,
    check: async (probe) =>
      void replyOf(await probe.call("ModelMetadata", { ...named(probe), version: probe.model.versions[0] })),
  },
  {
    id: "grpc.metadata.unknown-model",
    rule: "ModelMetadata of a model that isn't there are refused: a status other than OK, and a message.",
    source: metadata,
    check: async (probe) => isRefused(await probe.call("ModelMetadata", { name: unknownName })),
  },
  {
    id: "grpc.metadata.unknown-version",
    rule: "ModelMetadata of a version that isn't there are refused: a status other than OK, and a message.",
    source: metadata,
    check: async (probe) => isRefused(await probe.call("ModelMetadata", { ...named(probe), version: unknownVersion })),
  },
];

const extensionCases: readonly Case[] = [
  {
    id: "grpc.config.name",
    rule: "ModelConfig answers the model's configuration, which has its name.",
    source: extension("model_configuration", "grpc"),
    extension: "model_configuration",
    check: async (probe) => {
      const { config } = replyOf(await probe.call("ModelConfig", named(probe)));
      check(config?.name === probe.model.name, `name: ${probe.model.name}`, config);
    },
  },
  {
    id: "grpc.config.tensors",
    rule: "The configuration lists the inputs and outputs of the metadata.",
    source: extension("model_configuration", "grpc"),
    extension: "model_configuration",
    check: async (probe) => {
      const { config } = replyOf(await probe.call("ModelConfig", named(probe)));
      const names = [...(config?.input ?? []), ...(config?.output ?? [])].map(({ name }: Members) => name);
      const listed = [...probe.model.inputs, ...probe.model.outputs].map(({ name }) => name);
      check(
        listed.every((name) => names.includes(name)),
        listed.join(", "),
        names,
      );
    },
  },
  {
    id: "grpc.config.unknown",
    rule: "ModelConfig of a model that isn't there is refused: a status other than OK, and a message.",
    source: extension("model_configuration", "grpc"),
    extension: "model_configuration",
    check: async (probe) => isRefused(await probe.call("ModelConfig", { name: unknownName })),
  },
  {
    id: "grpc.statistics.model",
    rule: "ModelStatistics of a model answer OK with the statistics of its versions alone.",
    source: extension("statistics", "grpc"),
    extension: "statistics",
    check: async (probe) => {
      const { model_stats: stats } = replyOf(await probe.call("ModelStatistics", named(probe)));
      const names = stats.map(({ name }: Members) => name);
      check(names.length > 0 && names.every((name: string) => name === probe.model.name), probe.model.name, names);
    },
  },
  {
    id: "grpc.statistics.increments",
    rule: "A request that was answered is counted in inference_count.",
    source: extension("statistics", "grpc"),
    extension: "statistics",
    needs: noHalf,
    check: async (probe) => {
      const count = async () => {
        const { model_stats: stats } = replyOf(await probe.call("ModelStatistics", named(probe)));
        return stats.reduce((sum: number, each: Message) => sum + Number(each.inference_count), 0);
      };
      const before = await count();
      replyOf(await probe.call("ModelInfer", probe.grpcRequest()));
      const after = await count();
      check(after > before, `an inference_count of more than ${before}`, after);
    },
  },
  {
    id: "grpc.repository.index",
    rule: "RepositoryIndex lists the model that is served, with state READY.",
    source: extension("model_repository", "grpc"),
    extension: "model_repository",
    check: async (probe) => {
      const { models } = replyOf(await probe.call("RepositoryIndex"));
      const mine = models.filter(({ name }: Members) => name === probe.model.name);
      check(
        mine.some(({ state }: Members) => state === "READY"),
        `${probe.model.name} with state READY`,
        models,
      );
    },
  },
  {
    id: "grpc.repository.load-unknown",
    rule: "RepositoryModelLoad of a model that isn't there is refused: a status other than OK.",
    source: extension("model_repository", "grpc"),
    extension: "model_repository",
    check: async (probe) => {
      const answer = await probe.call("RepositoryModelLoad", { model_name: unknownName });
      check(answer.code !== "OK" && answer.details !== "", "a status other than OK, and a message", textOf(answer));
    },
  },
  {
    id: "grpc.repository.unload",
    rule: "A model that was unloaded isn't ready; one that is loaded again is.",
    source: extension("model_repository", "grpc"),
    extension: "model_repository",
    check: async (probe) => {
      mayUnload(probe.options);
      const message = { model_name: probe.model.name };
      replyOf(await probe.call("RepositoryModelUnload", message));
      const { code, reply } = await probe.call("ModelReady", named(probe));
      replyOf(await probe.call("RepositoryModelLoad", message));
      check(code !== "OK" || reply.ready === false, "a model that isn't ready", { code, reply });
      const { ready } = replyOf(await probe.call("ModelReady", named(probe)));
      check(ready === true, "a model that is ready again", ready);
    },
  },
];

const healthService = "grpc.health.v1.Health";
const reflection = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

async function healthOf(probe: Probe, service: string) {
  return orAbsent(await probe.call(`${healthService}/Check`, { service }), healthService);
}

async function reflect(probe: Probe, question: object): Promise<Message> {
  const { replies, code, details } = orAbsent(await probe.stream(reflection, [question], 1), "grpc.reflection.v1");
  check(replies.length === 1, "one answer", `${replies.length}, ${code} ${details}`);
  return replies[0];
}

const healthText = grpcCore("doc/health-checking.md");
const reflectionText = grpcCore("doc/server-reflection.md");

const coreCases: readonly Case[] = [
  ...Object.entries({ check: "", "check-service": inferenceService }).map(
    ([name, service]): Case => ({
      id: `grpc.health.${name}`,
      rule: `Check of ${service === "" ? "the whole server" : service} answers SERVING.`,
      source: healthText,
      check: async (probe) => {
        const { status } = replyOf(await healthOf(probe, service));
        check(status === "SERVING", "SERVING", status);
      },
    }),
  ),
  {
    id: "grpc.health.unknown",
    rule: "Check of a service that isn't there answers the status NOT_FOUND.",
    source: healthText,
    check: async (probe) => {
      const answer = await healthOf(probe, unknownName);
      check(answer.code === "NOT_FOUND", "NOT_FOUND", textOf(answer));
    },
  },
  {
    id: "grpc.health.watch",
    rule: "Watch sends the present status at once.",
    source: healthText,
    check: async (probe) => {
      const watched = await probe.stream(`${healthService}/Watch`, [{ service: "" }], 1);
      const { replies } = orAbsent(watched, `${healthService}/Watch`);
      check(replies[0]?.status === "SERVING", "SERVING", replies);
    },
  },
  {
    id: "grpc.reflection.list",
    rule: `Reflection lists ${inferenceService}.`,
    source: reflectionText,
    check: async (probe) => {
      const { list_services_response: list } = await reflect(probe, { list_services: "" });
      const names = (list?.service ?? []).map(({ name }: Members) => name);
      check(names.includes(inferenceService), inferenceService, names);
    },
  },
  {
    id: "grpc.reflection.symbol",
    rule: `Reflection has the file of ${inferenceService}.`,
    source: reflectionText,
    check: async (probe) => {
      const { file_descriptor_response: file } = await reflect(probe, { file_containing_symbol: inferenceService });
      check(file?.file_descriptor_proto?.length > 0, "a file descriptor", file);
    },
  },
  {
    id: "grpc.reflection.unknown",
    rule: "Reflection answers an error for a symbol that isn't there.",
    source: reflectionText,
    check: async (probe) => {
      const { error_response: error } = await reflect(probe, { file_containing_symbol: unknownName });
      check(error?.error_code > 0, "an error", error);
    },
  },
  ...(
    [
      ["method", `${inferenceService}/${"ConformanceNoSuchMethod"}`],
      ["service", "inference.ConformanceNoSuchService/ServerLive"],
    ] as const
  ).map(
    ([what, path]): Case => ({
      id: `grpc.unknown.${what}`,
      rule: `A ${what} that isn't there is answered with the status UNIMPLEMENTED.`,
      source: grpcCore("doc/statuscodes.md"),
      check: async (probe) => {
        const answer = await probe.call(path, {}, "ServerLive");
        check(answer.code === "UNIMPLEMENTED", "UNIMPLEMENTED", textOf(answer));
      },
    }),
  ),
];

export const grpcServiceCases: readonly Case[] = [...healthCases, ...metadataCases, ...extensionCases, ...coreCases];
