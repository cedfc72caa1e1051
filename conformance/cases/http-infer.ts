/** Inference over HTTP in JSON: what is taken, and what the answer looks like. */

import type { Case } from "../case.js";
import { check, Mismatch } from "../mismatch.js";
import type { Probe } from "../probe.js";
import { unknownName, unknownVersion } from "../probe.js";
import { hasItsElements, isObject, isRefused, type Members, type Output, objectOf, readInfer } from "../reply.js";
import { http1, json, rest } from "../sources.js";
import { joinRows, jsonInput, sameValues, type Tensor } from "../tensors.js";
import { all, batch, inputsTwo, noHalf, otherRow, outputsTwo, rankTwo, versions } from "./needs.js";

const request = rest("inference-request-json-object");
const response = rest("inference-response-json-object");
const tensorData = rest("tensor-data");

export const answer = async (probe: Probe, members?: Members) => readInfer(await probe.infer(members));

/** @throws Mismatch where another form of a request has another answer. */
export function sameAnswer(outputs: readonly Output[], expected: readonly Output[]): void {
  for (const { name, values, shape } of expected) {
    const output = outputs.find((each) => each.name === name);
    if (output === undefined)
      throw new Mismatch(
        `the output ${name}`,
        outputs.map((each) => each.name),
      );
    check(String(output.shape) === String(shape), `${name} of shape [${shape}]`, output.shape);
    check(sameValues(output.values, values), `${name}: ${JSON.stringify(values).slice(0, 100)}`, output.values);
  }
}

/** The same request in another form. */
const sameAs = async (probe: Probe, body: string | Members, message = {}): Promise<void> => {
  const reply = await probe.post(`${probe.address}/infer`, body, message);
  sameAnswer(readInfer(reply).outputs, await probe.answerTo(probe.model.row));
};

const isElement: Readonly<Record<string, (value: unknown) => boolean>> = {
  BOOL: (value) => typeof value === "boolean" || value === 0 || value === 1,
  BYTES: (value) => typeof value === "string",
};

export const inferCases: readonly Case[] = [
  {
    id: "http.infer.status",
    rule: "A request with a tensor for each input of the metadata is answered 200 with a JSON object.",
    source: response,
    needs: noHalf,
    check: async (probe) => void objectOf(await probe.infer()),
  },
  {
    id: "http.infer.content-type",
    rule: "An answer in JSON is JSON by its content type.",
    source: rest("inference-request-examples"),
    needs: noHalf,
    check: async (probe) => {
      const type = (await probe.infer()).headers["content-type"];
      check(/^application\/json\b/i.test(String(type)), "content-type application/json", type);
    },
  },
  {
    id: "http.infer.model-name",
    rule: "The answer has the name of the model.",
    source: response,
    needs: noHalf,
    check: async (probe) => {
      const { model_name: name } = objectOf(await probe.infer());
      check(name === probe.model.name, `model_name: ${probe.model.name}`, name);
    },
  },
  {
    id: "http.infer.model-version",
    rule: "The version of an answer is optional; where it stands, it is a string, and one of those that the metadata list.",
    source: response,
    needs: noHalf,
    check: async (probe) => {
      const { model_version: version } = objectOf(await probe.infer());
      const { versions: listed } = probe.model;
      const isRight = typeof version === "string" && (listed.length === 0 || listed.includes(version));
      check(version === undefined || isRight, `model_version: one of [${listed}] or none`, version);
    },
  },
  {
    id: "http.infer.version-address",
    rule: "A request to v2/models/M/versions/V/infer is answered by that version.",
    source: request,
    needs: all(noHalf, versions),
    check: async (probe) => {
      const { model_version: version } = objectOf(await probe.post(`${probe.versionAddress}/infer`, probe.request()));
      const expected = probe.model.versions[0]!;
      check((version ?? expected) === expected, `model_version: ${expected}`, version);
    },
  },
  {
    id: "http.infer.unknown-model",
    rule: "A request to a model that isn't there is refused: a status of 4xx and an error.",
    source: rest("inference-response-json-error-object"),
    check: async (probe) => isRefused(await probe.post(`v2/models/${unknownName}/infer`, probe.request())),
  },
  {
    id: "http.infer.unknown-version",
    rule: "A request to a version that isn't there is refused: a status of 4xx and an error.",
    source: rest("inference-response-json-error-object"),
    check: async (probe) =>
      isRefused(await probe.post(`${probe.address}/versions/${unknownVersion}/infer`, probe.request())),
  },
  ...Object.entries({
    id: ["The answer repeats the request's id.", "conformance-4711"],
    "id-unicode": [
      "An id is any text: the answer repeats one beyond ASCII, with quotes and a line break.",
      'é "日本"\n🙂',
    ],
    "id-long": ["The answer repeats an id of a thousand characters.", "i".repeat(1000)],
  }).map(
    ([name, [rule, id]]): Case => ({
      id: `http.infer.${name}`,
      rule: rule!,
      source: request,
      needs: noHalf,
      check: async (probe) => {
        const came = objectOf(await probe.infer({ id })).id;
        check(came === id, `id: ${JSON.stringify(id).slice(0, 80)}`, came);
      },
    }),
  ),
  {
    id: "http.infer.id-absent",
    rule: "A request without an id is answered; an id of the answer is a string or isn't there.",
    source: response,
    needs: noHalf,
    check: async (probe) => {
      const { id } = objectOf(await probe.infer());
      check(id === undefined || typeof id === "string", "no id, or a string", id);
    },
  },
  {
    id: "http.infer.parameters-form",
    rule: "Parameters of an answer are optional; where they stand, they are strings, numbers or booleans by name.",
    source: rest("parameters"),
    needs: noHalf,
    check: async (probe) => {
      const { members, outputs } = await answer(probe);
      for (const { parameters = {} } of [members, ...outputs.map((output) => output.members)]) {
        const isRight = isObject(parameters) && Object.values(parameters).every((value) => typeof value !== "object");
        check(isRight, "parameters of strings, numbers and booleans", parameters);
      }
    },
  },
  {
    id: "http.infer.outputs",
    rule: "A request that names no outputs is answered with all that the metadata list.",
    source: request,
    needs: noHalf,
    check: async (probe) => {
      const names = (await answer(probe)).outputs.map(({ name }) => name);
      const expected = probe.model.outputs.map(({ name }) => name);
      check(String([...names].sort()) === String([...expected].sort()), `outputs ${expected.join(", ")}`, names);
    },
  },
  {
    id: "http.infer.output-datatype",
    rule: "Each output has the data type that the metadata give it.",
    source: rest("response-output"),
    needs: noHalf,
    check: async (probe) => {
      for (const { name, datatype } of (await answer(probe)).outputs) {
        const expected = probe.model.outputs.find((each) => each.name === name)?.datatype;
        check(datatype === expected, `${name} of ${expected}`, datatype);
      }
    },
  },
  {
    id: "http.infer.output-shape",
    rule: "Each output has a shape of whole numbers from 0, and of the sizes that the metadata fix.",
    source: rest("response-output"),
    needs: noHalf,
    check: async (probe) => {
      for (const { name, shape } of (await answer(probe)).outputs) {
        const expected = probe.model.outputs.find((each) => each.name === name)?.shape ?? [];
        const fits = shape.every((size, at) => expected[at] === -1 || expected[at] === size);
        const isWhole = shape.every((size) => Number.isInteger(size) && size >= 0);
        check(isWhole && fits && shape.length === expected.length, `${name} of shape [${expected}]`, shape);
      }
    },
  },
  {
    id: "http.infer.shape-product",
    rule: "Each output has as many elements as the product of its shape.",
    source: tensorData,
    needs: noHalf,
    check: async (probe) => (await answer(probe)).outputs.forEach(hasItsElements),
  },
  {
    id: "http.infer.output-elements",
    rule: "The elements of an output are numbers, booleans or strings, as its data type asks.",
    source: tensorData,
    needs: noHalf,
    check: async (probe) => {
      for (const { name, datatype, values } of (await answer(probe)).outputs) {
        const isRight = isElement[datatype] ?? ((value) => typeof value === "number" || value === null);
        check(values.every(isRight), `elements of ${datatype} for ${name}`, values);
      }
    },
  },
  {
    id: "http.infer.row-major-answer",
    rule: "The elements of an output are a flat list, or lists in its own dimensions.",
    source: tensorData,
    needs: noHalf,
    check: async (probe) => {
      for (const { members, shape, name } of (await answer(probe)).outputs) {
        check(
          isFlat(members.data) || hasForm(members.data, shape),
          `data of ${name} flat or as [${shape}]`,
          members.data,
        );
      }
    },
  },
  {
    id: "http.infer.nested-data",
    rule: "Data in their natural dimensions mean what the flat list means.",
    source: tensorData,
    needs: rankTwo,
    check: async (probe) => {
      const inputs = probe.model.row.map((tensor) => ({ ...jsonInput(tensor), data: nest(tensor) }));
      await sameAs(probe, { inputs });
    },
  },
  {
    id: "http.infer.input-order",
    rule: "Inputs are known by their names: their order doesn't matter.",
    source: rest("request-input"),
    needs: inputsTwo,
    check: async (probe) => await sameAs(probe, { inputs: [...probe.model.row].reverse().map(jsonInput) }),
  },
  {
    id: "http.infer.member-order",
    rule: "The members of a JSON object have no order.",
    source: json("4"),
    needs: noHalf,
    check: async (probe) => {
      const inputs = probe.model.row.map((tensor) => Object.fromEntries(Object.entries(jsonInput(tensor)).reverse()));
      await sameAs(probe, { parameters: {}, inputs, id: "1" });
    },
  },
  {
    id: "http.infer.whitespace",
    rule: "Spaces, tabs and line breaks between the tokens of JSON mean nothing.",
    source: json("2"),
    needs: noHalf,
    check: async (probe) => await sameAs(probe, `\r\n\t ${JSON.stringify(probe.request(), undefined, "\t")} \n`),
  },
  {
    id: "http.infer.escapes",
    rule: "A character of a JSON string may be written as an escape.",
    source: json("7"),
    needs: noHalf,
    check: async (probe) => await sameAs(probe, escapeStrings(JSON.stringify(probe.request()))),
  },
  {
    id: "http.infer.charset",
    rule: "The content type of JSON may have parameters.",
    source: rest("inference-request-examples"),
    needs: noHalf,
    check: async (probe) =>
      await sameAs(probe, probe.request(), { headers: { "content-type": "application/json; charset=utf-8" } }),
  },
  {
    id: "http.infer.chunked",
    rule: "A body in chunks, without a length, is read.",
    source: http1("7.1"),
    needs: noHalf,
    check: async (probe) => await sameAs(probe, probe.request(), { isChunked: true }),
  },
  {
    id: "http.infer.batch",
    rule: "Where the first dimension is of any size, two rows go as one batch, and each output has two.",
    source: rest("request-input"),
    needs: batch,
    check: async (probe) => {
      const { row } = probe.model;
      for (const output of readInfer(await probe.infer({}, joinRows(row, row))).outputs) {
        check(output.shape[0] === 2, `two rows of ${output.name}`, output.shape);
        hasItsElements(output);
      }
    },
  },
  {
    id: "http.infer.batch-order",
    rule: "The rows of a batch are row-major and keep their order: each has the answer that it has alone.",
    source: tensorData,
    needs: all(batch, otherRow),
    check: async (probe) => {
      const { row, otherRow } = probe.model;
      const { outputs } = readInfer(await probe.infer({}, joinRows(row, otherRow!)));
      const [first, second] = [await probe.answerTo(row), await probe.answerTo(otherRow!)];
      for (const { name, values } of outputs) {
        const valuesIn = (list: readonly Output[]) => list.find((each) => each.name === name)?.values ?? [];
        const expected = [...valuesIn(first), ...valuesIn(second)];
        check(sameValues(values, expected), `${name}: ${JSON.stringify(expected).slice(0, 100)}`, values);
      }
    },
  },
  ...["request", "input", "output"].map(
    (place): Case => ({
      id: `http.infer.empty-parameters-${place}`,
      rule: `The parameters of ${place === "request" ? "a request" : `an ${place}`} are an object of zero or more: an empty one changes nothing.`,
      source: rest("parameters"),
      needs: noHalf,
      check: async (probe) => {
        const parameters = (is: boolean) => (is ? { parameters: {} } : {});
        const inputs = probe.model.row.map((tensor) => ({ ...jsonInput(tensor), ...parameters(place === "input") }));
        const outputs = probe.model.outputs.map(({ name }) => ({ name, ...parameters(place === "output") }));
        await sameAs(probe, { inputs, outputs, ...parameters(place === "request") });
      },
    }),
  ),
];

export const outputCases: readonly Case[] = [
  {
    id: "http.outputs.one",
    rule: "A request that names one output is answered with that one.",
    source: rest("request-output"),
    needs: outputsTwo,
    check: async (probe) => {
      const { name } = probe.model.outputs[1]!;
      const names = (await answer(probe, { outputs: [{ name }] })).outputs.map((output) => output.name);
      check(String(names) === name, `the output ${name}`, names);
    },
  },
  {
    id: "http.outputs.all",
    rule: "A request that names all outputs is answered with all.",
    source: rest("request-output"),
    needs: noHalf,
    check: async (probe) => {
      const outputs = probe.model.outputs.map(({ name }) => ({ name }));
      const names = (await answer(probe, { outputs })).outputs.map(({ name }) => name).sort();
      const expected = outputs.map(({ name }) => name).sort();
      check(String(names) === String(expected), `outputs ${expected.join(", ")}`, names);
    },
  },
  {
    id: "http.outputs.values",
    rule: "An output has the same elements whether it is named or not.",
    source: rest("request-output"),
    needs: noHalf,
    check: async (probe) => {
      const { name } = probe.model.outputs[0]!;
      const { outputs } = await answer(probe, { outputs: [{ name }] });
      sameAnswer(
        outputs,
        (await probe.answerTo(probe.model.row)).filter((output) => output.name === name),
      );
    },
  },
  ...Object.entries({
    unknown: ["An output that the model doesn't have is refused", [{ name: unknownName }]],
    unnamed: ["An output without a name is refused", [{}]],
    "not-a-list": ["Outputs that aren't a list are refused", { name: unknownName }],
  }).map(
    ([name, [rule, outputs]]): Case => ({
      id: `http.outputs.${name}`,
      rule: `${rule}: a status of 4xx and an error.`,
      source: rest("request-output"),
      needs: noHalf,
      check: async (probe) => isRefused(await probe.infer({ outputs })),
    }),
  ),
];

function nest({ shape, values }: Tensor): unknown {
  const within = (from: number, at: number): unknown => {
    if (at === shape.length) return values[from];
    const step = shape.slice(at + 1).reduce((product, size) => product * size, 1);
    return Array.from({ length: shape[at]! }, (_, index) => within(from + index * step, at + 1));
  };
  return within(0, 0);
}

const isFlat = (data: unknown) => Array.isArray(data) && data.every((each) => !Array.isArray(each));

function hasForm(data: unknown, [size, ...rest]: readonly number[]): boolean {
  if (size === undefined) return !Array.isArray(data);
  return Array.isArray(data) && data.length === size && data.every((each) => hasForm(each, rest));
}

/** Writes the first character of each string as an escape. */
function escapeStrings(text: string): string {
  return text.replaceAll(
    /"([A-Za-z])/g,
    (_, letter: string) => `"\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
