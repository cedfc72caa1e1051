/** Rows, one by one or as columns. */

/**
 * A feature's values, one a row. Numbers, integers and booleans (0 and 1): float64, NaN for a missing one. Strings and
 * lists: as a row has them, null for a missing one.
 */
export type ColumnValues = Float64Array | readonly (string | null)[] | readonly (readonly unknown[] | null)[];

/** Rows whose values stand together by feature. They are read as they are, and never made into rows. */
export class Columns {
  /** Rows. */
  readonly length: number;
  /** As given. */
  readonly listed: ReadonlyMap<string, ColumnValues>;
  readonly #schema: object | undefined;

  /**
   * @param schema - Whose rules they are known to keep, because they were checked while they were read.
   * @throws Error for a column of another length, which is a bug in the caller, never bad input.
   */
  constructor(length: number, values: ReadonlyMap<string, ColumnValues>, schema?: object) {
    for (const [name, column] of values)
      if (column.length !== length)
        throw new Error(`column "${name}": expected ${length} values, got ${column.length}`);
    this.length = length;
    this.listed = values;
    this.#schema = schema;
  }

  /** Whether all rows are known to keep the rules of this schema. */
  isCheckedBy(schema: object): boolean {
    return this.#schema === schema;
  }

  /** By feature; one that isn't here is absent in all rows. */
  get values(): ReadonlyMap<string, ColumnValues> {
    return this.listed;
  }

  /** These rows, in this order. */
  pick(rows: readonly number[]): Columns {
    const values = new Map<string, ColumnValues>();
    for (const [name, column] of this.values) {
      const isNumbers = column instanceof Float64Array;
      values.set(
        name,
        isNumbers ? Float64Array.from(rows, (row) => column[row]!) : rows.map((row) => column[row] as string | null),
      );
    }
    return new Columns(rows.length, values);
  }
}

export type RowInput<Row = unknown> = readonly Row[] | Columns;
