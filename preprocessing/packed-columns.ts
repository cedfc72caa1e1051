/**
 * Rows whose values stand row by row in few arrays: what a decoder writes that reads a row from its first byte to its
 * last. To the steps they are columns like any others.
 */
import { Columns, type ColumnValues } from "./columns.js";

/** Where the value of a feature stands in a row: among its numbers, or among its texts and lists. */
export interface Place {
  readonly isNumber: boolean;
  readonly at: number;
}

/** The same object for all rows of a schema: who reads them looks at it once. */
export interface RowLayout {
  readonly places: ReadonlyMap<string, Place>;
  /** Values of a row: numbers, and others. */
  readonly numberCount: number;
  readonly otherCount: number;
  /** Rows of a chunk, all but the last. */
  readonly chunkRows: number;
}

/** Row-major, with room for a chunk's rows at least. Numbers, truth values and missing ones as in {@link ColumnValues}. */
export interface RowChunk {
  readonly numbers: Float64Array;
  readonly others: readonly unknown[];
}

const none: ReadonlyMap<string, ColumnValues> = new Map();

export class PackedColumns extends Columns {
  readonly layout: RowLayout;
  readonly chunks: readonly RowChunk[];
  #values: ReadonlyMap<string, ColumnValues> | undefined;

  /** @param schema - Whose rules they are known to keep. */
  constructor(length: number, layout: RowLayout, chunks: readonly RowChunk[], schema?: object) {
    super(length, none, schema);
    this.layout = layout;
    this.chunks = chunks;
  }

  /** Made when first asked for: the steps do without. */
  override get values(): ReadonlyMap<string, ColumnValues> {
    this.#values ??= new Map([...this.layout.places].map(([name, place]) => [name, this.#column(place)]));
    return this.#values;
  }

  #column({ isNumber, at }: Place): ColumnValues {
    const { numberCount, otherCount, chunkRows } = this.layout;
    const rows = Array.from({ length: this.length }, (_, row) => row);
    const chunkOf = (row: number) => this.chunks[Math.floor(row / chunkRows)]!;
    if (isNumber) return Float64Array.from(rows, (row) => chunkOf(row).numbers[(row % chunkRows) * numberCount + at]!);
    return rows.map((row) => chunkOf(row).others[(row % chunkRows) * otherCount + at] as string | null);
  }
}
