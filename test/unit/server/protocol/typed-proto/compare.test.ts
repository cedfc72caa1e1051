/** Goal: what would break a caller's program is found before a version is served, and said in a sentence. */

import { expect, test } from "vitest";
import { protoBreaks } from "../../../../../server/protocol/typed-proto/compare.js";
import { binaryGraph, makeVersion, type VersionOptions } from "../../../../support/versions.js";

// biome-ignore lint/suspicious/noExplicitAny: properties of a schema
type Properties = Record<string, any>;

const number = { type: "number" };
const before: Properties = { x: number, size: number, colour: { type: "string" } };
const numbers = { x: 1, size: 2, colour: 3 };

function version(properties: Properties, fields?: Record<string, number>, options: VersionOptions = {}) {
  const schema = { type: "object", properties, required: ["x"], additionalProperties: false };
  return Object.assign(makeVersion({ schema, ...options }), { protoNumbers: fields });
}

const breaksOf = (after: ReturnType<typeof version>, fields?: Record<string, number>) =>
  protoBreaks(version(before, fields), after);

test.each<[string, Properties, Record<string, number> | undefined]>([
  ["the same", before, undefined],
  ["the same in words", before, numbers],
  ["one more", { ...before, more: number }, undefined],
  ["one less, whose number is reserved", { x: number, colour: before.colour }, numbers],
  ["another order, with the numbers kept", { colour: before.colour, size: number, x: number }, numbers],
  ["what may be missing may not", { ...before, size: { type: ["number", "null"] } }, undefined],
])("%s breaks nothing", (_, properties, fields) => {
  expect(breaksOf(version(properties, fields))).toEqual([]);
});

const keep = (name: string, at: number) => `; keep "${name}": ${at} in the manifest's proto.fields`;

test.each<[string, Properties, Record<string, number> | undefined, string[]]>([
  [
    "another type",
    { ...before, size: { type: "integer" } },
    undefined,
    ['Row, field 2, "size": expected optional double as in version 1, got optional int64'],
  ],
  [
    "a list",
    { ...before, size: { type: "array", items: number, minItems: 1 } },
    undefined,
    ['Row, field 2, "size": expected optional double as in version 1, got repeated double'],
  ],
  [
    "one less, without a word",
    { x: number, size: number },
    undefined,
    [`Row, field 3: expected "colour" as in version 1, or its number reserved, got neither${keep("colour", 3)}`],
  ],
  [
    "a number that is used again",
    { x: number, size: number, price: { type: "string" } },
    { x: 1, size: 2, price: 3 },
    ['Row, field 3: expected "colour" as in version 1, or nothing, got "price": a number is never used again'],
  ],
  [
    "another order",
    { x: number, colour: before.colour, size: number },
    undefined,
    [
      `Row, field 2: expected "size" as in version 1, which has the number 3 now${keep("size", 2)}`,
      `Row, field 3: expected "colour" as in version 1, which has the number 2 now${keep("colour", 3)}`,
    ],
  ],
])("%s breaks callers", (_, properties, fields, sentences) => {
  expect(breaksOf(version(properties, fields))).toEqual(sentences);
});

test("a number that was reserved stays so", () => {
  const fields = { ...numbers, gone: 4 };
  expect(breaksOf(version(before, fields), fields)).toEqual([]);
  expect(breaksOf(version(before, numbers), fields)).toEqual([
    `Row, field 4: expected it reserved as in version 1, got nothing${keep("gone", 4)}`,
  ]);
  expect(breaksOf(version({ ...before, more: number }, { ...numbers, more: 4 }), fields)).toEqual([
    `Row, field 4: expected it reserved as in version 1, got "more"${keep("gone", 4)}`,
  ]);
});

test("a prediction of another kind breaks callers", () => {
  const labels = { postprocessing: binaryGraph(["no", "yes"]), task: "classification" } as const;
  expect(breaksOf(version(before, undefined, labels))).toEqual([
    'Prediction, field 1, "value": expected optional double as in version 1, got optional string',
  ]);
  expect(protoBreaks(version(before, undefined, labels), version(before))).toEqual([
    'Prediction, field 1, "value": expected optional string as in version 1, got optional double',
    'Prediction, field 2: expected "probabilities" as in version 1, got nothing',
    'Prediction, field 3: expected "top" as in version 1, got nothing',
  ]);
});

test("another model is no other version", () => {
  expect(breaksOf(version(before, undefined, { name: "other" }))).toEqual([
    'expected another version of "tiny", got one of "other": a service of its own',
  ]);
});
