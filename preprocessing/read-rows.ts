/** Rows to columns: the only place that looks into a row. `read-columns.ts` is its kin for callers that send columns. */
import { type InputColumn, type ItemType, ListColumn, NumberColumn, TextColumn } from "./column.js";
import type { FeatureInput } from "./graph.js";
import type { Refusals } from "./refusals.js";

/**
 * A validated row. A feature that is absent or null is missing. A value of a type that its feature doesn't have is
 * refused, not guessed at, although validation should have stopped it.
 */
export type Row = Readonly<Record<string, unknown>>;

/** Fills the input columns from rows firstRow .. firstRow+rowCount-1. */
export type RowReader = (rows: readonly Row[], firstRow: number, rowCount: number) => void;

/**
 * How a value of each type is read, and what stands for a missing one. `value` and `row` are names in the generated
 * code.
 */
const readings = {
  number: { holds: 'typeof value === "number"', read: "value", missing: "NaN", expected: "a number" },
  integer: { holds: 'typeof value === "number"', read: "value", missing: "NaN", expected: "a number" },
  boolean: { holds: 'typeof value === "boolean"', read: "(value ? 1 : 0)", missing: "NaN", expected: "true or false" },
  string: { holds: 'typeof value === "string"', read: "value", missing: "null", expected: "a string" },
  numbers: { holds: "Array.isArray(value)", read: "value", missing: "null", expected: "a list of numbers" },
  booleans: { holds: "Array.isArray(value)", read: "value", missing: "null", expected: "a list of true and false" },
  strings: { holds: "Array.isArray(value)", read: "value", missing: "null", expected: "a list of strings" },
} as const;

/** What the lists of an input hold, by its type. */
const itemTypes: Partial<Record<FeatureInput["type"], ItemType>> = {
  numbers: "number",
  booleans: "boolean",
  strings: "string",
};

/**
 * Features per generated function: wide graphs are read in several passes, since V8 does not optimise very long
 * functions.
 */
const featuresPerPass = 32;

/** @returns The columns, one per input in order, and the function that fills them. */
export function planReader(
  inputs: readonly FeatureInput[],
  refusals: Refusals,
): { columns: readonly InputColumn[]; read: RowReader } {
  const columns = inputs.map(({ name, type }) => {
    const items = itemTypes[type];
    if (items !== undefined) return new ListColumn(name, items);
    return type === "string" ? new TextColumn(name) : new NumberColumn(name);
  });
  // Only own properties count: a feature may be called `toString`, and every object inherits one.
  const refuseOther = (row: Row, rowIndex: number, index: number): void => {
    const { name, type } = inputs[index]!;
    if (Object.hasOwn(row, name)) refusals.add(rowIndex, name, readings[type].expected, row[name]);
  };
  const passes: RowReader[] = [];
  for (let start = 0; start < inputs.length; start += featuresPerPass) {
    passes.push(compilePass(inputs, columns, start, Math.min(start + featuresPerPass, inputs.length), refuseOther));
  }
  const read: RowReader = (rows, firstRow, rowCount) => {
    for (let index = 0; index < passes.length; index++) passes[index]!(rows, firstRow, rowCount);
  };
  return { columns, read };
}

/**
 * Generates the loop that reads features `start` .. `end`-1.
 *
 * A loop over names reads `row[name]` at one place for all of them, which V8 can only serve by a hash look-up; a place
 * per feature remembers where in the row its value is. Measured with 3 features: 2 ns a row in place of 28, and 8 in
 * place of 37 for a single row. Names enter the code as JSON strings and nothing else of the document does.
 */
function compilePass(
  inputs: readonly FeatureInput[],
  columns: readonly InputColumn[],
  start: number,
  end: number,
  refuseOther: (row: Row, rowIndex: number, index: number) => void,
): RowReader {
  let body = "";
  for (let index = start; index < end; index++) {
    const { name, type } = inputs[index]!;
    const { holds, read, missing } = readings[type];
    body += `
      value = row[${JSON.stringify(name)}];
      if (${holds}) columns${index}[index] = ${read};
      else {
        columns${index}[index] = ${missing};
        if (value !== null && value !== undefined) refuseOther(row, index, ${index});
      }`;
  }
  const values = columns.slice(start, end).map((column) => column.values);
  const names = values.map((_, index) => `columns${start + index}`);
  const create = new Function(
    "refuseOther",
    ...names,
    `return (rows, firstRow, rowCount) => {
      for (let index = 0; index < rowCount; index++) {
        const row = rows[firstRow + index];
        let value;${body}
      }
    };`,
  );
  return create(refuseOther, ...values);
}
