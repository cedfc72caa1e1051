/**
 * What the contract suite needs to know of each operator: columns to feed it, parameters that fit, and parameters that
 * do not.
 */

type Cell = number | string | null | readonly (number | string | boolean | null)[];

export interface OperatorCase {
  op: string;
  /** Told apart where an operator has several cases. */
  title: string;
  /**
   * Column by column; every column is as long as the first. Strings and null make it a string column, lists one of what
   * the first of their items is.
   */
  columns: readonly (readonly Cell[])[];
  params: Record<string, unknown>;
  /** How many columns come out. */
  width: number;
  /** Rows that are refused. */
  refused?: readonly number[];
  /** Parameters to put over `params` that must not pass, and where the complaint must point. */
  malformed: readonly (readonly [over: Record<string, unknown>, at: string])[];
}

/**
 * Columns to feed: the edges of numbers, infinities, integers with unknown ones among them, words, and margins of a
 * model.
 */
export const numbers = [1.5, -0, 0, Number.NaN, 1e308, 5e-324, -7, 3];
export const more = [0, 1, 2, 3, Number.NaN, -1, 1e-9, 2];
export const infinite = [1, Number.POSITIVE_INFINITY, 0, 2, Number.NEGATIVE_INFINITY, 3, 4, Number.NaN];
export const integers = [0, 1, 2, 7, Number.NaN, -1, 1, 0];
export const words = ["a", "b", "", null, "unseen", "a", "NaN", "b"];
export const margins = [0.25, -3, 90, -90, Number.NaN, 0, -0, 1e-9];
