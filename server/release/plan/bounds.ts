/**
 * Bounds that hold at every look at once, for what isn't a difference of means: quantiles, distributions over buckets,
 * one arm alone. All are normal mixtures, as `experiment/statistics.ts` has for means.
 *
 * @see Howard, Ramdas, McAuliffe, Sekhon: Time-uniform, nonparametric, nonasymptotic confidence sequences (2021);
 *   Howard, Ramdas: Sequential estimation of quantiles (2022).
 */

import type { Buckets } from "../experiment/arm-figures.js";

export interface Tuning {
  /** Chance of a wrong bound, over all looks. */
  readonly alpha: number;
  /** Observations at which the bounds are narrowest. */
  readonly decisionSize: number;
}

/** The mixture's parameter that is best where the intrinsic time is `decisionSize`. */
function mixtureOf({ alpha, decisionSize }: Tuning): number {
  const log = 2 * Math.log(1 / alpha);
  return decisionSize / (log + Math.log(1 + log));
}

/**
 * How far a share of n observations may be from its expectation.
 *
 * @param share - Expected, or the quantile's level.
 * @returns Two-sided, at all n at once. The second term covers counts that are too few to be normal.
 */
export function shareRadius(n: number, share: number, tuning: Tuning): number {
  if (n === 0) return 1;
  const perCall = Math.max(share * (1 - share), 1e-12);
  const rho = mixtureOf(tuning);
  const width = Math.sqrt(((n + rho) * Math.log((n + rho) / (rho * tuning.alpha ** 2)) * perCall) / n ** 2);
  return Math.min(1, width + Math.log(2 / tuning.alpha) / (3 * n));
}

/** A quantile of a sketch, as its bucket's bounds, and the bounds at every look of the quantile itself. */
export interface QuantileBounds {
  readonly estimate: number;
  readonly low: number;
  /** Infinite where there is too little. */
  readonly high: number;
}

/** A bucket of a sketch, smallest first. */
export interface SketchBucket {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** @param level - 0.95 for P95. */
export function quantileBounds(buckets: readonly SketchBucket[], level: number, tuning: Tuning): QuantileBounds {
  const n = buckets.reduce((sum, { count }) => sum + count, 0);
  const radius = shareRadius(n, level, tuning);
  const at = (share: number) => {
    let seen = 0;
    return buckets.find(({ count }) => {
      seen += count;
      return count > 0 && seen >= share * n;
    });
  };
  const middle = at(level);
  return {
    estimate: middle === undefined ? Number.NaN : Math.sqrt(Math.max(middle.from, 1e-9) * middle.to),
    low: level - radius <= 0 ? 0 : (at(level - radius)?.from ?? 0),
    high: level + radius >= 1 ? Number.POSITIVE_INFINITY : (at(level + radius)?.to ?? Number.POSITIVE_INFINITY),
  };
}

/** Fewest observations of both arms in a bucket; rarer ones count together. */
const bucketMin = 10;

export interface DistributionDistance {
  /** Population stability index. */
  readonly psi: number;
  /** What chance alone makes of it, on average. */
  readonly expected: number;
  /** What it stays below at every look where the arms don't differ. */
  readonly nullBound: number;
  /** Bound of the arms' true index, from above. */
  readonly high: number;
  readonly buckets: number;
}

/** How far two arms' answers lie apart. Undefined where either has none. */
export function distributionDistance(
  tested: Buckets,
  baseline: Buckets,
  tuning: Tuning,
): DistributionDistance | undefined {
  const n = sumOf(tested);
  const m = sumOf(baseline);
  if (n === 0 || m === 0) return undefined;
  const pairs: [number, number][] = [];
  let rare: [number, number] = [0, 0];
  for (const name of new Set([...Object.keys(tested), ...Object.keys(baseline)])) {
    const pair: [number, number] = [tested[name] ?? 0, baseline[name] ?? 0];
    if (pair[0] + pair[1] >= bucketMin) pairs.push(pair);
    else rare = [rare[0] + pair[0], rare[1] + pair[1]];
  }
  if (rare[0] + rare[1] > 0) pairs.push(rare);
  let psi = 0;
  for (const [a, b] of pairs) {
    const p = (a + 0.5) / (n + 0.5 * pairs.length);
    const q = (b + 0.5) / (m + 0.5 * pairs.length);
    psi += (p - q) * Math.log(p / q);
  }
  const perObservation = 1 / n + 1 / m;
  const dimensions = Math.max(1, pairs.length - 1);
  const time = 1 / perObservation;
  const rho = mixtureOf(tuning);
  const chiSquared =
    ((time + rho) / time) * (2 * Math.log(1 / tuning.alpha) + dimensions * Math.log((time + rho) / rho));
  const nullBound = chiSquared * perObservation;
  const expected = dimensions * perObservation;
  // The root of the index is about a distance: chance adds to it no more than the root of its bound.
  const high = (Math.sqrt(Math.max(0, psi - expected)) + Math.sqrt(nullBound)) ** 2;
  return { psi, expected, nullBound, high, buckets: pairs.length };
}

/** The bucket with most, and how many stand in it. */
export function commonest(buckets: Buckets): { readonly name: string; readonly count: number; readonly of: number } {
  let [name, count, of] = ["", 0, 0];
  for (const [each, here] of Object.entries(buckets)) {
    of += here;
    if (here > count) [name, count] = [each, here];
  }
  return { name, count, of };
}

function sumOf(buckets: Buckets): number {
  let sum = 0;
  for (const count of Object.values(buckets)) sum += count;
  return sum;
}
