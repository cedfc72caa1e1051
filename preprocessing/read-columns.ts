/** Columns as a caller sends them to the columns that steps read: what `read-rows.ts` does of rows. */
import type { InputColumn } from "./column.js";
import type { Columns, ColumnValues } from "./columns.js";

/** Fills the input columns from rows firstRow .. firstRow+rowCount-1. */
export type ColumnReader = (rows: Columns, firstRow: number, rowCount: number) => void;

export function planColumnReader(columns: readonly InputColumn[]): ColumnReader {
  return (rows, firstRow, rowCount) => {
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!;
      readColumn(column, rows.values.get(column.feature), firstRow, rowCount);
    }
  };
}

/** @throws Error for values of another kind than the feature's, which validation should have stopped. */
function readColumn(column: InputColumn, from: ColumnValues | undefined, firstRow: number, rowCount: number): void {
  if (column.kind === "number") {
    const { values } = column;
    if (from instanceof Float64Array) for (let row = 0; row < rowCount; row++) values[row] = from[firstRow + row]!;
    else if (from === undefined) values.fill(Number.NaN, 0, rowCount);
    else throw otherKind(column);
    return;
  }
  if (from instanceof Float64Array) throw otherKind(column);
  const { values } = column as { values: unknown[] };
  for (let row = 0; row < rowCount; row++) values[row] = from === undefined ? null : from[firstRow + row];
}

function otherKind({ feature, kind }: InputColumn): Error {
  return new Error(`column "${feature}": expected values of kind ${kind}`);
}
