/**
 * Goal: rows that come as columns are taken as the same rows would be, one by one: the same ones are good, the same is
 * wrong with the others, and the models get the same bits.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Feature, parseRowSchema } from "../../bundle/index.js";
import { Columns, type ColumnValues, createPreprocessor, parseGraph, type Row } from "../../preprocessing/index.js";
import { columnsOf } from "../support/columns-of.js";
import { schemaDocument } from "../support/row-schemas.js";

const number = fc.oneof(
  fc.constantFrom(0, -0, 1, 2, 0.5, 10, 100, 300, -1, 1e21, 2 ** 31, 2 ** 53, 2 ** 53 - 1, 5e-324, Infinity, -Infinity),
  fc.double({ noNaN: true }),
);
const text = fc.oneof(
  fc.constantFrom("", "a", "b", "aaaa", "é", "𝒳", "a\0b", "x\udfff", "2026-11-22", "2026-11-22T08:00:00Z"),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const item = fc.constantFrom<unknown>(0, 1, 0.5, null, "a", true, false, Number.NaN, "\0");

/** What a protocol may make of a feature: values of its type, whether or not they keep its other rules. */
function valueFor({ type, values = [] }: Feature): fc.Arbitrary<unknown> {
  const any = {
    number,
    integer: fc.oneof(fc.integer({ min: -3, max: 12 }), number),
    boolean: fc.boolean(),
    string: text,
    array: fc.array(item, { maxLength: 4 }),
  }[type];
  const listed = values.filter((value) => value !== null);
  return listed.length === 0 ? any : fc.oneof(any, fc.constantFrom<unknown>(...listed));
}

test("the same rows are good, in any part of them, and what is wrong with the others has the same words", () => {
  const outcomes = { accepted: 0, refused: 0 };
  const cases = schemaDocument.chain((document) => {
    const parsed = parseRowSchema(document);
    if ("problems" in parsed) return fc.constant(undefined);
    const schema = parsed.value;
    // A missing value is null where it may be; elsewhere a row lacks it, as a column can't say otherwise.
    const members = schema.features.map((feature) => {
      const missing = feature.nullable ? null : undefined;
      const value = fc.option(valueFor(feature), {
        nil: missing,
        freq: feature.nullable || !feature.required ? 3 : 40,
      });
      return [feature.name, value] as const;
    });
    const row = fc
      .record(Object.fromEntries(members))
      .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
    return fc.record({ schema: fc.constant(schema), rows: fc.array(row, { minLength: 1, maxLength: 12 }) });
  });
  fc.assert(
    fc.property(cases, fc.nat(), fc.nat(), (drawn, a, b) => {
      fc.pre(drawn !== undefined);
      const { schema, rows } = drawn!;
      const columns = columnsOf(schema.features, rows);
      const [first, end] = [a % rows.length, b % (rows.length + 1)].sort((x, y) => x - y) as [number, number];
      const accepted = rows.slice(first, end).every((row) => schema.accepts(row));
      expect(schema.acceptsColumns(columns, first, end)).toBe(accepted);
      for (const [index, row] of rows.entries()) {
        const isGood = schema.accepts(row);
        outcomes[isGood ? "accepted" : "refused"]++;
        expect(schema.acceptsColumns(columns, index, index + 1)).toBe(isGood);
        // A required value that lacks is said to be null: a column has a place for it.
        const filled = { ...row };
        for (const { name, required } of schema.features) if (required && !(name in row)) filled[name] = null;
        expect(schema.issues(schema.rowAt(columns, index), index)).toEqual(schema.issues(filled, index));
      }
    }),
    { numRuns: 400 },
  );
  expect(Math.min(outcomes.accepted, outcomes.refused)).toBeGreaterThan(300);
});

test("a column that the schema doesn't know makes each row bad, whatever it is called", () => {
  const properties = { x: { type: "number" }, y: { type: "string" } };
  const parsed = parseRowSchema({ type: "object", properties, required: ["x"], additionalProperties: false });
  if ("problems" in parsed) throw new Error("a good schema");
  const schema = parsed.value;
  const x = Float64Array.of(1, 2);
  const withColumn = (name: string, values: ColumnValues) =>
    new Columns(
      2,
      new Map([
        ["x", x],
        [name, values],
      ]),
    );
  expect(schema.acceptsColumns(withColumn("y", ["a", null]), 0, 2)).toBe(true);
  for (const name of ["X", "__proto__", "constructor", ""]) {
    const columns = withColumn(name, ["a", null]);
    expect(schema.acceptsColumns(columns, 0, 2)).toBe(false);
    const row = Object.fromEntries([
      ["x", 2],
      [name, null],
    ]);
    expect(schema.issues(schema.rowAt(columns, 1), 1)).toEqual(schema.issues(row, 1));
  }
  expect(schema.acceptsColumns(new Columns(2, new Map([["y", ["a", "b"]]])), 0, 2)).toBe(false);
});

/** What reads an input of each type; some of its values the fitted operator refuses. */
const readers = {
  number: { width: 1, op: "passthrough", params: {} },
  integer: { width: 1, op: "passthrough", params: {} },
  boolean: { width: 1, op: "passthrough", params: {} },
  string: { width: 1, op: "ordinal_encoder", params: { categories: [["", "a", "b"]], handle_unknown: "error" } },
  numbers: { width: 3, op: "row_window", params: { statistics: ["sum", "count", "lag_1"], min_items: 1, ddof: 0 } },
  booleans: { width: 3, op: "row_window", params: { statistics: ["sum", "count", "lag_1"], min_items: 1, ddof: 0 } },
  strings: { width: 4, op: "token_hasher", params: { n_features: 4, alternate_sign: true } },
} as const;
type InputType = keyof typeof readers;

const missing = fc.constantFrom(null, undefined);
const cells: Record<InputType, fc.Arbitrary<unknown>> = {
  number: fc.oneof(number, missing),
  integer: fc.oneof(fc.integer(), missing),
  boolean: fc.oneof(fc.boolean(), missing),
  string: fc.oneof(fc.constantFrom("", "a", "b", "c"), missing),
  numbers: fc.oneof(fc.array(fc.oneof(fc.integer(), fc.constant(Infinity)), { maxLength: 3 }), missing),
  booleans: fc.oneof(fc.array(fc.boolean(), { maxLength: 3 }), missing),
  strings: fc.oneof(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }), missing),
};

function planOf(types: readonly InputType[]) {
  const inputs = types.map((type, i) => ({ name: `f${i}`, type }));
  const nodes = types.map((type, i) => ({
    id: `n${i}`,
    op: readers[type].op,
    inputs: [`f${i}`],
    params: readers[type].params,
  }));
  const width = types.reduce((sum, type) => sum + readers[type].width, 0);
  const outputs = [{ name: "X", dtype: "float64", shape: ["rows", width], from: nodes.map(({ id }) => id) }];
  return {
    inputs,
    width,
    preprocessor: createPreprocessor(parseGraph({ format: "plumb-graph/1", inputs, nodes, outputs })),
  };
}

test("the models get the same bits, and the same rows are refused, in any part of them", () => {
  const cases = fc
    .array(fc.constantFrom(...(Object.keys(readers) as InputType[])), { minLength: 1, maxLength: 40 })
    .chain((types) => {
      const row = fc.record(Object.fromEntries(types.map((type, i) => [`f${i}`, cells[type]])), { requiredKeys: [] });
      return fc.record({
        types: fc.constant(types),
        // More than a strip.
        some: fc.array(row, { minLength: 1, maxLength: 12 }),
        times: fc.constantFrom(1, 1, 40),
      });
    });
  fc.assert(
    fc.property(cases, fc.nat(), fc.nat(), ({ types, some, times }, a, b) => {
      const rows: Row[] = Array.from({ length: times }, () => some).flat();
      const { inputs, width, preprocessor } = planOf(types);
      const columns = columnsOf(inputs, rows);
      const outcome = (input: readonly Row[] | Columns, from = 0, to = input.length) => {
        const block = new Float64Array((to - from) * width);
        const refused = preprocessor.run(input, [block], 0, from, to);
        // The values of a refused row mean nothing.
        for (const { row } of refused) block.fill(0, row * width, (row + 1) * width);
        return { refused, bits: new BigUint64Array(block.buffer) };
      };
      expect(outcome(columns)).toEqual(outcome(rows));
      const [first, end] = [a % rows.length, b % (rows.length + 1)].sort((x, y) => x - y) as [number, number];
      expect(outcome(columns, first, end)).toEqual(outcome(rows.slice(first, end)));
      expect(outcome(rows, first, end)).toEqual(outcome(columns, first, end));
      const picked = [first, rows.length - 1, first];
      expect(outcome(columns.pick(picked))).toEqual(outcome(picked.map((row) => rows[row]!)));
    }),
    { numRuns: 150 },
  );
});

test("a feature without a column is missing in every row, and a column of another kind is a bug", () => {
  const { preprocessor } = planOf(["number", "numbers"]);
  const none = new Columns(2, new Map());
  expect(preprocessor.features(none)).toEqual(preprocessor.features([{}, {}]));
  expect(() => preprocessor.features(new Columns(1, new Map([["f0", ["1"]]])))).toThrow('column "f0"');
  expect(() => preprocessor.features(new Columns(1, new Map([["f1", Float64Array.of(1)]])))).toThrow('column "f1"');
  expect(() => new Columns(2, new Map([["f0", Float64Array.of(1)]]))).toThrow("expected 2 values, got 1");
});
