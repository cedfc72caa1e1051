/**
 * Goal: the row decoder takes no body that `JSON.parse` and the schema wouldn't take, and of those that it takes it
 * gives the same rows, bit for bit; what it doesn't take has the errors that it always had.
 */

import { deepStrictEqual } from "node:assert";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Feature, parseRowSchema, type RowSchema } from "../../bundle/index.js";
import { PackedColumns } from "../../preprocessing/index.js";
import { ServeError } from "../../server/errors.js";
import { takeWhole } from "../../server/path/sliced-work.js";
import { rowReaderOf } from "../../server/protocol/json/row-reader.js";
import { decodeJson } from "../../server/protocol/predict-json/decode.js";
import { predictJson } from "../../server/protocol/predict-json/protocol.js";
import type { ProtocolContract, RequestHead } from "../../server/protocol/protocol.js";
import { columnsOf } from "../support/columns-of.js";
import { fuzzTimeoutMs, rounds } from "../support/fuzzing.js";
import { schemaDocument } from "../support/row-schemas.js";

const head: RequestHead = { contentType: "application/json", header: () => "" };
const outputs = { labels: ["no", "yes"], hasProbabilities: true, names: undefined };

function contractOf(rowSchema: RowSchema, rowsMax = 300): ProtocolContract {
  const decode = { rowsMax, containersMax: rowsMax * (1 + rowSchema.features.length) + 4, membersMax: 2000 };
  return { name: "m", number: 1, rowSchema, postprocessor: outputs, bodyLimits: { bodyBytesMax: 1e7, decode } };
}

function outcome<T>(decode: () => T): { request: T } | { error: unknown } {
  try {
    return { request: decode() };
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    return { error: { code: error.code, message: error.message, issues: error.issues } };
  }
}

/** The bits of columns: -0 isn't 0. @returns Nothing for a column that is missing throughout. */
function bitsOf(values: ReadonlyMap<string, ArrayLike<unknown>>): Record<string, unknown> {
  const columns = [...values].map(([name, column]) => [name, Array.from(column, (v) => (Number.isNaN(v) ? null : v))]);
  return Object.fromEntries(columns.filter(([, all]) => (all as unknown[]).some((value) => value !== null)));
}

/** @returns Whether the row decoder took the body. */
function expectSame(body: Buffer, contract: ProtocolContract): boolean {
  const { rowSchema, bodyLimits } = contract;
  const plain = outcome(() => decodeJson(head.contentType, body, bodyLimits.decode, outputs));
  let taken = false;
  for (const decode of [
    () => predictJson.decode(body, head, contract),
    () => takeWhole(predictJson.sliced!.decode(body, head, contract)),
  ]) {
    const read = outcome(decode);
    if (!("request" in read) || !(read.request.rows instanceof PackedColumns)) {
      deepStrictEqual(read, plain);
      continue;
    }
    taken = true;
    const { rows, ...rest } = read.request;
    expect(plain).toHaveProperty("request");
    const { rows: parsed, ...others } = (plain as { request: ReturnType<typeof decodeJson> }).request;
    expect(rest).toEqual(others);
    expect(rows.isCheckedBy(rowSchema)).toBe(true);
    expect(parsed.every((row) => rowSchema.accepts(row))).toBe(true);
    expect(rows.length).toBe(parsed.length);
    const columns = columnsOf(rowSchema.features, parsed as Record<string, unknown>[]);
    deepStrictEqual(bitsOf(rows.values), bitsOf(columns.values));
  }
  return taken;
}

const number = fc.oneof(
  fc.constantFrom(0, -0, 1, 2, 0.5, 10, 100, 300, -1, 1e21, 2 ** 31, 2 ** 53, 2 ** 53 - 1, 5e-324, 1e300),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -3, max: 12 }),
);
const text = fc.oneof(
  fc.constantFrom("", "a", "b", "aaaa", "é", "𝒳", 'q"', "back\\slash", "new\nline", "a\0b", "x\udfff", "]"),
  fc.constantFrom("2026-11-22", "2026-11-22T08:00:00Z", "a text of more than sixteen bytes", "category 1"),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);
const item = fc.constantFrom<unknown>(0, 1, 0.5, null, "a", "]", 'q"', true, false, {}, []);

function valueFor({ type, values = [], knownCategories = [] }: Feature): fc.Arbitrary<unknown> {
  const any = {
    number,
    integer: fc.integer({ min: -3, max: 12 }),
    boolean: fc.boolean(),
    string: text,
    array: fc.array(item, { maxLength: 4 }),
  }[type];
  const listed = [...values, ...knownCategories].filter((value) => value !== null);
  return listed.length === 0 ? any : fc.oneof(any, fc.constantFrom<unknown>(...listed), fc.constantFrom(...listed));
}

/** A value that breaks a rule, or may: of another type mostly. */
const wrong = fc.oneof(
  fc.constantFrom<unknown>(null, true, "x", 1.5, -1e9, Number.POSITIVE_INFINITY, [], {}, "null", [[1]]),
  number,
  text,
  fc.constant(undefined),
);

function spell(value: unknown, how: number): string {
  if (typeof value === "number" && Number.isFinite(value)) {
    if (Object.is(value, -0)) return ["-0", "-0.0", "-0e5"][how % 3]!;
    return [String(value), value.toExponential(), value.toExponential(how % 18), `${value}`][how % 4]!;
  }
  if (typeof value === "string" && how % 7 === 0)
    return `"${Array.from({ length: value.length }, (_, i) => `\\u${value.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;
  return value === undefined || value === Number.POSITIVE_INFINITY ? "1e999" : JSON.stringify(value);
}

interface Spelling {
  readonly blanks: readonly string[];
  readonly turn: number;
  readonly hows: readonly number[];
  readonly twice: number;
}

const spelling: fc.Arbitrary<Spelling> = fc.record({
  blanks: fc.oneof(fc.constant([""]), fc.array(fc.constantFrom("", "", " ", "\n", "\r\n\t"), { minLength: 1 })),
  turn: fc.nat(10),
  hows: fc.array(fc.nat(40), { minLength: 1, maxLength: 9 }),
  twice: fc.option(fc.nat(30), { nil: -1, freq: 10 }),
});

/** Writes JSON as callers do: with blanks, members in any order, and numbers in any of their forms. */
function writerOf({ blanks, turn, hows, twice }: Spelling) {
  let count = 0;
  let members = 0;
  const gap = () => blanks[count++ % blanks.length]!;
  const object = (entries: readonly (readonly [string, string])[]) => {
    const turned = [...entries.slice(turn % (entries.length + 1)), ...entries.slice(0, turn % (entries.length + 1))];
    const all = turned.flatMap((member) => (members++ === twice ? [member, member] : [member]));
    const written = all.map(([name, value]) => `${gap()}${JSON.stringify(name)}${gap()}:${gap()}${value}${gap()}`);
    return `{${written.join(",")}${all.length === 0 ? gap() : ""}}`;
  };
  const row = (values: Readonly<Record<string, unknown>>) =>
    object(Object.entries(values).map(([name, value]) => [name, spell(value, hows[count++ % hows.length]!)]));
  const list = (rows: readonly object[]) =>
    `[${gap()}${rows.map((each) => row(each as Record<string, unknown>)).join(`${gap()},${gap()}`)}${gap()}]`;
  return { gap, object, row, list };
}

interface Drawn {
  readonly contract: ProtocolContract;
  readonly body: Buffer;
}

/** Bodies of rows that are good for a schema, but for a value now and then. */
const drawn: fc.Arbitrary<Drawn | undefined> = fc
  .tuple(schemaDocument, fc.array(fc.constantFrom("a", "b", "category 1", "é", 'q"'), { maxLength: 4 }))
  .chain(([document, categories]) => {
    const known = [...new Set(categories)];
    for (const property of Object.values(document.properties) as Record<string, unknown>[])
      if ([property.type].flat().includes("string") && known.length > 0) property["x-known-categories"] = known;
    const parsed = parseRowSchema(document);
    if ("problems" in parsed) return fc.constant(undefined);
    const schema = parsed.value;
    const members = schema.features.map((feature) => {
      const few = fc.array(valueFor(feature), { minLength: 6, maxLength: 6 });
      const good = few.map((values) => values.find((value) => isGood(schema, feature, value)) ?? values[0]);
      const value = fc.oneof({ arbitrary: good, weight: 60 }, { arbitrary: wrong, weight: 1 });
      const missing = feature.nullable ? null : undefined;
      return [feature.name, fc.option(value, { nil: missing, freq: feature.nullable || !feature.required ? 4 : 200 })];
    });
    const row = fc
      .record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>)
      .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
    const rows = fc.oneof(
      fc.array(row, { minLength: 1, maxLength: 5 }),
      // More than a chunk holds.
      row.map((each) => new Array<object>(200).fill(each)),
    );
    return fc
      .record({
        rows,
        spelling,
        form: fc.constantFrom("one", "one", "list", "rows", "context", "context last"),
        partial: fc.constantFrom("true", "false", "1", undefined, undefined),
        fields: fc.constantFrom('["prediction"]', '["top:1", "probabilities"]', '["p"]', "[", undefined, undefined),
        other: fc.constantFrom(undefined, undefined, undefined, undefined, "else", "fields"),
        shared: fc.nat(4),
      })
      .map((how) => ({ contract: contractOf(schema), body: writeBody(how) }));
  });

const goodOnes = new WeakMap<RowSchema, Map<string, RowSchema>>();
function isGood(schema: RowSchema, { name }: Feature, value: unknown): boolean {
  const ofFeatures = goodOnes.get(schema) ?? new Map<string, RowSchema>();
  goodOnes.set(schema, ofFeatures);
  let one = ofFeatures.get(name);
  if (one === undefined) {
    const properties = { [name]: schema.document.properties[name]! };
    const parsed = parseRowSchema({ type: "object", properties, required: [name], additionalProperties: false });
    if ("problems" in parsed) throw new Error("a property of a good schema is good");
    one = parsed.value;
    ofFeatures.set(name, one);
  }
  return one.accepts({ [name]: value });
}

function writeBody(how: {
  readonly rows: readonly object[];
  readonly spelling: Spelling;
  readonly form: string;
  readonly partial: string | undefined;
  readonly fields: string | undefined;
  readonly other: string | undefined;
  readonly shared: number;
}): Buffer {
  const { rows, form, partial, fields, other, shared } = how;
  const { gap, object, row, list } = writerOf(how.spelling);
  if (form === "one") return Buffer.from(`${gap()}${row(rows[0] as Record<string, unknown>)}${gap()}`);
  if (form === "list") return Buffer.from(`${gap()}${list(rows)}${gap()}`);
  const members: (readonly [string, string])[] = [];
  if (partial !== undefined) members.push(["partial", partial]);
  if (fields !== undefined) members.push(["fields", fields]);
  if (other !== undefined) members.push([other, "1"]);
  if (form === "rows") members.push(["rows", list(rows)]);
  else {
    const entries = Object.entries(rows[0]!);
    const context = row(Object.fromEntries(entries.slice(0, shared)));
    // Now and then a row repeats a member of the context.
    const rests = rows.map((each) => Object.fromEntries(Object.entries(each).slice(shared === 4 ? 3 : shared)));
    const both = [["context", context] as const, ["rows", list(rests)] as const];
    members.push(...(form === "context" ? both : both.reverse()));
  }
  return Buffer.from(object(members));
}

test("what is taken are good rows, with the same bits", { timeout: fuzzTimeoutMs }, () => {
  const count = { taken: 0, left: 0 };
  fc.assert(
    fc.property(drawn, (draw) => {
      fc.pre(draw !== undefined);
      count[expectSame(draw!.body, draw!.contract) ? "taken" : "left"]++;
    }),
    rounds(400),
  );
  expect(Math.min(count.taken, count.left)).toBeGreaterThan(5);
});

test("a damaged body has the same answer or the same error", { timeout: fuzzTimeoutMs }, () => {
  const fragment = fc.oneof(
    fc.constantFrom(...'{}[]:,"\\0123456789.eE+- \n\tntf\0é', "null", "true", '""', "[]", "{}", "1e5", "0.1", "-"),
    fc.uint8Array({ minLength: 1, maxLength: 2 }),
  );
  const change = fc.tuple(fc.nat(), fc.nat(3), fc.option(fragment, { nil: "" }));
  const damaged = fc.tuple(drawn, fc.array(change, { minLength: 1, maxLength: 2 }));
  fc.assert(
    fc.property(damaged, ([draw, changes]) => {
      fc.pre(draw !== undefined && draw!.body.length < 3000);
      const { body, contract } = draw!;
      const changed = changes.reduce((bytes, [place, length, put]) => {
        const at = place % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, at), Buffer.from(put as string), bytes.subarray(at + length)]);
      }, body);
      expectSame(changed, contract);
    }),
    rounds(600),
  );
});

const one = parseRowSchema({
  type: "object",
  properties: { x: { type: "number" } },
  required: ["x"],
  additionalProperties: false,
});
if ("problems" in one) throw new Error("a good schema");
const oneNumber = one.value;

function expectNumber(spelt: string): void {
  const rows = rowReaderOf(oneNumber)!.readOne(Buffer.from(`{"x":${spelt}}`));
  const value = Number(spelt);
  if (!Number.isFinite(value)) expect(rows).toBeUndefined();
  else expect(Object.is(rows!.chunks[0]!.numbers[0], value), spelt).toBe(true);
}

test("numbers have the bits that JSON.parse gives them", { timeout: fuzzTimeoutMs }, () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 25 });
  const whole = fc.oneof(
    fc.constant("0"),
    digits.map((all) => all.replace(/^0+(?=.)/, "")),
  );
  const fraction = fc.option(
    fc.tuple(fc.constantFrom("", "0", "000", "0000000000"), digits).map(([zeros, rest]) => `.${zeros}${rest}`),
    { nil: "" },
  );
  const exponent = fc.option(
    fc
      .tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), fc.oneof(fc.nat(30), fc.nat(400)))
      .map((e) => e.join("")),
    { nil: "" },
  );
  const written = fc.tuple(fc.constantFrom("", "-"), whole, fraction, exponent).map((parts) => parts.join(""));
  const double = fc.double({ noNaN: true, noDefaultInfinity: true });
  const spelt = fc.oneof(
    written,
    double.map(String),
    fc.tuple(double, fc.nat(20)).map(([value, places]) => value.toExponential(places)),
    fc
      .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.nat(17))
      .map(([value, places]) => value.toFixed(places)),
    // Halfway between two neighbours, and next to it.
    fc
      .tuple(fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }), fc.nat(9), fc.integer({ min: -1, max: 1 }))
      .map(([mantissa, shift, off]) => String((2n * mantissa + 1n) * 2n ** BigInt(shift) + BigInt(off))),
    fc
      .tuple(
        fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: -1, max: 1 }),
      )
      .map(([mantissa, shift, off]) => {
        const scaled = (2n * mantissa + 1n) * 5n ** BigInt(shift) + BigInt(off);
        return `${scaled}e-${shift}`;
      }),
  );
  fc.assert(fc.property(spelt, expectNumber), rounds(20_000));
});

test.each([
  ["0"],
  ["-0"],
  ["0.0"],
  ["-0e10"],
  ["1e22"],
  ["1e23"],
  ["9007199254740993"],
  ["9007199254740991"],
  ["1e308"],
  ["1.7976931348623157e308"],
  ["5e-324"],
  ["2.2250738585072011e-308"],
  ["0.1"],
  ["0.000123456789012345678"],
  ["123456789012345678901234567890"],
  ["0.30000001192092896"],
  ["8.5e-60"],
  ["1e-61"],
  ["9.5e40"],
  ["1e41"],
])("the number %s", (spelt) => expectNumber(spelt));

test.each(["01", "+1", ".5", "1.", "-", "1e", "1e+", "0x1", "NaN", "Infinity", "1_000", "--1", "1.5.5", "1e5e5", ""])(
  "%s is no number",
  (spelt) => {
    expect(rowReaderOf(oneNumber)!.readOne(Buffer.from(`{"x":${spelt}}`))).toBeUndefined();
  },
);

test("a large list is taken in slices between which other bodies are read", () => {
  const parsed = parseRowSchema({
    type: "object",
    properties: { x: { type: "number" }, y: { type: "string" }, z: { type: "integer" } },
    required: ["x", "y"],
    additionalProperties: false,
  });
  if ("problems" in parsed) throw new Error("a good schema");
  const contract = contractOf(parsed.value, 5000);
  const rows = Array.from({ length: 3000 }, (_, i) => ({ x: i / 7, y: `text ${i}`, ...(i % 2 === 0 && { z: i }) }));
  const bodies = [
    JSON.stringify(rows),
    JSON.stringify({ context: { y: "shared" }, rows: rows.map(({ x }) => ({ x })) }),
  ].map((body) => Buffer.from(body));
  const slices = bodies.map((body) => predictJson.sliced!.decode(body, head, contract));
  const done: unknown[] = [];
  while (done.filter((each) => each !== undefined).length < slices.length) {
    for (const [index, each] of slices.entries()) {
      if (done[index] !== undefined) continue;
      const step = each.next();
      if (step.done) done[index] = step.value.rows;
      expectNumber("2.5");
    }
  }
  for (const [index, body] of bodies.entries()) {
    const taken = done[index] as PackedColumns;
    expect(taken).toBeInstanceOf(PackedColumns);
    const plain = decodeJson(head.contentType, body, contract.bodyLimits.decode).rows as Record<string, unknown>[];
    deepStrictEqual(bitsOf(taken.values), bitsOf(columnsOf(parsed.value.features, plain).values));
  }
});
