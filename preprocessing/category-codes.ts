/**
 * Categories to codes, for every encoder.
 *
 * Values match as Python's `==` does: 1, 1.0 and True are one category, "1" is another, -0.0 is 0.0, missing is
 * missing. A Map gives all of this but the booleans, which are turned into 1 and 0.
 */
import type { Column, NumberColumn, Scalar, TextColumn } from "./column.js";
import { describe, GraphError, oneOf } from "./graph-error.js";
import type { Refusals } from "./refusals.js";

export type Category = Scalar | null;

export interface CodeTable {
  categories: readonly Category[];
  /** The code of each category, in the order of `categories`; may repeat. */
  codes: readonly number[];
  /** The code of a value that is no category. */
  unknown: number;
  /** Whether a row with such a value is refused. */
  refuseUnknown: boolean;
}

/** Writes the codes of rows 0 .. rowCount-1. */
export type Coder = (rowCount: number, codes: Int32Array) => void;

export function matchKey(category: Category): string | number | null {
  return typeof category === "boolean" ? Number(category) : category;
}

/**
 * The place of each category, by {@link matchKey}.
 *
 * @throws {@link GraphError} for two categories that are equal.
 */
export function indexCategories(categories: readonly Category[], path: string): Map<string | number | null, number> {
  const indexes = new Map<string | number | null, number>();
  for (const [index, category] of categories.entries()) {
    const key = matchKey(category);
    if (indexes.has(key))
      throw new GraphError(`${path}[${index}]`, "a category that equals no earlier one", describe(category));
    indexes.set(key, index);
  }
  return indexes;
}

/**
 * Plans the look-up of one column. The kind of look-up is chosen here, so that each coder's loop does one thing.
 *
 * An infinite number is refused whatever `unknown` says: scikit-learn's encoders raise on it.
 */
export function createCoder(column: Column, table: CodeTable, refusals: Refusals): Coder {
  const { categories, unknown, refuseUnknown } = table;
  const expected = categories.length <= 10 ? oneOf(categories) : `one of the ${categories.length} known categories`;
  const codeOfUnknown = (row: number, value: Category): number => {
    const infinite = value === Infinity || value === -Infinity;
    if (refuseUnknown || infinite) refusals.add(row, column.feature, infinite ? "a finite number" : expected, value);
    return unknown;
  };
  const codes = new Map(categories.map((category, index) => [matchKey(category), table.codes[index]!]));
  if (column.kind === "text") return textCoder(column, codes, codeOfUnknown);
  return smallIntegerCoder(column, codes, codeOfUnknown) ?? numberCoder(column, codes, codeOfUnknown);
}

type Codes = ReadonlyMap<string | number | null, number>;
type CodeOfUnknown = (row: number, value: Category) => number;

function textCoder({ values }: TextColumn, codes: Codes, codeOfUnknown: CodeOfUnknown): Coder {
  return (rowCount, out) => {
    for (let row = 0; row < rowCount; row++) {
      const value = values[row]!;
      const code = codes.get(typeof value === "boolean" ? Number(value) : value);
      out[row] = code === undefined ? codeOfUnknown(row, value) : code;
    }
  };
}

function numberCoder({ values }: NumberColumn, codes: Codes, codeOfUnknown: CodeOfUnknown): Coder {
  const missing = codes.get(null);
  const byNumber = new Map([...codes].filter((entry): entry is [number, number] => typeof entry[0] === "number"));
  if (missing !== undefined) byNumber.set(Number.NaN, missing);
  return (rowCount, out) => {
    for (let row = 0; row < rowCount; row++) {
      const value = values[row]!;
      const code = byNumber.get(value);
      out[row] = code === undefined ? codeOfUnknown(row, value) : code;
    }
  };
}

/** Widest span of integers that are looked up by position: 4 KB a column. */
const spanMax = 1024;
const hole = -(2 ** 31);

/**
 * Integers close together (flags, weekdays, small ids) are the common case, and an array of codes is several times as
 * fast as a Map.
 */
function smallIntegerCoder({ values }: NumberColumn, codes: Codes, codeOfUnknown: CodeOfUnknown): Coder | undefined {
  const integers = [...codes.keys()].filter((key) => typeof key === "number");
  const low = Math.min(...integers);
  const span = Math.max(...integers) - low + 1;
  if (!integers.every(Number.isSafeInteger) || !(span >= 1 && span <= spanMax)) return undefined;
  const byOffset = new Int32Array(span).fill(hole);
  for (const key of integers) byOffset[key - low] = codes.get(key)!;
  const missing = codes.get(null) ?? hole;
  return (rowCount, out) => {
    for (let row = 0; row < rowCount; row++) {
      const value = values[row]!;
      const offset = (value - low) | 0; // 0 for NaN, wrapped for what is far off: neither passes the next line's comparison
      let code = hole;
      if (offset + low === value) code = offset >= 0 && offset < span ? byOffset[offset]! : hole;
      else if (Number.isNaN(value)) code = missing;
      out[row] = code === hole ? codeOfUnknown(row, value) : code;
    }
  };
}
