/** Columns as a caller sends them to the columns that steps read: what `read-rows.ts` does of rows. */
import type { InputColumn } from "./column.js";
import type { Columns, ColumnValues } from "./columns.js";
import { PackedColumns, type RowLayout } from "./packed-columns.js";

/** Fills the input columns from rows firstRow .. firstRow+rowCount-1. */
export type ColumnReader<Rows = Columns> = (rows: Rows, firstRow: number, rowCount: number) => void;

export function planColumnReader(columns: readonly InputColumn[]): ColumnReader {
  const readPacked = planPackedReader(columns);
  return (rows, firstRow, rowCount) => {
    if (rows instanceof PackedColumns) {
      readPacked(rows, firstRow, rowCount);
      return;
    }
    const { values } = rows;
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!;
      readColumn(column, values.get(column.feature), firstRow, rowCount);
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

/** Where the columns find their values in rows of one layout. */
interface Bound {
  readonly layout: RowLayout;
  readonly numbers: readonly { readonly to: Float64Array; readonly at: number }[];
  readonly others: readonly { readonly to: unknown[]; readonly at: number }[];
}

function planPackedReader(columns: readonly InputColumn[]): ColumnReader<PackedColumns> {
  let bound: Bound | undefined;
  return ({ layout, chunks }, firstRow, rowCount) => {
    if (bound?.layout !== layout) bound = bind(columns, layout);
    const { numbers, others } = bound;
    const { chunkRows, numberCount, otherCount } = layout;
    for (let row = 0; row < rowCount; ) {
      const chunk = chunks[Math.floor((firstRow + row) / chunkRows)]!;
      const inChunk = (firstRow + row) % chunkRows;
      const end = Math.min(rowCount, row + chunkRows - inChunk);
      for (let index = 0; index < numbers.length; index++) {
        const { to, at } = numbers[index]!;
        const from = chunk.numbers;
        let cell = inChunk * numberCount + at;
        for (let each = row; each < end; each++, cell += numberCount) to[each] = from[cell]!;
      }
      for (let index = 0; index < others.length; index++) {
        const { to, at } = others[index]!;
        const from = chunk.others;
        let cell = inChunk * otherCount + at;
        for (let each = row; each < end; each++, cell += otherCount) to[each] = from[cell];
      }
      row = end;
    }
  };
}

function bind(columns: readonly InputColumn[], layout: RowLayout): Bound {
  const numbers: { to: Float64Array; at: number }[] = [];
  const others: { to: unknown[]; at: number }[] = [];
  for (const column of columns) {
    const place = layout.places.get(column.feature);
    if (place?.isNumber !== (column.kind === "number")) throw otherKind(column);
    if (column.kind === "number") numbers.push({ to: column.values, at: place.at });
    else others.push({ to: column.values, at: place.at });
  }
  return { layout, numbers, others };
}

function otherKind({ feature, kind }: InputColumn): Error {
  return new Error(`column "${feature}": expected values of kind ${kind}`);
}
