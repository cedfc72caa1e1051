/** Counts per row, put into the cells of a sparse group in order of their columns. */
import type { Column, TextColumn } from "../column.js";
import { GraphError } from "../graph-error.js";
import type { PlanContext } from "../operator.js";
import type { SparseCells } from "../sparse-group.js";

/** Columns that a row may have: a model takes dense rows, and as many float32 are 256 KB a row. */
export const widthMax = 65_536;

/** Adds numbers by position and hands them on in order, without looking at the positions that got none. */
export class PositionSums {
  readonly #sums: Float64Array;
  readonly #isTouched: Uint8Array;
  readonly #touched: Int32Array;
  #count = 0;

  constructor(width: number) {
    this.#sums = new Float64Array(width);
    this.#isTouched = new Uint8Array(width);
    this.#touched = new Int32Array(width);
  }

  add(position: number, value: number): void {
    if (this.#isTouched[position] === 0) {
      this.#isTouched[position] = 1;
      this.#touched[this.#count] = position;
      this.#count += 1;
    }
    this.#sums[position] = this.#sums[position]! + value;
  }

  /**
   * Ends the row: a cell for each position that something was added to, a sum of 0 among them; 1 for each with
   * `binary`.
   */
  moveTo(cells: SparseCells, row: number, binary: boolean): void {
    const touched = this.#touched.subarray(0, this.#count).sort();
    for (let index = 0; index < touched.length; index++) {
      const position = touched[index]!;
      cells.add(position, binary ? 1 : this.#sums[position]!);
      this.#sums[position] = 0;
      this.#isTouched[position] = 0;
    }
    this.#count = 0;
    cells.endRow(row);
  }
}

/** The one string column that a vectorizer reads. */
export function documentColumn(columns: readonly Column[], { path }: PlanContext): TextColumn {
  const [column] = columns;
  if (columns.length === 1 && column !== undefined && column.kind === "text") return column;
  const got = columns.length === 1 ? "a number column" : `${columns.length} columns`;
  throw new GraphError(`${path}.inputs`, "one string column", got);
}
