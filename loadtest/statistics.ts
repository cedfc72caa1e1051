/**
 * Summaries of few, noisy measurements. Medians and quartiles, since on a shared machine single rounds swing by a third
 * and a mean follows the worst of them.
 */

export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly max: number;
}

/**
 * A quantile by linear interpolation between the order statistics (type 7 of Hyndman and Fan, 1996; NumPy's and R's
 * default).
 *
 * @param values - In any order, at least one.
 * @param share - In [0, 1]; 0.5 is the median.
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("a quantile of no values");
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Minimum, quartiles and maximum of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  return {
    count: values.length,
    min: quantile(values, 0),
    lowerQuartile: quantile(values, 0.25),
    median: quantile(values, 0.5),
    upperQuartile: quantile(values, 0.75),
    max: quantile(values, 1),
  };
}
