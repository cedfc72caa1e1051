/** Health and metadata over HTTP. */

import type { Case } from "../case.js";
import { check } from "../mismatch.js";
import type { Probe } from "../probe.js";
import { unknownName, unknownVersion } from "../probe.js";
import { isCallersMistake, isOk, isRefused, listOf, objectOf, objectsOf } from "../reply.js";
import { http, json, rest } from "../sources.js";
import { datatypes } from "../tensors.js";
import { versions } from "./needs.js";

const health = rest("api-definitions");
const server = rest("server-metadata-response-json-object");
const model = rest("model-metadata-response-json-object");

const serverMembers = async (probe: Probe) => objectOf(await probe.get("v2"));
const modelMembers = async (probe: Probe) => objectOf(await probe.get(probe.address));
const isJson = (type: unknown) =>
  check(/^application\/json\b/i.test(String(type)), "content-type application/json", type);

export const datatypeNames = [...Object.keys(datatypes), "BF16"];

export const healthCases: readonly Case[] = [
  {
    id: "http.health.live",
    rule: "GET v2/health/live answers 200 while the server can take requests.",
    source: health,
    check: async (probe) => void isOk(await probe.get("v2/health/live")),
  },
  {
    id: "http.health.ready",
    rule: "GET v2/health/ready answers 200 when all models are ready for inference.",
    source: health,
    check: async (probe) => void isOk(await probe.get("v2/health/ready")),
  },
  {
    id: "http.health.model-ready",
    rule: "GET v2/models/M/ready answers 200 when the model is ready.",
    source: health,
    check: async (probe) => void isOk(await probe.get(`${probe.address}/ready`)),
  },
  {
    id: "http.health.version-ready",
    rule: "GET v2/models/M/versions/V/ready answers 200 for a version that the metadata list.",
    source: health,
    needs: versions,
    check: async (probe) => void isOk(await probe.get(`${probe.versionAddress}/ready`)),
  },
  {
    id: "http.health.live-body",
    rule: 'The body of a live server is {"live": true}.',
    source: rest("server-live-response-json-objet"),
    check: async (probe) => {
      const { live } = objectOf(await probe.get("v2/health/live"));
      check(live === true, "live: true", live);
    },
  },
  {
    id: "http.health.ready-body",
    rule: 'The body of a ready server has "live": true in the text of the specification, "ready": true in its OpenAPI file; either passes.',
    source: rest("server-ready-response-json-object"),
    check: async (probe) => {
      const { live, ready } = objectOf(await probe.get("v2/health/ready"));
      check((live ?? true) === true && (ready ?? live) === true, "live: true or ready: true", { live, ready });
    },
  },
  {
    id: "http.health.model-ready-body",
    rule: 'The body for a ready model is {"name": "<model>", "ready": true}.',
    source: rest("model-ready-response-json-object"),
    check: async (probe) => {
      const { name, ready } = objectOf(await probe.get(`${probe.address}/ready`));
      check(name === probe.model.name && ready === true, `name: ${probe.model.name}, ready: true`, { name, ready });
    },
  },
  {
    id: "http.health.unknown-model",
    rule: "A model that the server doesn't have is not ready: a status of 4xx.",
    source: health,
    check: async (probe) => isCallersMistake(await probe.get(`v2/models/${unknownName}/ready`)),
  },
  {
    id: "http.health.unknown-version",
    rule: "A version that the server doesn't have is not ready: a status of 4xx.",
    source: health,
    check: async (probe) => isCallersMistake(await probe.get(`${probe.address}/versions/${unknownVersion}/ready`)),
  },
  ...(
    [
      ["live", "POST", () => "v2/health/live"],
      ["metadata", "DELETE", (probe) => probe.address],
      ["infer", "GET", (probe) => `${probe.address}/infer`],
    ] as const satisfies readonly (readonly [string, string, (probe: Probe) => string])[]
  ).map(
    ([name, verb, path]): Case => ({
      id: `http.method.${name}`,
      rule: `${verb} isn't the verb of the ${name} address: a status of 4xx.`,
      source: http("15.5.6"),
      check: async (probe) => isCallersMistake(await probe.send(verb, path(probe))),
    }),
  ),
  {
    id: "http.method.unknown-path",
    rule: "An address below v2 that isn't there is 404.",
    source: http("15.5.5"),
    check: async (probe) => {
      const { status } = await probe.get(`v2/${unknownName}`);
      check(status === 404, "status 404", status);
    },
  },
];

export const metadataCases: readonly Case[] = [
  {
    id: "http.server.status",
    rule: "GET v2 answers 200 with a JSON object.",
    source: server,
    check: async (probe) => void (await serverMembers(probe)),
  },
  ...["name", "version"].map(
    (member): Case => ({
      id: `http.server.${member}`,
      rule: `The server's metadata have a ${member}, a string.`,
      source: server,
      check: async (probe) => {
        const value = (await serverMembers(probe))[member];
        check(typeof value === "string" && value !== "", `${member} as a string`, value);
      },
    }),
  ),
  {
    id: "http.server.extensions",
    rule: "The server's metadata list its extensions as strings.",
    source: server,
    check: async (probe) => {
      const list = listOf((await serverMembers(probe)).extensions, "extensions");
      check(
        list.every((each) => typeof each === "string"),
        "extensions as strings",
        list,
      );
    },
  },
  {
    id: "http.server.content-type",
    rule: "The server's metadata are JSON by their content type.",
    source: json("1"),
    check: async (probe) => isJson((await probe.get("v2")).headers["content-type"]),
  },
  {
    id: "http.model.status",
    rule: "GET v2/models/M answers 200 with a JSON object.",
    source: model,
    check: async (probe) => void (await modelMembers(probe)),
  },
  {
    id: "http.model.content-type",
    rule: "The model's metadata are JSON by their content type.",
    source: json("1"),
    check: async (probe) => isJson((await probe.get(probe.address)).headers["content-type"]),
  },
  {
    id: "http.model.name",
    rule: "The model's metadata repeat its name.",
    source: model,
    check: async (probe) => {
      const { name } = await modelMembers(probe);
      check(name === probe.model.name, `name: ${probe.model.name}`, name);
    },
  },
  {
    id: "http.model.versions",
    rule: "Versions are optional; where they are listed, they are strings.",
    source: model,
    check: async (probe) => {
      const list = listOf((await modelMembers(probe)).versions ?? [], "versions");
      check(
        list.every((each) => typeof each === "string"),
        "versions as strings",
        list,
      );
    },
  },
  {
    id: "http.model.platform",
    rule: "The model's metadata have a platform, a string.",
    source: model,
    check: async (probe) => {
      const { platform } = await modelMembers(probe);
      check(typeof platform === "string", "platform as a string", platform);
    },
  },
  ...["inputs", "outputs"].flatMap((side): Case[] => {
    const tensors = async (probe: Probe) => objectsOf((await modelMembers(probe))[side], side);
    return [
      {
        id: `http.model.${side}`,
        rule: `The model's metadata list its ${side} as objects, one or more.`,
        source: model,
        check: async (probe) => check((await tensors(probe)).length > 0, `one or more ${side}`, "none"),
      },
      {
        id: `http.model.${side}-name`,
        rule: `Each of the ${side} has a name of its own.`,
        source: model,
        check: async (probe) => {
          const names = (await tensors(probe)).map(({ name }) => name);
          const isRight = names.every((name) => typeof name === "string" && name !== "");
          check(isRight && new Set(names).size === names.length, "distinct names", names);
        },
      },
      {
        id: `http.model.${side}-datatype`,
        rule: `Each of the ${side} has a data type of the protocol's table.`,
        source: rest("tensor-data-types"),
        check: async (probe) => {
          const found = (await tensors(probe)).map(({ datatype }) => datatype);
          check(
            found.every((each) => datatypeNames.includes(String(each))),
            "data types of the table",
            found,
          );
        },
      },
      {
        id: `http.model.${side}-shape`,
        rule: `Each of the ${side} has a shape of whole numbers; -1 stands for a dimension of any size.`,
        source: model,
        check: async (probe) => {
          for (const { shape } of await tensors(probe)) {
            const isRight = Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size >= -1);
            check(isRight, "a shape of numbers of at least -1", shape);
          }
        },
      },
    ];
  }),
  {
    id: "http.model.version-address",
    rule: "GET v2/models/M/versions/V answers the metadata of a version that they list.",
    source: rest("model-metadata"),
    needs: versions,
    check: async (probe) => {
      const { name } = objectOf(await probe.get(probe.versionAddress));
      check(name === probe.model.name, `name: ${probe.model.name}`, name);
    },
  },
  {
    id: "http.model.unknown",
    rule: "The metadata of a model that isn't there are refused: a status of 4xx and an error.",
    source: rest("model-metadata-response-json-error-object"),
    check: async (probe) => isRefused(await probe.get(`v2/models/${unknownName}`)),
  },
  {
    id: "http.model.unknown-version",
    rule: "The metadata of a version that isn't there are refused: a status of 4xx and an error.",
    source: rest("model-metadata-response-json-error-object"),
    check: async (probe) => isRefused(await probe.get(`${probe.address}/versions/${unknownVersion}`)),
  },
];
