/** Goal: protobuf's JSON is read and written as another maker's library does, and nothing that comes breaks it. */

import { Buffer } from "node:buffer";
import { create, fromBinary, fromJson, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServeError } from "../../server/errors.js";
import { takeWhole } from "../../server/path/sliced-work.js";
import { outermostTexts } from "../../server/protocol/json/outermost-texts.js";
import { readToJson, writeFromJson } from "../../server/protocol/protobuf/json.js";
import { inferenceSchema } from "../support/inference-messages.js";
import type { Loose } from "../support/typed-proto.js";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const list = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 4 });
const choice = (value: string, of: fc.Arbitrary<unknown>) =>
  of.map((one) => ({ parameterChoice: { case: value, value: one } }));
const parameters = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  fc.oneof(
    choice("boolParam", fc.boolean()),
    choice("int64Param", int64),
    choice("stringParam", text),
    choice("doubleParam", fc.double()),
    choice("uint64Param", uint64),
  ),
  { maxKeys: 3 },
);
const contents = fc.record({
  boolContents: list(fc.boolean()),
  intContents: list(fc.integer()),
  int64Contents: list(int64),
  uintContents: list(fc.nat().map((value) => value * 2)),
  uint64Contents: list(uint64),
  fp32Contents: list(fc.float()),
  fp64Contents: list(fc.double()),
  bytesContents: list(fc.uint8Array({ maxLength: 5 })),
});
const tensor = fc.record({ name: text, datatype: text, shape: list(int64), parameters, contents });
const infer = fc
  .record({
    modelName: text,
    modelVersion: text,
    id: text,
    parameters,
    inputs: list(tensor),
    outputs: list(fc.record({ name: text, parameters })),
    rawInputContents: list(fc.uint8Array({ maxLength: 9 })),
  })
  .map((members) => create(inferenceSchema("ModelInferRequest"), members as Loose));
const config = fc
  .record({
    name: text,
    platform: text,
    maxBatchSize: fc.integer(),
    input: list(fc.record({ name: text, dataType: fc.nat(13), dims: list(int64) })),
  })
  .map((members) => create(inferenceSchema("ModelConfig"), members as Loose));

const write = (name: string, members: Loose) => takeWhole(writeFromJson(`inference.${name}`, members)).finish();

describe("another maker's library", () => {
  test("writes JSON that is read as it was meant", () => {
    const check = (name: string) => (message: Message) => {
      const schema = inferenceSchema(name);
      const bytes = write(name, JSON.parse(toJsonString(schema, message)));
      expect(toJsonString(schema, fromBinary(schema, bytes))).toBe(toJsonString(schema, message));
    };
    fc.assert(fc.property(infer, check("ModelInferRequest")));
    fc.assert(fc.property(config, check("ModelConfig")));
  });

  test("reads what is written", () => {
    const check = (name: string) => (message: Message) => {
      const schema = inferenceSchema(name);
      const json = JSON.parse(readToJson(`inference.${name}`, Buffer.from(toBinary(schema, message))));
      expect(toBinary(schema, fromJson(schema, json))).toEqual(toBinary(schema, message));
    };
    fc.assert(fc.property(infer, check("ModelInferRequest")));
    fc.assert(fc.property(config, check("ModelConfig")));
  });

  test("reads the sign of zero", () => {
    const schema = inferenceSchema("InferTensorContents");
    const message = create(schema, { fp64Contents: [0, -0, 1], fp32Contents: [-0] } as Loose);
    const text = readToJson("inference.InferTensorContents", Buffer.from(toBinary(schema, message)));
    expect(text).toBe('{"fp32Contents":[-0],"fp64Contents":[0,-0,1]}');
  });

  test("any JSON is a message or the caller's fault", () => {
    const schema = inferenceSchema("ModelInferRequest");
    const names = [...schema.fields, ...inferenceSchema("ModelInferRequest.InferInputTensor").fields].flatMap(
      (field) => [field.jsonName, field.name],
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        fc.jsonValue(),
        text,
        fc.constantFrom("NaN", "1", "-9223372036854775809", null),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie("any"), { maxKeys: 4 }),
      ),
    })).any;
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.constantFrom(...names), text), value), (members) => {
        try {
          fromBinary(schema, write("ModelInferRequest", members));
        } catch (error) {
          expect(error).toBeInstanceOf(ServeError);
          expect((error as ServeError).code).toBe("malformed_body");
        }
      }),
      { numRuns: 500 },
    );
  });
});

test.each<[string, object, RegExp]>([
  ["a member that isn't there", { modelNam: "x" }, /^the body: expected each of "modelName", .* got "modelNam"$/],
  ["a member by both its names", { modelName: "x", model_name: "y" }, /at most once, got "model_name"$/],
  ["a number for a text", { id: 5 }, /^id: expected a string, got/],
  [
    "a number that lost digits",
    { inputs: [{ shape: [2 ** 53 + 2] }] },
    /^inputs\[0\]\.shape\[0\]: expected an integer/,
  ],
  [
    "a text that is no number",
    { inputs: [{ contents: { fp64Contents: ["x"] } }] },
    /fp64Contents\[0\]: expected a number/,
  ],
  ["a float32 that is too large", { inputs: [{ contents: { fp32Contents: [1e39] } }] }, /a number of 32 bits/],
  [
    "an integer out of its range",
    { inputs: [{ contents: { uintContents: [-1] } }] },
    /an integer from 0 to 4294967295/,
  ],
  ["no base64", { rawInputContents: ["*"] }, /^rawInputContents\[0\]: expected base64/],
  ["a list for an object", { parameters: [] }, /^parameters: expected an object/],
])("%s is refused", (_, members, words) => {
  expect(() => write("ModelInferRequest", members)).toThrow(words);
});

describe("the texts of a body's outermost object", () => {
  const names = new Set(["modelName", "modelVersion"]);
  const find = (body: string) => Object.fromEntries(outermostTexts(Buffer.from(body), names, 2));

  test("are those that a parser finds, wherever they stand", () => {
    const members = fc.dictionary(fc.oneof(fc.constantFrom(...names), text), fc.oneof(text, fc.jsonValue()));
    fc.assert(
      fc.property(members, fc.nat(2), (object, indent) => {
        const wanted = Object.entries(object).filter(([name, value]) => names.has(name) && typeof value === "string");
        expect(find(JSON.stringify(object, null, indent))).toEqual(Object.fromEntries(wanted));
      }),
    );
  });

  test.each([
    ['{"a":"\\\\","modelName":"x"}', { modelName: "x" }],
    ['{"a":"\\"modelName","modelName":"\\u00e9"}', { modelName: "é" }],
    ['{"a":{"modelName":"inner"},"b":["modelName","x"],"modelVersion":"2"}', { modelVersion: "2" }],
    ['{"modelName":"x', {}],
    ['{"modelName', {}],
    ["]]]{{", {}],
    ["", {}],
  ])("%s", (body, expected) => {
    expect(find(body)).toEqual(expected);
  });
});
