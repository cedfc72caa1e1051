/** How many rows were asked for lately, and how many of them were let in: counts that fade. */

/** After this time a row counts for a third, milliseconds. */
const memoryMs = 1000;

export class Arrivals {
  #admitted = 0;
  #refused = 0;
  #atMs = 0;

  admitted(rowCount: number, nowMs: number): void {
    this.#fade(nowMs);
    this.#admitted += rowCount;
  }

  refused(rowCount: number, nowMs: number): void {
    this.#fade(nowMs);
    this.#refused += rowCount;
  }

  rows(nowMs: number): { askedRows: number; admittedRows: number } {
    this.#fade(nowMs);
    return { askedRows: this.#admitted + this.#refused, admittedRows: this.#admitted };
  }

  #fade(nowMs: number): void {
    const passedMs = nowMs - this.#atMs;
    // Each millisecond is enough.
    if (passedMs < 1) return;
    const left = Math.exp(-passedMs / memoryMs);
    this.#admitted *= left;
    this.#refused *= left;
    this.#atMs = nowMs;
  }
}
