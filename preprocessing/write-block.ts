/** Columns to a row-major block, with the one cast to the block's dtype. */
import { HotColumn, type HotGroup, type NumberColumn } from "./column.js";
import { SparseColumn, type SparseGroup } from "./sparse-group.js";

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

/** The columns of a sparse group that stand in a block, wherever they stand. */
interface SparseColumns {
  group: SparseGroup;
  /** By the column's position in its group, its offset in a row of the block, or -1. */
  offsets: Int32Array;
  /** Where the columns stand: from .. to-1, in order. */
  runs: { from: number; to: number }[];
}

/**
 * @param columns - One per value of a row, in order. One-hot groups that stand together whole are written by their
 *   codes, and sparse columns by their cells.
 */
export function planWriter(columns: readonly NumberColumn[]): BlockWriter {
  const width = columns.length;
  const dense: DenseColumn[] = [];
  const coded: CodedColumns[] = [];
  const sparse = new Map<SparseGroup, SparseColumns>();
  for (let offset = 0; offset < width; ) {
    const group = wholeGroupAt(columns, offset);
    if (addSparse(sparse, columns[offset]!, offset)) {
      offset += 1;
    } else if (group === undefined) {
      dense.push({ offset, values: columns[offset]!.values });
      offset += 1;
    } else {
      coded.push({ offset, codes: group.codes, end: offset + group.columns.length });
      offset += group.columns.length;
    }
  }

  const scattered = [...sparse.values()];

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
    for (let index = 0; index < scattered.length; index++) scatter(scattered[index]!, block, first, width, rowCount);
  };
}

function scatter(
  { group, offsets, runs }: SparseColumns,
  block: Block,
  first: number,
  width: number,
  rowCount: number,
): void {
  const { cells, background } = group;
  const { ends, positions, values } = cells;
  let start = first;
  let cell = 0;
  for (let row = 0; row < rowCount; row++) {
    for (let run = 0; run < runs.length; run++) block.fill(background, start + runs[run]!.from, start + runs[run]!.to);
    for (; cell < ends[row]!; cell++) {
      const offset = offsets[positions[cell]!]!;
      if (offset >= 0) block[start + offset] = values[cell]!;
    }
    start += width;
  }
}

/** @returns Whether this is a sparse column, at the first place where it stands. */
function addSparse(sparse: Map<SparseGroup, SparseColumns>, column: NumberColumn, offset: number): boolean {
  if (!(column instanceof SparseColumn)) return false;
  const { group, position } = column;
  let known = sparse.get(group);
  if (known === undefined) {
    known = { group, offsets: new Int32Array(group.columns.length).fill(-1), runs: [] };
    sparse.set(group, known);
  }
  if (known.offsets[position] !== -1) return false;
  known.offsets[position] = offset;
  const last = known.runs.at(-1);
  if (last?.to === offset) last.to += 1;
  else known.runs.push({ from: offset, to: offset + 1 });
  return true;
}

function wholeGroupAt(columns: readonly NumberColumn[], offset: number): HotGroup | undefined {
  const first = columns[offset]!;
  if (!(first instanceof HotColumn)) return undefined;
  const { group } = first;
  return group.columns.every((column, position) => columns[offset + position] === column) ? group : undefined;
}
