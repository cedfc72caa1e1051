/** Quantiles of numbers from 0 on, in bounded memory: counts by the logarithm, so that a quantile is within 2.2 % of its own. */

/** Buckets of a doubling. */
const perDoubling = 16;
/** Smaller numbers count as the smallest, larger ones as the largest: 1e-18 and 1e18. */
const doublings = 60;
const bucketCount = 2 * doublings * perDoubling;

/** A sketch as plain data: sketches of several processes are added by their buckets. */
export interface SketchFigures {
  readonly zeros: number;
  /** Buckets that aren't empty: place, count. */
  readonly counts: readonly (readonly [number, number])[];
}

export class LogSketch {
  readonly #counts = new Float64Array(bucketCount);
  #zeros = 0;
  count = 0;

  /** @param sketches - Whose observations it begins with. */
  constructor(...sketches: readonly SketchFigures[]) {
    for (const { zeros, counts } of sketches) {
      this.#zeros += zeros;
      this.count += zeros;
      for (const [bucket, count] of counts) {
        this.#counts[bucket]! += count;
        this.count += count;
      }
    }
  }

  observe(value: number): void {
    this.count++;
    if (value === 0) this.#zeros++;
    else {
      const index = Math.floor((Math.log2(value) + doublings) * perDoubling);
      this.#counts[Math.max(0, Math.min(bucketCount - 1, index))]!++;
    }
  }

  get figures(): SketchFigures {
    const counts: [number, number][] = [];
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) counts.push([bucket, count]);
    return { zeros: this.#zeros, counts };
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
    while (index < bucketCount - 1 && seen + this.#counts[index]! < rank) seen += this.#counts[index++]!;
    return 2 ** ((index + 0.5) / perDoubling - doublings);
  }
}
