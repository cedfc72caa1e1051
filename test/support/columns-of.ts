/** The same rows as columns. */

import { Columns, type ColumnValues } from "../../preprocessing/index.js";

/** @param type - Of a feature, or of an input of a graph. */
export function columnsOf(
  features: readonly { readonly name: string; readonly type: string }[],
  rows: readonly Readonly<Record<string, unknown>>[],
): Columns {
  const columns = features.map(({ name, type }): [string, ColumnValues] => {
    const values = rows.map((row) => (Object.hasOwn(row, name) ? row[name] : null) ?? null);
    return type === "number" || type === "integer" || type === "boolean"
      ? [name, Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)))]
      : [name, values as (string | null)[]];
  });
  return new Columns(rows.length, new Map(columns));
}
