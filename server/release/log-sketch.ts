/** Quantiles of numbers from 0 on, in bounded memory: counts by the logarithm, so that a quantile is within 2.2 % of its own. */

/** Buckets of a doubling. */
const perDoubling = 16;
/** Smaller numbers count as the smallest, larger ones as the largest: 1e-18 and 1e18. */
const doublings = 60;

export class LogSketch {
  readonly #counts = new Uint32Array(2 * doublings * perDoubling);
  #zeros = 0;
  count = 0;

  observe(value: number): void {
    this.count++;
    if (value === 0) {
      this.#zeros++;
      return;
    }
    const index = Math.floor((Math.log2(value) + doublings) * perDoubling);
    this.#counts[Math.max(0, Math.min(this.#counts.length - 1, index))]!++;
  }

  /** Counts by the bucket's index, of those that have any; zeros are in the first. */
  get buckets(): Record<string, number> {
    const buckets: Record<string, number> = this.#zeros === 0 ? {} : { 0: this.#zeros };
    for (const [index, count] of this.#counts.entries()) if (count > 0) buckets[index] = (buckets[index] ?? 0) + count;
    return buckets;
  }

  /** @param share - 0.99 for P99. @returns 0 without an observation. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count));
    let seen = this.#zeros;
    if (rank <= seen || this.count === 0) return 0;
    let index = 0;
    while (index < this.#counts.length - 1 && seen + this.#counts[index]! < rank) seen += this.#counts[index++]!;
    return 2 ** ((index + 0.5) / perDoubling - doublings);
  }
}
