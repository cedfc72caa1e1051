/** Rows to columns: the only place that looks into a row. */
import { type Column, NumberColumn, TextColumn } from "./column.js";
import type { FeatureInput } from "./graph.js";
import type { Refusals } from "./refusals.js";

/**
 * A validated row. A feature that is absent or null is missing. A value of a type that its feature doesn't have is refused, not guessed
 * at, although validation should have stopped it.
 */
export type Row = Readonly<Record<string, unknown>>;

/** Fills the input columns from rows firstRow .. firstRow+rowCount-1. */
export type RowReader = (rows: readonly Row[], firstRow: number, rowCount: number) => void;

interface Reading<Values> {
  name: string;
  values: Values;
}

/** @returns The columns, one per input in order, and the function that fills them. */
export function planReader(inputs: readonly FeatureInput[], refusals: Refusals): { columns: readonly Column[]; read: RowReader } {
  const numbers: Reading<Float64Array>[] = [];
  const booleans: Reading<Float64Array>[] = [];
  const texts: Reading<unknown[]>[] = [];
  const columns = inputs.map(({ name, type }) => {
    if (type === "string") {
      const column = new TextColumn(name);
      texts.push({ name, values: column.values });
      return column;
    }
    const column = new NumberColumn(name);
    (type === "boolean" ? booleans : numbers).push({ name, values: column.values });
    return column;
  });

  const read: RowReader = (rows, firstRow, rowCount) => {
    for (let index = 0; index < numbers.length; index++) {
      const { name, values } = numbers[index]!;
      for (let row = 0; row < rowCount; row++) {
        const value = rows[firstRow + row]![name];
        values[row] = typeof value === "number" ? value : missing(rows[firstRow + row]!, name, row, "a number", Number.NaN);
      }
    }
    for (let index = 0; index < booleans.length; index++) {
      const { name, values } = booleans[index]!;
      for (let row = 0; row < rowCount; row++) {
        const value = rows[firstRow + row]![name];
        values[row] = value === true ? 1 : value === false ? 0 : missing(rows[firstRow + row]!, name, row, "true or false", Number.NaN);
      }
    }
    for (let index = 0; index < texts.length; index++) {
      const { name, values } = texts[index]!;
      for (let row = 0; row < rowCount; row++) {
        const value = rows[firstRow + row]![name];
        values[row] = typeof value === "string" ? value : missing(rows[firstRow + row]!, name, row, "a string", null);
      }
    }
  };

  /** Only own properties count: a feature may be called `toString`, and every object inherits one. */
  const missing = <Missing>(row: Row, name: string, rowIndex: number, expected: string, asMissing: Missing): Missing => {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (value !== null && value !== undefined) refusals.add(rowIndex, name, expected, value);
    return asMissing;
  };
  return { columns, read };
}
