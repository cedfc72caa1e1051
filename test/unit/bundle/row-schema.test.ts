/**
 * Goal: what a row may hold, and in what words a row that breaks a rule is refused. Rows are JSON texts, as callers
 * send them.
 */
import { expect, test } from "vitest";
import { parseRowSchema, type RowSchema } from "../../../bundle/index.js";

type Json = Record<string, unknown>;

function schemaOf(properties: Json, required: string[] = Object.keys(properties)): RowSchema {
  const parsed = parseRowSchema({ type: "object", properties, required, additionalProperties: false });
  if ("problems" in parsed) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

const demand = schemaOf({
  price: { type: ["number", "null"], minimum: 0, maximum: 100 },
  promo: { type: "integer" },
  store: { type: "string", minLength: 1, maxLength: 4 },
});
const good = { price: 5.5, promo: 1, store: "s1" };

/** Text of a good row with one field's text replaced. */
const withField = (field: string, text: string): string =>
  `{${Object.entries({ ...good, [field]: undefined })
    .map(([name, value]) => `${JSON.stringify(name)}:${name === field ? text : JSON.stringify(value)}`)
    .join(",")}}`;

const accepted: [string, string][] = [
  ["price", "0"],
  ["price", "-0"],
  ["price", "100"],
  ["price", "1e-400"],
  ["price", "null"],
  ["promo", "1.0"],
  ["promo", "-9007199254740991"],
  ["store", '"𝒳𝒳𝒳𝒳"'],
  ["store", '" "'],
];
test.each(accepted)("takes %s %s", (field, text) => {
  const row: unknown = JSON.parse(withField(field, text));
  expect(demand.accepts(row)).toBe(true);
  expect(demand.issues(row, 0)).toEqual([]);
});

const price = "a number from 0 to 100 or null";
const store = "a string of 1 to 4 characters";
const lost = "an integer beyond 2^53 - 1, where digits are lost (send long ids as strings)";
const refused: [string, string, string, string][] = [
  ["price", '"n/a"', price, 'the string "n/a"'],
  ["price", '"5"', price, 'the string "5"'],
  ["price", '""', price, "an empty string"],
  ["price", "true", price, "true"],
  ["price", "100.00000000000001", price, "the number 100.00000000000001"],
  ["price", "-1e-300", price, "the number -1e-300"],
  ["price", "1e999", price, "a number beyond the range of float64"],
  ["price", "-1e999", price, "a number beyond the range of float64"],
  ["price", "[1]", price, "an array of 1 value"],
  ["price", '{"a":1}', price, "an object"],
  ["promo", "null", "an integer", "null"],
  ["promo", "0.5", "an integer", "the number 0.5"],
  ["promo", "9007199254740993", "an integer", lost],
  ["promo", "-9007199254740992", "an integer", lost],
  ["promo", "1e30", "an integer", lost],
  ["promo", "1e999", "an integer", "a number beyond the range of float64"],
  ["promo", "false", "an integer", "false"],
  ["store", "1", store, "the number 1"],
  ["store", '""', store, "an empty string"],
  ["store", '"abcde"', store, 'the string "abcde"'],
  ["store", '"a\\u0000b"', store, "a string with a NUL character"],
  ["store", '"\\ud800"', store, "a string with half a surrogate pair"],
  ["store", '"\\udc00a"', store, "a string with half a surrogate pair"],
  ["store", `"${"x".repeat(5000)}"`, store, `the string "${"x".repeat(60)}…"`],
];
test.each(refused)("refuses %s %s", (field, text, expected, got) => {
  const row: unknown = JSON.parse(withField(field, text));
  expect(demand.accepts(row)).toBe(false);
  expect(demand.issues(row, 3)).toEqual([{ row: 3, feature: field, expected, got }]);
});

test("refuses NaN, which no JSON holds, all the same", () => {
  expect(demand.accepts({ ...good, price: Number.NaN })).toBe(false);
  expect(demand.issues({ ...good, price: Number.NaN }, 0)).toMatchObject([{ feature: "price", got: "NaN" }]);
});

test("refuses a field that is missing, and one that is unknown, without repeating its value", () => {
  const row = { price: 1, store: "a", Promo: "secret" };
  expect(demand.accepts(row)).toBe(false);
  expect(demand.issues(row, 0)).toEqual([
    { row: 0, feature: "promo", expected: "an integer", got: "nothing" },
    {
      row: 0,
      feature: "Promo",
      expected: 'no field of this name; the features are "price", "promo" and "store"',
      got: "a string",
    },
  ]);
});

test.each(['{"__proto__":{}}', '{"__proto__":null}', '{"__proto__":1}', '{"constructor":1}', '{"toString":1}'])(
  "refuses a row with %s in it",
  (text) => {
    const row: unknown = JSON.parse(`${JSON.stringify(good).slice(0, -1)},${text.slice(1)}`);
    expect(demand.accepts(row)).toBe(false);
    expect(demand.issues(row, 0)).toMatchObject([{ feature: Object.keys(JSON.parse(text))[0] }]);
  },
);

test.each(["null", "1", '"a"', "[]", "[[]]", "true"])("refuses %s, which is no row", (text) => {
  const row: unknown = JSON.parse(text);
  expect(demand.accepts(row)).toBe(false);
  expect(demand.issues(row, 2)).toMatchObject([
    { row: 2, feature: "", expected: "an object with one member per feature" },
  ]);
});

test("an optional feature may be absent, but null only where its type has it", () => {
  const schema = schemaOf({ a: { type: "number" }, b: { type: ["string", "null"] }, c: { type: "boolean" } }, ["c"]);
  for (const row of [{ c: true }, { a: 1, c: true }, { b: null, c: false }, { a: 1, b: "x", c: true }])
    expect(schema.accepts(row)).toBe(true);
  for (const row of [{}, { a: null, c: true }, { a: undefined, c: true }, { c: true, d: 1 }, { a: 1, c: true, d: 1 }]) {
    expect(schema.accepts(row)).toBe(false);
    expect(schema.issues(row, 0)).toHaveLength(1);
  }
});

const expectations: [Json, string][] = [
  [{ type: "number" }, "a number"],
  [{ type: ["integer", "null"] }, "an integer or null"],
  [{ type: "number", minimum: 0.5 }, "a number of at least 0.5"],
  [{ type: "number", exclusiveMinimum: 0, maximum: 1 }, "a number above 0 and of at most 1"],
  [{ type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 9 }, "an integer above 0 and below 9"],
  [{ type: "boolean" }, "true or false"],
  [{ type: "string" }, "a string"],
  [{ type: "string", minLength: 2, maxLength: 2 }, "a string of 2 characters"],
  [{ type: "string", maxLength: 3, pattern: "^a" }, 'a string of at most 3 characters that matches "^a"'],
  [{ type: "string", format: "date" }, "a date (as 2026-11-22)"],
  [{ type: "string", format: "date-time" }, "a time with its offset (as 2026-11-22T08:00:00Z)"],
  [{ type: "string", format: "uuid" }, "a UUID"],
  [{ type: "string", enum: ["red", "blue"] }, 'one of "red" and "blue"'],
  [{ type: ["integer", "null"], enum: [1, 2, null] }, "one of 1, 2 and null"],
  [{ type: "integer", enum: [7] }, "7"],
  [{ type: "array", items: { type: "number" } }, "an array of numbers"],
  [{ type: "array", items: { type: "integer" }, minItems: 1, maxItems: 3 }, "an array of 1 to 3 integers"],
];
test.each(expectations)("%j expects %s", (property, expected) => {
  expect(schemaOf({ a: property }).issues({ a: {} }, 0)).toEqual([
    { row: 0, feature: "a", expected, got: "an object" },
  ]);
});

const forms: [Json, unknown[], unknown[]][] = [
  [{ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, [0.5], [0, 1, -1]],
  [{ type: "integer", enum: [1, 2] }, [1, -0 + 1, 2], [0, 1.5, "1", true, null]],
  [{ type: "number", enum: [0, 0.1] }, [0, -0, 0.1], [0.10000000000000002, false]],
  [{ type: "boolean", enum: [true] }, [true], [false, 1]],
  [{ type: ["string", "null"], enum: ["", null] }, ["", null], ["null", 0]],
  [{ type: "string", pattern: "b" }, ["abc"], ["ac", ""]],
  [{ type: "string", pattern: "^.$" }, ["𝒳"], ["ab"]],
  [
    { type: "string", format: "date" },
    ["2024-02-29"],
    ["2023-02-29", "2024-2-29", "2024-02-29T00:00:00Z", "2024-02-29\n"],
  ],
  [
    { type: "string", format: "date-time" },
    ["2026-11-22T08:00:00Z", "2026-11-22T08:00:00.5+01:00"],
    ["2026-11-22T08:00:00", "2026-11-22 08:00:00Z", "2026-11-22T25:00:00Z"],
  ],
  [
    { type: "string", format: "uuid" },
    ["9f86d081-884c-7d65-9a2f-eaa0c55ad015"],
    ["9f86d081884c7d659a2feaa0c55ad015", ""],
  ],
  [
    { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 2 },
    [[1], [1, 2]],
    [[], [1, 2, 3], [0.5], [null], "1", { 0: 1, length: 1 }],
  ],
  [{ type: "array", items: { type: "string" } }, [[], ["a"]], [["a\0"], ["\ud800"], [["a"]]]],
];
test.each(forms)("%j takes %j and refuses %j", (property, goodValues, badValues) => {
  const schema = schemaOf({ a: property });
  for (const a of goodValues)
    expect({ a, ok: schema.accepts({ a }), issues: schema.issues({ a }, 0) }).toEqual({ a, ok: true, issues: [] });
  for (const a of badValues)
    expect({ a, ok: schema.accepts({ a }), issues: schema.issues({ a }, 0).length }).toEqual({
      a,
      ok: false,
      issues: 1,
    });
});

test("says which item of an array is wrong", () => {
  const schema = schemaOf({ a: { type: "array", items: { type: "number" } } });
  expect(schema.issues({ a: [1, "x", 3] }, 0)[0]!.got).toBe('an array with the string "x" at index 1');
});

test("never repeats personal data", () => {
  const schema = schemaOf({
    name: { type: "string", maxLength: 3, "x-pii": true },
    age: { type: "integer", maximum: 150, "x-pii": true },
    ids: { type: "array", items: { type: "integer" }, "x-pii": true },
  });
  const got = (row: Json) => schema.issues(row, 0).map((issue) => issue.got);
  expect(got({ name: "Ada Lovelace", age: 210, ids: ["secret"] })).toEqual([
    "a string (hidden: personal data)",
    "a number (hidden: personal data)",
    "an array with a string (hidden: personal data) at index 0",
  ]);
  expect(got({ name: null, age: true, ids: 7 })).toEqual([
    "null",
    "a boolean (hidden: personal data)",
    "a number (hidden: personal data)",
  ]);
});

test("names ten unknown fields, and counts the rest", () => {
  const row = { ...good, ...Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`x${index}`, index])) };
  const issues = demand.issues(row, 0);
  expect(issues).toHaveLength(11);
  expect(issues.at(-1)).toEqual({
    row: 0,
    feature: "",
    expected: "only fields that the schema names",
    got: "990 more unknown fields",
  });
  expect(demand.issues({ ...good, ["x".repeat(10_000)]: 1 }, 0)[0]!.feature).toBe(`${"x".repeat(256)}…`);
});

test("a schema of many features, more than one compiled group holds, keeps every rule", () => {
  const names = Array.from({ length: 100 }, (_, index) => `feature_${index}`);
  const schema = schemaOf(
    Object.fromEntries(names.map((name) => [name, { type: "number", minimum: 0 }])),
    names.filter((_, index) => index % 2 === 0),
  );
  const row: Json = Object.fromEntries(names.map((name) => [name, 1]));
  expect(schema.accepts(row)).toBe(true);
  for (const name of names) {
    const { [name]: _, ...without } = row;
    expect(schema.accepts({ ...row, [name]: -1 })).toBe(false);
    expect(schema.accepts(without)).toBe(Number(name.slice(8)) % 2 === 1);
    expect(schema.accepts({ ...without, other: 1 })).toBe(false);
  }
});

test("takes fields that nobody reads where the schema says so, but none that looks like a feature misspelt", () => {
  const properties = { net_price: { type: "number" }, ab: { type: "number" } };
  const open = parseRowSchema({ type: "object", properties, required: ["net_price"], additionalProperties: true });
  if ("problems" in open) throw new Error(open.problems.join("\n"));
  const schema = open.value;
  const row = { net_price: 1, ab: 2 };
  for (const field of ["customer", "id", "x", "ac", "net", "net_prices_of_all", "漢".repeat(400)]) {
    expect([field, schema.accepts({ ...row, [field]: "any" })]).toEqual([field, true]);
    expect(schema.issues({ ...row, [field]: {} }, 0)).toEqual([]);
    expect(schema.ignored?.count({ ...row, [field]: null })).toBe(1);
  }
  for (const field of ["Net_Price", "netprice", "net_price_", "net_prise", "net_prices", "et_price", "AB", "a_b"]) {
    expect([field, schema.accepts({ ...row, [field]: "any" })]).toEqual([field, false]);
    expect(schema.issues({ ...row, [field]: 1 }, 3)).toMatchObject([{ row: 3, feature: field, got: "a number" }]);
  }
  // An optional feature that is absent is not made up for by another field.
  expect(schema.accepts({ net_price: 1, customer: 2 })).toBe(true);
  expect(schema.accepts({ ab: 1, customer: 2 })).toBe(false);
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`field ${at}`, at]));
  expect(schema.accepts({ ...row, ...many })).toBe(false);
  expect(schema.issues({ ...row, ...many }, 0)).toMatchObject([{ feature: "", got: "1001" }]);
});
