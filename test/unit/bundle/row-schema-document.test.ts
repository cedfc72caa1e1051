/**
 * Goal: schema.json is a closed subset of JSON Schema, and whatever is outside it is refused by property and keyword.
 */
import { expect, test } from "vitest";
import { parseRowSchema } from "../../../bundle/index.js";

type Json = Record<string, unknown>;

const problemsOf = (document: unknown): string[] => {
  const parsed = parseRowSchema(document);
  return "problems" in parsed ? parsed.problems : [];
};
const schemaOf = (properties: Json, rest: Json = {}): Json => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...rest,
});

const types = '"number", "integer", "string", "boolean" or "array", or one of them with "null" as ["number", "null"]';
const numberKeywords =
  "type, title, description, x-unit, x-pii, enum, examples, x-known-categories, minimum, maximum, exclusiveMinimum, exclusiveMaximum";
const stringKeywords =
  "type, title, description, x-unit, x-pii, enum, examples, x-known-categories, minLength, maxLength, pattern, format";
const arrayKeywords = "type, title, description, x-unit, x-pii, items, minItems, maxItems, examples";
const outside = "the subset of JSON Schema that rows are described in does not have it";

const keywords: [string, Json, string][] = [
  [
    "multipleOf",
    { type: "number", multipleOf: 2 },
    `"multipleOf": expected one of the keywords of type "number" (${numberKeywords}), got this keyword; ${outside}`,
  ],
  [
    "$ref",
    { type: "number", $ref: "#/x" },
    `"$ref": expected one of the keywords of type "number" (${numberKeywords}), got this keyword; ${outside}`,
  ],
  [
    "default",
    { type: "number", default: 0 },
    `"default": expected one of the keywords of type "number" (${numberKeywords}), got this keyword; ${outside}`,
  ],
  [
    "a range on a string",
    { type: "string", minimum: 1 },
    `"minimum": expected one of the keywords of type "string" (${stringKeywords}), got this keyword; it goes with type "number" or "integer"`,
  ],
  [
    "a pattern on a number",
    { type: ["number", "null"], pattern: "a" },
    `"pattern": expected one of the keywords of type "number" (${numberKeywords}), got this keyword; it goes with type "string"`,
  ],
  [
    "enum on an array",
    { type: "array", items: { type: "number" }, enum: [[1]] },
    `"enum": expected one of the keywords of type "array" (${arrayKeywords}), got this keyword; it goes with type "number", "integer", "string" or "boolean"`,
  ],
  ["no type", { minimum: 1 }, `"type": expected ${types}, got nothing`],
  ["an unknown type", { type: "date" }, `"type": expected ${types}, got the string "date"`],
  ["an object", { type: "object", properties: {} }, `"type": expected ${types}, got the string "object"`],
  ["null alone", { type: ["null"] }, `"type": expected ${types}, got an array of 1 value`],
  [
    "two types",
    { type: ["string", "integer"] },
    '"type": expected "string" or ["string", "null"], got an array of 2 values',
  ],
  ["null before the type", { type: ["null", "string"] }, `"type": expected ${types}, got an array of 2 values`],
  ["a bound that is no number", { type: "number", minimum: "1" }, '"minimum": expected a number, got the string "1"'],
  [
    "an empty range",
    { type: "number", minimum: 3, maximum: 1 },
    '"minimum": expected a range with a value in it, got 3 to 1',
  ],
  [
    "a range of one excluded value",
    { type: "number", exclusiveMinimum: 1, maximum: 1 },
    '"exclusiveMinimum": expected a range with a value in it, got 1 to 1',
  ],
  [
    "a fractional length",
    { type: "string", minLength: 0.5 },
    '"minLength": expected an integer from 0 up, got the number 0.5',
  ],
  [
    "lengths in the wrong order",
    { type: "string", minLength: 3, maxLength: 2 },
    '"minLength": expected at most 2, which is its "maxLength", got 3',
  ],
  [
    "sizes in the wrong order",
    { type: "array", items: { type: "number" }, minItems: 3, maxItems: 2 },
    '"minItems": expected at most 2, which is its "maxItems", got 3',
  ],
  [
    "a broken pattern",
    { type: "string", pattern: "(" },
    '"pattern": expected a regular expression of ECMA-262 with the u flag, got "("',
  ],
  [
    "a long pattern",
    { type: "string", pattern: "a".repeat(1001) },
    `"pattern": expected a regular expression of at most 1000 characters, got the string "${"a".repeat(60)}…"`,
  ],
  [
    "another format",
    { type: "string", format: "email" },
    '"format": expected "date", "date-time" or "uuid", got the string "email"',
  ],
  [
    "an array without items",
    { type: "array" },
    '"items": expected one scalar type, as {"type": "number"}, got nothing',
  ],
  [
    "an array of arrays",
    { type: "array", items: { type: "array" } },
    '"items.type": expected "number", "integer", "string" or "boolean", got the string "array"',
  ],
  [
    "an empty enum",
    { type: "string", enum: [] },
    '"enum": expected a list of at least one value, got an array of 0 values',
  ],
  [
    "a fraction in an integer's enum",
    { type: "integer", enum: [0.5] },
    '"enum[0]": expected an integer of at most 2^53 - 1, got the number 0.5',
  ],
  ["a value twice", { type: "integer", enum: [1, 1] }, '"enum": expected each value once, got the number 1 again'],
  [
    "null in the enum only",
    { type: "string", enum: ["a", null] },
    '"enum": expected null among the values if, and only if, the type has it, got null, and a "type" without "null"',
  ],
  [
    "null in the type only",
    { type: ["string", "null"], enum: ["a"] },
    '"enum": expected null among the values if, and only if, the type has it, got no null, and a "type" with "null"',
  ],
  [
    "a NUL in the enum",
    { type: "string", enum: ["a\0"] },
    '"enum": expected strings without NUL and lone surrogates, got the string "a\\u0000"',
  ],
  [
    "a range beside enum",
    { type: "integer", enum: [1], minimum: 0 },
    '"minimum": expected no limit beside "enum", got this keyword; the list says it all',
  ],
  [
    "categories of personal data",
    { type: "string", "x-pii": true, "x-known-categories": ["a"] },
    '"x-known-categories": expected no list of values beside "x-pii", got one; a bundle never carries personal data',
  ],
  ["x-pii as text", { type: "string", "x-pii": "yes" }, '"x-pii": expected true or false, got the string "yes"'],
  [
    "an example of null",
    { type: "number", examples: [null] },
    '"examples": expected values of type "number", got null',
  ],
  [
    "a category of another type",
    { type: "string", "x-known-categories": [1] },
    '"x-known-categories[0]": expected a string, got the number 1',
  ],
];

test.each(keywords)("refuses %s", (_, property, expected) => {
  expect(problemsOf(schemaOf({ fine: { type: "number" }, price: property }))).toEqual([
    `schema.json, property "price", keyword ${expected}`,
  ]);
});

const inherited = "a name that JavaScript objects do not already have";
const printable = "a name of 1 to 256 characters, none of them a control character";
const names: [string, string][] = [
  ["__proto__", inherited],
  ["constructor", inherited],
  ["prototype", inherited],
  ["toString", inherited],
  ["hasOwnProperty", inherited],
  ["rows", 'another name ("rows" is how a request wraps many rows)'],
  ["", printable],
  ["a\nb", printable],
  ["a\0", printable],
  ["\ud800", printable],
];
test.each(names)("refuses a property called %j", (name, expected) => {
  const document = JSON.parse(
    `{"type":"object","properties":{${JSON.stringify(name)}:{"type":"number"}},"additionalProperties":false}`,
  );
  expect(problemsOf(document)).toEqual([
    `schema.json, property ${JSON.stringify(name)}: expected ${expected}, got this name`,
  ]);
});

test("refuses a document that is not of the form", () => {
  const unknown = "remove it, or use a version of Plumb that knows it";
  expect(problemsOf(null)).toEqual(["schema.json: expected an object, got null"]);
  expect(
    problemsOf({ ...schemaOf({}), $schema: "x", type: "array", additionalProperties: "no", required: "a" }),
  ).toEqual([
    'schema.json, type: expected "object", got the string "array"',
    'schema.json, required: expected a list of names, got the string "a"',
    'schema.json, additionalProperties: expected false (a row has no other fields), or true (nobody reads them), got the string "no"',
    `schema.json: expected only the members that the format names, got "$schema"; ${unknown}`,
  ]);
  expect(problemsOf({ type: "object", properties: { a: { type: "number" } } })).toEqual([
    "schema.json, additionalProperties: expected false (a row has no other fields), or true (nobody reads them), got nothing",
  ]);
  expect(problemsOf(schemaOf({}))).toEqual(["schema.json, properties: expected at least one property, got none"]);
  expect(problemsOf(schemaOf({ a: 3 }))).toEqual([
    `schema.json, property "a", keyword "type": expected ${types}, got the number 3`,
  ]);
});

test("refuses required names without a property, or twice", () => {
  expect(problemsOf(schemaOf({ price: { type: "number" } }, { required: ["price", "cost", "price"] }))).toEqual([
    'schema.json, required[1]: expected the name of a property, got "cost"',
    'schema.json, required[2]: expected each name once, got "price" again',
  ]);
});

test("reads every keyword of the subset", () => {
  const notes = { title: "t", description: "d", "x-unit": "EUR", "x-pii": false };
  const document = schemaOf(
    {
      a: {
        type: ["number", "null"],
        ...notes,
        minimum: 0,
        maximum: 9,
        examples: [1, null],
        "x-known-categories": [1, 2.5],
      },
      b: { type: "integer", ...notes, exclusiveMinimum: 0, exclusiveMaximum: 9 },
      c: { type: "string", ...notes, minLength: 1, maxLength: 9, pattern: "^a", format: "date", examples: ["a"] },
      d: { type: ["string", "null"], enum: ["a", null] },
      e: { type: "boolean", ...notes, enum: [true] },
      f: { type: ["array", "null"], ...notes, items: { type: "string" }, minItems: 1, maxItems: 3, examples: [["a"]] },
      g: { type: "string", "x-pii": true },
    },
    { title: "t", description: "d", required: ["a"] },
  );
  const parsed = parseRowSchema(document);
  expect(parsed).toHaveProperty("value");
  if (!("value" in parsed)) return;
  expect(parsed.value.document).toEqual(document);
  expect(parsed.value.features).toEqual([
    {
      name: "a",
      type: "number",
      nullable: true,
      required: true,
      pii: false,
      unit: "EUR",
      minimum: 0,
      maximum: 9,
      knownCategories: [1, 2.5],
    },
    {
      name: "b",
      type: "integer",
      nullable: false,
      required: false,
      pii: false,
      unit: "EUR",
      exclusiveMinimum: 0,
      exclusiveMaximum: 9,
    },
    {
      name: "c",
      type: "string",
      nullable: false,
      required: false,
      pii: false,
      unit: "EUR",
      minLength: 1,
      maxLength: 9,
      pattern: /^a/u,
      format: "date",
    },
    { name: "d", type: "string", nullable: true, required: false, pii: false, values: ["a", null] },
    { name: "e", type: "boolean", nullable: false, required: false, pii: false, unit: "EUR", values: [true] },
    {
      name: "f",
      type: "array",
      itemType: "string",
      nullable: true,
      required: false,
      pii: false,
      unit: "EUR",
      minItems: 1,
      maxItems: 3,
    },
    { name: "g", type: "string", nullable: false, required: false, pii: true },
  ]);
});
