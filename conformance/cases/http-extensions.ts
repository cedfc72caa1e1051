/** Triton's other extensions over HTTP: classification, configuration, statistics, repository, parameters, settings. */

import type { Case } from "../case.js";
import { check } from "../mismatch.js";
import { type Probe, unknownName } from "../probe.js";
import {
  isCallersMistake,
  isObject,
  isOk,
  isRefused,
  type Members,
  objectOf,
  objectsOf,
  parseJson,
  readInfer,
} from "../reply.js";
import { extension } from "../sources.js";
import { joinRows } from "../tensors.js";
import { all, batch, classes, mayUnload, noHalf, scoresOf, versions } from "./needs.js";

const classification = extension("classification", "httprest");
const configuration = extension("model_configuration", "httprest");
const statistics = extension("statistics", "statistics-response-json-object");
const repository = (section: string) => extension("model_repository", section);

async function classify(probe: Probe, count: number, tensors = probe.model.row, parameters = {}) {
  const { name } = scoresOf(probe.model)!;
  const outputs = [{ name, parameters: { classification: count, ...parameters } }];
  const [output] = readInfer(await probe.infer({ outputs }, tensors)).outputs;
  check(output !== undefined, `the output ${name}`, "none");
  return output;
}

const classParts = (text: unknown): [number, number] => {
  const [, value, index] = /^(-?[^:]+):(\d+)(?::.*)?$/s.exec(String(text)) ?? [];
  check(value !== undefined && !Number.isNaN(Number(value)), "value:index or value:index:label", text);
  return [Number(value), Number(index)];
};

const classificationCases: readonly Omit<Case, "source" | "extension" | "needs">[] = [
  {
    id: "http.classification.datatype",
    rule: "An output with the parameter classification is of BYTES.",
    check: async (probe) => {
      const { datatype } = await classify(probe, 2);
      check(datatype === "BYTES", "BYTES", datatype);
    },
  },
  {
    id: "http.classification.shape",
    rule: "The shape of a classification is the rows, and as many classes as were asked for.",
    check: async (probe) => {
      const { shape, values } = await classify(probe, 2);
      const product = shape.reduce((a, b) => a * b, 1);
      check(shape.at(-1) === 2 && product === 2 && values.length === 2, "a shape of two classes a row", {
        shape,
        values,
      });
    },
  },
  {
    id: "http.classification.format",
    rule: "Each class is the text value:index, with :label where there are labels.",
    check: async (probe) => {
      for (const text of (await classify(probe, 2)).values) classParts(text);
    },
  },
  {
    id: "http.classification.order",
    rule: "The classes are those of the largest values, the largest first.",
    check: async (probe) => {
      const parts = (await classify(probe, 2)).values.map(classParts);
      check(parts[0]![0] >= parts[1]![0], "the largest value first", parts);
      const { name } = scoresOf(probe.model)!;
      const all = (await probe.answerTo(probe.model.row)).find((output) => output.name === name)!.values as number[];
      const most = Math.max(...all);
      check(Math.abs(parts[0]![0] - most) <= 1e-4 * Math.max(1, Math.abs(most)), `the value ${most} first`, parts);
    },
  },
  {
    id: "http.classification.index",
    rule: "The index of a class is its place among the output's values of the row.",
    check: async (probe) => {
      const { name } = scoresOf(probe.model)!;
      const values = (await probe.answerTo(probe.model.row)).find((output) => output.name === name)!.values as number[];
      for (const [value, index] of (await classify(probe, 2)).values.map(classParts)) {
        const there = values[index];
        const isThere = there !== undefined && Math.abs(there - value) <= 1e-4 * Math.max(1, Math.abs(value));
        check(isThere, `the value ${there} at ${index}`, value);
      }
    },
  },
  {
    id: "http.classification.one",
    rule: "A classification of 1 has one class a row.",
    check: async (probe) => {
      const { values } = await classify(probe, 1);
      check(values.length === 1, "one class", values);
    },
  },
];

const config = async (probe: Probe) => objectOf(await probe.get(`${probe.address}/config`));

const configurationCases: readonly Case[] = [
  {
    id: "http.config.name",
    rule: "GET v2/models/M/config answers 200 with the model's configuration, which has its name.",
    source: configuration,
    extension: "model_configuration",
    check: async (probe) => {
      const { name } = await config(probe);
      check(name === probe.model.name, `name: ${probe.model.name}`, name);
    },
  },
  ...(["input", "output"] as const).map(
    (side): Case => ({
      id: `http.config.${side}`,
      rule: `The configuration lists each ${side} of the metadata with a data type as TYPE_FP32 and dimensions.`,
      source: configuration,
      extension: "model_configuration",
      check: async (probe) => {
        const tensors = objectsOf((await config(probe))[side], side);
        const names = tensors.map(({ name }) => name);
        const listed = probe.model[`${side}s`].map(({ name }) => name);
        check(
          listed.every((name) => names.includes(name)),
          `${side}s ${listed.join(", ")}`,
          names,
        );
        for (const { data_type: type, dims } of tensors)
          check(/^TYPE_[A-Z0-9]+$/.test(String(type)) && Array.isArray(dims), "TYPE_... and dims", { type, dims });
      },
    }),
  ),
  {
    id: "http.config.batch",
    rule: "The configuration's max_batch_size, where it stands, is a whole number.",
    source: configuration,
    extension: "model_configuration",
    check: async (probe) => {
      const { max_batch_size: size = 0 } = await config(probe);
      check(Number.isInteger(size), "a whole number", size);
    },
  },
  {
    id: "http.config.version-address",
    rule: "GET v2/models/M/versions/V/config answers the configuration of a version.",
    source: configuration,
    extension: "model_configuration",
    needs: versions,
    check: async (probe) => void objectOf(await probe.get(`${probe.versionAddress}/config`)),
  },
  {
    id: "http.config.unknown",
    rule: "The configuration of a model that isn't there is refused: a status of 4xx and an error.",
    source: configuration,
    extension: "model_configuration",
    check: async (probe) => isRefused(await probe.get(`v2/models/${unknownName}/config`)),
  },
];

const statsAt = async (probe: Probe, path: string) =>
  objectsOf(objectOf(await probe.get(path)).model_stats, "model_stats");

async function statsOf(probe: Probe, path = `${probe.address}/stats`): Promise<Members> {
  const all = await statsAt(probe, path);
  const { name } = probe.model;
  const mine = all.filter((each) => each.name === name);
  check(mine.length > 0, `statistics of ${name}`, all);
  return mine.at(-1)!;
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
const kinds = ["success", "fail", "queue", "compute_input", "compute_infer", "compute_output"];

const statisticsCases: readonly Omit<Case, "extension">[] = [
  {
    id: "http.statistics.model",
    rule: "GET v2/models/M/stats answers 200 with model_stats of the model's versions alone.",
    source: statistics,
    check: async (probe) => {
      const names = (await statsAt(probe, `${probe.address}/stats`)).map(({ name }) => name);
      check(names.length > 0 && names.every((name) => name === probe.model.name), `${probe.model.name} alone`, names);
    },
  },
  {
    id: "http.statistics.version-address",
    rule: "GET v2/models/M/versions/V/stats answers the statistics of that version.",
    source: statistics,
    needs: versions,
    check: async (probe) => {
      const { version } = await statsOf(probe, `${probe.versionAddress}/stats`);
      check(version === probe.model.versions[0], `version: ${probe.model.versions[0]}`, version);
    },
  },
  {
    id: "http.statistics.all",
    rule: "GET v2/models/stats answers the statistics of all models.",
    source: statistics,
    check: async (probe) => void (await statsOf(probe, "v2/models/stats")),
  },
  {
    id: "http.statistics.counts",
    rule: "The members inference_count, execution_count and last_inference are whole numbers from 0.",
    source: statistics,
    check: async (probe) => {
      const { inference_count: inferences, execution_count: executions, last_inference: last } = await statsOf(probe);
      check([inferences, executions, last].every(isCount), "three counts", { inferences, executions, last });
    },
  },
  {
    id: "http.statistics.durations",
    rule: `The inference_stats have ${kinds.join(", ")}, each with count and ns.`,
    source: statistics,
    check: async (probe) => {
      const { inference_stats: stats } = await statsOf(probe);
      for (const kind of kinds) {
        const value = isObject(stats) ? stats[kind] : undefined;
        check(isObject(value) && isCount(value.count) && isCount(value.ns), `${kind} as count and ns`, value);
      }
    },
  },
  {
    id: "http.statistics.increments",
    rule: "A request that was answered is counted: success and inference_count are more afterwards.",
    source: statistics,
    needs: noHalf,
    check: async (probe) => {
      const before = await statsOf(probe);
      isOk(await probe.infer());
      const after = await statsOf(probe);
      const [from, to] = [before, after].map((stats) => Number(stats.inference_count));
      check(to! > from!, `an inference_count of more than ${from}`, to);
      const successes = [before, after].map(({ inference_stats: stats }) => countOf(stats, "success"));
      check(successes[1]! > successes[0]!, `a success count of more than ${successes[0]}`, successes[1]);
    },
  },
  {
    id: "http.statistics.batch",
    rule: "Each inference of a batch is counted: a request of two rows adds two or more to inference_count.",
    source: statistics,
    needs: batch,
    check: async (probe) => {
      const before = Number((await statsOf(probe)).inference_count);
      isOk(await probe.infer({}, joinRows(probe.model.row, probe.model.row)));
      const after = Number((await statsOf(probe)).inference_count);
      check(after >= before + 2, `an inference_count of ${before + 2} or more`, after);
    },
  },
  {
    id: "http.statistics.batch-stats",
    rule: "The batch_stats are a list; each entry has a batch_size of 1 or more.",
    source: statistics,
    check: async (probe) => {
      for (const { batch_size: size } of objectsOf((await statsOf(probe)).batch_stats, "batch_stats"))
        check(isCount(size) && size > 0, "a batch_size of 1 or more", size);
    },
  },
  {
    id: "http.statistics.unknown",
    rule: "The statistics of a model that isn't there are refused: a status of 4xx and an error.",
    source: statistics,
    check: async (probe) => isRefused(await probe.get(`v2/models/${unknownName}/stats`)),
  },
];

function countOf(stats: unknown, kind: string): number {
  const value = isObject(stats) ? stats[kind] : undefined;
  return isObject(value) ? Number(value.count) : Number.NaN;
}

async function index(probe: Probe, body: object): Promise<readonly Members[]> {
  return objectsOf(parseJson(isOk(await probe.post("v2/repository/index", body))), "the index");
}

const repositoryCases: readonly Omit<Case, "extension">[] = [
  {
    id: "http.repository.index",
    rule: "POST v2/repository/index answers 200 with a list of models, each with a name.",
    source: repository("index"),
    check: async (probe) => {
      const names = (await index(probe, {})).map(({ name }) => name);
      check(names.length > 0 && names.every((name) => typeof name === "string"), "models with names", names);
    },
  },
  {
    id: "http.repository.index-model",
    rule: "The index has the model that is served, with state READY.",
    source: repository("index"),
    check: async (probe) => {
      const mine = (await index(probe, {})).filter(({ name }) => name === probe.model.name);
      check(
        mine.some(({ state }) => state === "READY"),
        `${probe.model.name} with state READY`,
        mine,
      );
    },
  },
  {
    id: "http.repository.index-ready",
    rule: 'With {"ready": true} the index has models that are ready alone.',
    source: repository("index"),
    check: async (probe) => {
      const states = (await index(probe, { ready: true })).map(({ state }) => state);
      check(states.length > 0 && states.every((state) => state === "READY"), "READY alone", states);
    },
  },
  ...["load", "unload"].map(
    (verb): Omit<Case, "extension"> => ({
      id: `http.repository.${verb}-unknown`,
      rule: `To ${verb} a model that isn't there is refused: a status of 4xx and an error; a server without explicit control refuses each.`,
      source: repository(verb),
      check: async (probe) => {
        const reply = await probe.post(`v2/repository/models/${unknownName}/${verb}`, {});
        // Triton has nothing to do where there is nothing to unload.
        if (verb === "unload" && reply.status === 200) return;
        isRefused(reply);
      },
    }),
  ),
  {
    id: "http.repository.unload",
    rule: "A model that was unloaded isn't ready, and takes no requests.",
    source: repository("unload"),
    check: async (probe) => {
      mayUnload(probe.options);
      isOk(await probe.post(`v2/repository/models/${probe.model.name}/unload`, {}));
      const ready = await probe.get(`${probe.address}/ready`);
      const reply = await probe.infer();
      await probe.post(`v2/repository/models/${probe.model.name}/load`, {});
      check(ready.status >= 400 && reply.status >= 400, "no readiness and no answer", [ready.status, reply.status]);
    },
  },
  {
    id: "http.repository.load",
    rule: "A load of a model answers 200 once it is loaded: it is ready.",
    source: repository("load"),
    check: async (probe) => {
      mayUnload(probe.options);
      isOk(await probe.post(`v2/repository/models/${probe.model.name}/unload`, {}));
      isOk(await probe.post(`v2/repository/models/${probe.model.name}/load`, {}));
      isOk(await probe.get(`${probe.address}/ready`));
    },
  },
];

const settingsCases: readonly Case[] = [
  ...(
    [
      ["trace", "v2/trace/setting", "trace", "httprest"],
      ["logging", "v2/logging", "logging", "httprest"],
    ] as const
  ).map(
    ([name, path, listed, section]): Case => ({
      id: `http.settings.${name}`,
      rule: `GET ${path} answers 200 with the settings as a JSON object.`,
      source: extension(name, section),
      extension: listed,
      check: async (probe) => void objectOf(await probe.get(path)),
    }),
  ),
  {
    id: "http.parameters.custom",
    rule: "A request may have parameters of its own, strings, numbers and booleans: it is answered.",
    source: extension("parameters", "httprest"),
    extension: "parameters",
    needs: noHalf,
    check: async (probe) =>
      void isOk(
        await probe.infer({ parameters: { conformance_text: "x", conformance_number: 7, conformance_flag: true } }),
      ),
  },
  {
    id: "http.schedule.timeout",
    rule: "The parameter timeout, microseconds, is taken: a request that has a minute is answered.",
    source: extension("schedule_policy", "httprest"),
    extension: "schedule_policy",
    needs: noHalf,
    check: async (probe) => void isOk(await probe.infer({ parameters: { timeout: 60_000_000 } })),
  },
  {
    id: "http.schedule.priority",
    rule: "The parameter priority of 0 asks for the model's own: the request is answered.",
    source: extension("schedule_policy", "httprest"),
    extension: "schedule_policy",
    needs: noHalf,
    check: async (probe) => void isOk(await probe.infer({ parameters: { priority: 0 } })),
  },
];

export const extensionCases: readonly Case[] = [
  ...classificationCases.map((each) => ({
    ...each,
    source: classification,
    extension: "classification",
    needs: classes,
  })),
  {
    id: "http.classification.batch",
    rule: "A classification of a batch has the classes of each row.",
    source: classification,
    extension: "classification",
    needs: all(batch, classes),
    check: async (probe) => {
      const { values } = await classify(probe, 1, joinRows(probe.model.row, probe.model.row));
      check(values.length === 2, "one class for each of two rows", values);
    },
  },
  {
    id: "http.classification.not-a-number",
    rule: "A number of classes that is text is refused: a status of 4xx.",
    source: classification,
    extension: "classification",
    needs: classes,
    check: async (probe) => {
      const { name } = scoresOf(probe.model)!;
      isCallersMistake(await probe.infer({ outputs: [{ name, parameters: { classification: "two" } }] }));
    },
  },
  ...configurationCases,
  ...statisticsCases.map((each) => ({ ...each, extension: "statistics" })),
  ...repositoryCases.map((each) => ({ ...each, extension: "model_repository" })),
  ...settingsCases,
];
