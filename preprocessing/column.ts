/**
 * The columns that steps read and write.
 *
 * Rows go through the graph in strips of at most {@link stripRows}, so that all columns of a strip stay in the
 * processor's cache, scratch never grows with a call, and a step can hold on to the arrays it works on: they are the
 * same for life.
 */

/**
 * Rows of a strip: 1 KB of float64 per column. From 32 to 4096 rows the speed of a 30-feature graph stayed within the
 * noise of the measurement, so what decides is that the scratch is small.
 */
export const stripRows = 128;

export type Scalar = number | string | boolean;
export type Dtype = "float32" | "float64";

/**
 * A column of float64; missing is NaN. A float32 column (behind a float32 model) holds values that float32 holds
 * exactly.
 */
export class NumberColumn {
  readonly kind = "number";
  /** The graph input that the values come from, for messages. */
  readonly feature: string;
  readonly dtype: Dtype;
  #values: Float64Array | undefined;

  constructor(feature: string, dtype: Dtype = "float64") {
    this.feature = feature;
    this.dtype = dtype;
  }

  /** The strip's values. Allocated when a plan first asks for them: what only passes through needs no scratch. */
  get values(): Float64Array {
    this.#values ??= new Float64Array(stripRows);
    return this.#values;
  }
}

/** A column of strings (and of what an imputer or a label puts among them); missing is null. */
export class TextColumn {
  readonly kind = "text";
  readonly feature: string;
  readonly values: (Scalar | null)[] = new Array(stripRows).fill(null);
  /** What the values can be, where that is a choice of a model. */
  readonly labels: readonly Scalar[] | undefined;

  constructor(feature: string, labels?: readonly Scalar[]) {
    this.feature = feature;
    this.labels = labels;
  }
}

/** What the lists of a column hold. */
export type ItemType = "number" | "boolean" | "string";

/**
 * A column of lists, as the rows hold them: nothing is copied, and the items are as yet unseen. Missing is null. Only
 * operators of lists read one.
 */
export class ListColumn {
  readonly kind = "list";
  readonly feature: string;
  readonly items: ItemType;
  readonly values: (readonly unknown[] | null)[] = new Array(stripRows).fill(null);

  constructor(feature: string, items: ItemType) {
    this.feature = feature;
    this.items = items;
  }
}

/** What operators work on. */
export type Column = NumberColumn | TextColumn;
/** What a row can bring. */
export type InputColumn = Column | ListColumn;

/**
 * The 0/1 columns that one categorical column becomes, held as one code per row.
 *
 * The writer puts a whole group into a block by its codes, so a column is only filled in when a later operator, or an
 * output that takes part of the group, asks for its values. A thousand categories then cost one code, not a thousand
 * columns.
 */
export class HotGroup {
  /** Per row the position of its 1, or -1: all zeros. */
  readonly codes = new Int32Array(stripRows);
  readonly columns: readonly HotColumn[];
  readonly #filled: HotColumn[] = [];

  constructor(feature: string, width: number) {
    this.columns = Array.from({ length: width }, (_, position) => new HotColumn(feature, this, position));
  }

  /** From now on, {@link fill} writes this column out. */
  keepFilled(column: HotColumn): void {
    this.#filled.push(column);
  }

  /** Writes the columns that somebody reads, from the codes. */
  fill(rowCount: number): void {
    for (let index = 0; index < this.#filled.length; index++) {
      const column = this.#filled[index]!;
      const { values, position } = column;
      for (let row = 0; row < rowCount; row++) values[row] = this.codes[row] === position ? 1 : 0;
    }
  }
}

export class HotColumn extends NumberColumn {
  readonly group: HotGroup;
  readonly position: number;
  #asked = false;

  constructor(feature: string, group: HotGroup, position: number) {
    super(feature);
    this.group = group;
    this.position = position;
  }

  override get values(): Float64Array {
    if (!this.#asked) {
      this.#asked = true;
      this.group.keepFilled(this);
    }
    return super.values;
  }
}
