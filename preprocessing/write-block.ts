/** Columns to a row-major block, with the one cast to the block's dtype. */
import { HotColumn, type HotGroup, type NumberColumn } from "./column.js";

/** Row-major [rows, width]. */
export type Block = Float32Array | Float64Array;

/** Writes the strip into rows firstRow .. firstRow+rowCount-1 of the block. */
export type BlockWriter = (block: Block, firstRow: number, rowCount: number) => void;

interface DenseColumn {
  offset: number;
  values: Float64Array;
}

interface CodedColumns {
  offset: number;
  codes: Int32Array;
  end: number;
}

/** @param columns - One per value of a row, in order. One-hot groups that stand together whole are written by their codes. */
export function planWriter(columns: readonly NumberColumn[]): BlockWriter {
  const width = columns.length;
  const dense: DenseColumn[] = [];
  const coded: CodedColumns[] = [];
  for (let offset = 0; offset < width; ) {
    const group = wholeGroupAt(columns, offset);
    if (group === undefined) {
      dense.push({ offset, values: columns[offset]!.values });
      offset += 1;
    } else {
      coded.push({ offset, codes: group.codes, end: offset + group.columns.length });
      offset += group.columns.length;
    }
  }

  return (block, firstRow, rowCount) => {
    const first = firstRow * width;
    for (let index = 0; index < dense.length; index++) {
      const { offset, values } = dense[index]!;
      let cell = first + offset;
      for (let row = 0; row < rowCount; row++) {
        block[cell] = values[row]!;
        cell += width;
      }
    }
    for (let index = 0; index < coded.length; index++) {
      const { offset, codes, end } = coded[index]!;
      let start = first;
      for (let row = 0; row < rowCount; row++) {
        for (let cell = start + offset; cell < start + end; cell++) block[cell] = 0;
        const code = codes[row]!;
        if (code >= 0) block[start + offset + code] = 1;
        start += width;
      }
    }
  };
}

function wholeGroupAt(columns: readonly NumberColumn[], offset: number): HotGroup | undefined {
  const first = columns[offset]!;
  if (!(first instanceof HotColumn)) return undefined;
  const { group } = first;
  return group.columns.every((column, position) => columns[offset + position] === column) ? group : undefined;
}
