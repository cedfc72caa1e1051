/**
 * Columns that are mostly one value, held as the few cells of each row that are another.
 *
 * A vocabulary has thousands of columns and a text some dozens of words: what costs is then the words, not the columns.
 * The writer puts the cells straight into a block, wherever the columns stand in it; a column is only filled in when a
 * later operator asks for its values.
 */
import { NumberColumn, stripRows } from "./column.js";

/** The cells of a strip, row by row. Grows to the fullest strip it has seen. */
export class SparseCells {
  /** Row r has the cells ends[r - 1] .. ends[r] - 1. */
  readonly ends = new Int32Array(stripRows);
  positions = new Int32Array(stripRows);
  values = new Float64Array(stripRows);
  #count = 0;

  /** Empties the strip. */
  clear(): void {
    this.#count = 0;
  }

  add(position: number, value: number): void {
    if (this.#count === this.positions.length) this.#grow();
    this.positions[this.#count] = position;
    this.values[this.#count] = value;
    this.#count += 1;
  }

  endRow(row: number): void {
    this.ends[row] = this.#count;
  }

  start(row: number): number {
    return row === 0 ? 0 : this.ends[row - 1]!;
  }

  #grow(): void {
    const { positions, values } = this;
    this.positions = new Int32Array(positions.length * 2);
    this.values = new Float64Array(values.length * 2);
    this.positions.set(positions);
    this.values.set(values);
  }
}

export class SparseGroup {
  readonly cells: SparseCells;
  /** What stands where a row has no cell. */
  readonly background: number;
  readonly columns: readonly SparseColumn[];
  readonly #filled: SparseColumn[] = [];
  readonly #valuesAt: (Float64Array | undefined)[];

  /** @param features - Of each column, the graph input that its values come from. */
  constructor(features: readonly string[], cells = new SparseCells(), background = 0) {
    this.cells = cells;
    this.background = background;
    this.columns = features.map((feature, position) => new SparseColumn(feature, this, position));
    this.#valuesAt = new Array(features.length).fill(undefined);
  }

  /** The same cells before another background. */
  over(background: number): SparseGroup {
    return new SparseGroup(
      this.columns.map(({ feature }) => feature),
      this.cells,
      background,
    );
  }

  /** From now on, {@link fill} writes this column out. */
  keepFilled(column: SparseColumn, values: Float64Array): void {
    this.#filled.push(column);
    this.#valuesAt[column.position] = values;
  }

  /** Writes the columns that somebody reads, from the cells. Every step that writes cells ends with this. */
  fill(rowCount: number): void {
    if (this.#filled.length === 0) return;
    for (let index = 0; index < this.#filled.length; index++)
      this.#filled[index]!.values.fill(this.background, 0, rowCount);
    const { ends, positions, values } = this.cells;
    let cell = 0;
    for (let row = 0; row < rowCount; row++) {
      for (; cell < ends[row]!; cell++) {
        const column = this.#valuesAt[positions[cell]!];
        if (column !== undefined) column[row] = values[cell]!;
      }
    }
  }
}

export class SparseColumn extends NumberColumn {
  readonly group: SparseGroup;
  readonly position: number;
  #asked = false;

  constructor(feature: string, group: SparseGroup, position: number) {
    super(feature);
    this.group = group;
    this.position = position;
  }

  override get values(): Float64Array {
    const values = super.values;
    if (!this.#asked) {
      this.#asked = true;
      this.group.keepFilled(this, values);
    }
    return values;
  }
}

/** The group that these columns are the whole of, in order. */
export function wholeSparseGroup(columns: readonly NumberColumn[]): SparseGroup | undefined {
  const first = columns[0];
  if (!(first instanceof SparseColumn) || first.group.columns.length !== columns.length) return undefined;
  return first.group.columns.every((column, index) => columns[index] === column) ? first.group : undefined;
}
