/**
 * A histogram with fixed bounds in typed arrays: 34 ns per observation where prom-client's takes 500-630 with labels,
 * which seven times a call would halve the throughput.
 */
export class Histogram {
  readonly bounds: Float64Array;
  /** Observations per bucket, not cumulative; the last is "beyond all bounds". */
  readonly #counts: Float64Array;
  sum = 0;
  count = 0;

  /** @param bounds - Upper bounds, inclusive, ascending. */
  constructor(bounds: Float64Array) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    this.#counts[low]!++;
    this.sum += value;
    this.count++;
  }

  /** Observations up to and including each bound, and then all of them. */
  cumulative(): number[] {
    let total = 0;
    return Array.from(this.#counts, (count) => {
      total += count;
      return total;
    });
  }
}

/** Bounds for latencies in seconds, from 10 us: a stage of a call is far under a millisecond. */
export const latencyBounds = Float64Array.of(
  1e-5,
  2.5e-5,
  5e-5,
  1e-4,
  2.5e-4,
  5e-4,
  1e-3,
  2.5e-3,
  5e-3,
  1e-2,
  2.5e-2,
  5e-2,
  0.1,
  0.2,
  0.5,
  1,
  2.5,
  5,
  10,
);

/** Bounds for rows in a batch. */
export const rowBounds = Float64Array.of(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024);
