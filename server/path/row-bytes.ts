/**
 * How many rows does a body hold? Guessed from its length, by what bodies of the version held lately, before it is
 * decoded.
 */

/** A body counts for this much of what is known. */
const weight = 0.05;
/** Rows differ in length; a guess is off by as much at most, or the length doesn't say enough. */
const spread = 1.5;

export class RowBytes {
  /** Mean bytes per row; 0 until a body was decoded. */
  #mean = 0;

  learn(bodyBytes: number, rowCount: number): void {
    if (rowCount === 0) return;
    const bytes = bodyBytes / rowCount;
    this.#mean = this.#mean === 0 ? bytes : this.#mean + weight * (bytes - this.#mean);
  }

  /** @returns The fewest and the most rows; undefined until something is known. */
  rowsIn(bodyBytes: number): { least: number; most: number } | undefined {
    if (this.#mean === 0) return undefined;
    const rows = bodyBytes / this.#mean;
    return { least: Math.max(1, Math.floor(rows / spread)), most: Math.max(1, Math.ceil(rows * spread)) };
  }
}
