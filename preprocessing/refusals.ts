import { describe } from "./graph-error.js";

/** A row that the fitted pipeline itself would raise on, and why. */
export interface RowRefusal {
  row: number;
  feature: string;
  expected: string;
  got: string;
}

const none: readonly RowRefusal[] = Object.freeze([]);

/**
 * Collects the refusals of one call. A feature of a row is reported once, at the first step that refuses it: what later
 * steps make of the same value is a consequence.
 */
export class Refusals {
  /** Row of the call that is row 0 of the strip under way. */
  firstRow = 0;
  #found: RowRefusal[] = [];
  readonly #seen = new Set<string>();

  /**
   * @param row - Row of the strip.
   * @param value - What came; null and NaN are said as "a missing value".
   */
  add(row: number, feature: string, expected: string, value: unknown): void {
    const callRow = this.firstRow + row;
    const key = `${callRow} ${feature}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const missing = value === null || Number.isNaN(value);
    this.#found.push({ row: callRow, feature, expected, got: missing ? "a missing value" : describe(value) });
  }

  /** The refusals in the order of their rows, and a clean slate. Allocates nothing when there are none. */
  take(): readonly RowRefusal[] {
    if (this.#found.length === 0) return none;
    const found = this.#found.sort((a, b) => a.row - b.row);
    this.#found = [];
    this.#seen.clear();
    return found;
  }
}
