/** Requests over HTTP that are wrong, each by one thing. */

import { Buffer } from "node:buffer";
import type { Case } from "../case.js";
import { check } from "../mismatch.js";
import { type Probe, unknownName } from "../probe.js";
import { isObject, isOk, isRefused, isTakenOrRefused, type Members, parseJson } from "../reply.js";
import { http, http1, json, rest } from "../sources.js";
import { elementCount, jsonInput, type Value } from "../tensors.js";
import { batch, fixedAt, fixedSize, noHalf } from "./needs.js";

const request = rest("inference-request-json-object");
const requestInput = rest("request-input");
const tensorData = rest("tensor-data");
const asError = rest("inference-response-json-error-object");

/** The first input with other members; undefined takes one away. */
const firstInput =
  (change: (input: Members) => Members) =>
  async (probe: Probe): Promise<void> =>
    isRefused(await probe.inferFirst((input) => ({ ...input, ...change(input) })));

const body = (text: string) => async (probe: Probe) => isRefused(await probe.inferText(text));

const refusals = (area: string, source: string, cases: Readonly<Record<string, readonly [string, Case["check"]]>>) =>
  Object.entries(cases).map(
    ([name, [what, check]]): Case => ({
      id: `http.${area}.${name}`,
      rule: `${what}: refused, with a status of 4xx and an error.`,
      source,
      needs: noHalf,
      check,
    }),
  );

const dataOf = ({ data }: Members) => data as readonly Value[];
const shapeOf = ({ shape }: Members) => shape as readonly number[];

export const shapeCases: readonly Case[] = [
  ...refusals("shape", tensorData, {
    more: [
      "A tensor with one element more than its shape",
      firstInput((input) => ({ data: [...dataOf(input), dataOf(input)[0]] })),
    ],
    fewer: ["A tensor with one element less than its shape", firstInput((input) => ({ data: dataOf(input).slice(1) }))],
    ragged: [
      "A tensor whose lists differ in length, which is neither flat nor in its dimensions",
      firstInput((input) => ({
        shape: [2, ...shapeOf(input).slice(1)],
        data: [[...dataOf(input), dataOf(input)[0]], dataOf(input).slice(1)],
      })),
    ],
    "too-deep": [
      "A tensor in more dimensions than its shape has",
      firstInput((input) => ({ data: [[[[[dataOf(input)]]]]] })),
    ],
  }),
  ...refusals("shape", requestInput, {
    missing: ["A tensor without a shape", firstInput(() => ({ shape: undefined }))],
    "not-a-list": ["A shape that is no list", firstInput(() => ({ shape: 1 }))],
    negative: ["A dimension below 0", firstInput((input) => ({ shape: [-1, ...shapeOf(input).slice(1)] }))],
    fraction: ["A dimension that isn't whole", firstInput((input) => ({ shape: [1.5, ...shapeOf(input).slice(1)] }))],
    text: ["A dimension that is text", firstInput((input) => ({ shape: ["one", ...shapeOf(input).slice(1)] }))],
    huge: [
      "A shape of more elements than anything could hold",
      firstInput((input) => ({ shape: [2 ** 52, ...shapeOf(input).slice(1)] })),
    ],
    overflow: [
      "A shape whose product is 0 in 64 bits, with no elements",
      firstInput(() => ({ shape: [2 ** 32, 2 ** 32], data: [] })),
    ],
    rank: [
      "A shape of more dimensions than the model's",
      firstInput((input) => ({ shape: [...shapeOf(input), 1, 1, 1] })),
    ],
  }),
  {
    id: "http.shape.wrong-size",
    rule: "A dimension of another size than the metadata fix is refused: a status of 4xx and an error.",
    source: rest("model-metadata-response-json-object"),
    needs: fixedSize,
    check: async (probe) => {
      const at = fixedAt(probe.model);
      await firstInput((input) => {
        const shape = shapeOf(input).map((size, index) => (index === at ? size + 1 : size));
        return { shape, data: Array.from({ length: elementCount(shape) }, () => dataOf(input)[0]) };
      })(probe);
    },
  },
  {
    id: "http.shape.zero-rows",
    rule: "A batch of no rows is answered or refused: 200, or 4xx with an error. It is no failure of the server.",
    source: requestInput,
    needs: batch,
    check: async (probe) => {
      const empty = probe.model.row.map((tensor) => ({ ...tensor, shape: [0, ...tensor.shape.slice(1)], values: [] }));
      isTakenOrRefused(await probe.infer({}, empty));
    },
  },
];

export const errorCases: readonly Case[] = [
  ...refusals("errors", json("2"), {
    "not-json": ["A body that isn't JSON", body("inputs: none")],
    truncated: [
      "A body that ends within its JSON",
      async (probe) => isRefused(await probe.inferText(JSON.stringify(probe.request()).slice(0, -4))),
    ],
    trailing: [
      "A body with text behind its JSON",
      async (probe) => isRefused(await probe.inferText(`${JSON.stringify(probe.request())} x`)),
    ],
    nan: [
      "A body with NaN, which JSON doesn't have",
      async (probe) =>
        isRefused(await probe.inferText(JSON.stringify(probe.request()).replace(/"data":\[[^\]]*\]/, '"data":[NaN]'))),
    ],
  }),
  ...refusals("errors", request, {
    empty: ["An empty body", body("")],
    list: ["A body that is a list", body("[]")],
    null: ["A body that is null", body("null")],
    "inputs-missing": ["A request without inputs", body("{}")],
    "inputs-not-a-list": ["Inputs that aren't a list", body('{"inputs":{}}')],
    "inputs-empty": ["A request whose list of inputs is empty", body('{"inputs":[]}')],
    "inputs-of-text": ["An input that isn't an object", body('{"inputs":["x"]}')],
    "parameters-list": [
      "Parameters that are a list",
      async (probe) => isRefused(await probe.infer({ parameters: [1] })),
    ],
  }),
  ...refusals("errors", requestInput, {
    "input-unknown": ["A tensor that the model doesn't have", firstInput(() => ({ name: unknownName }))],
    "input-unnamed": ["A tensor without a name", firstInput(() => ({ name: undefined }))],
    "name-number": ["A tensor whose name is a number", firstInput(() => ({ name: 7 }))],
    "datatype-missing": ["A tensor without a data type", firstInput(() => ({ datatype: undefined }))],
    "datatype-number": ["A data type that is a number", firstInput(() => ({ datatype: 7 }))],
    "data-missing": ["A tensor without data", firstInput(() => ({ data: undefined }))],
  }),
  ...refusals("errors", rest("tensor-data-types"), {
    "datatype-unknown": ["A data type that isn't in the protocol's table", firstInput(() => ({ datatype: "FLOAT" }))],
    "datatype-lower-case": [
      "A data type in lower case",
      firstInput(({ datatype }) => ({ datatype: String(datatype).toLowerCase() })),
    ],
  }),
  ...refusals("errors", tensorData, {
    "data-number": ["Data that are no list", firstInput(() => ({ data: 1 }))],
    "data-text": ["Data that are text", firstInput(() => ({ data: "1" }))],
    "element-object": [
      "An element that is an object",
      firstInput((input) => ({ data: dataOf(input).map(() => ({})) })),
    ],
  }),
  {
    id: "http.errors.input-missing",
    rule: "The metadata list the inputs that the model requires: of the requests that lack one of them, some are refused with 4xx and an error, and none is a failure of the server.",
    source: rest("model-metadata-response-json-object"),
    needs: noHalf,
    check: async (probe) => {
      const inputs = probe.model.row.map(jsonInput);
      const statuses: number[] = [];
      for (const left of inputs.slice(0, 20)) {
        const reply = await probe.inferText({ inputs: inputs.filter((each) => each !== left) });
        isTakenOrRefused(reply);
        statuses.push(reply.status);
      }
      check(
        statuses.some((status) => status >= 400),
        "a status of 4xx for some",
        statuses,
      );
    },
  },
  {
    id: "http.errors.object",
    rule: "The body of a refused request has the message as a string in error, and no outputs beside it.",
    source: asError,
    check: async (probe) => {
      const value = parseJson(await probe.inferText("{}"));
      check(isObject(value) && typeof value.error === "string" && !("outputs" in value), '{"error": "<text>"}', value);
    },
  },
  {
    id: "http.errors.content-type",
    rule: "The body of a refused request is JSON by its content type.",
    source: json("1"),
    check: async (probe) => {
      const type = (await probe.inferText("{}")).headers["content-type"];
      check(/^application\/json\b/i.test(String(type)), "content-type application/json", type);
    },
  },
  {
    id: "http.errors.goes-on",
    rule: "A refused request changes nothing for the next one: the same good request is answered after it.",
    source: http1("9.3"),
    needs: noHalf,
    check: async (probe) => {
      await probe.inferText("{}");
      isOk(await probe.infer());
    },
  },
  {
    id: "http.errors.not-utf8",
    rule: "JSON is UTF-8: a body with other bytes is refused, or taken with replaced characters; it is no failure of the server.",
    source: json("8.1"),
    needs: noHalf,
    check: async (probe) => {
      const [before, after] = JSON.stringify(probe.request({ id: "@@" })).split("@@");
      const bytes = Buffer.concat([Buffer.from(before!), Buffer.from([0xff, 0xfe]), Buffer.from(after!)]);
      isTakenOrRefused(await probe.send("POST", `${probe.address}/infer`, { body: bytes }));
    },
  },
  {
    id: "http.errors.deep",
    rule: "A body nested 10,000 lists deep is refused: a status of 4xx. It is no failure of the server.",
    source: http("15.5.1"),
    check: async (probe) => {
      const reply = await probe.inferText(`{"inputs":${"[".repeat(10_000)}${"]".repeat(10_000)}}`);
      isRefused(reply);
    },
  },
];
