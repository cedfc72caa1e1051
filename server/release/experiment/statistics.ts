/**
 * Statistics that hold however often they are looked at: confidence sequences and p-values of the difference of two
 * means, and whether two arms got the shares that they should have.
 *
 * The sequence is the normal mixture (Howard et al. 2021) with the estimated variance: |d| / se is significant where it
 * exceeds sqrt(ln(1 / (r alpha^2)) / (1 - r)), with r = rho / (rho + n). In its place stands its form for Student's t
 * (Lindon et al. 2024), which tends to it as the observations grow and doesn't mistake a variance of few observations
 * for the true one. n is the effective number of observations, 1 / (1 / n1 + 1 / n2). Pure.
 */

import type { Sums } from "./arm-figures.js";

export interface ComparisonOptions {
  /** Share of comparisons without a difference that are ever called, over all looks. */
  readonly alpha: number;
  /** Observations of each arm at which the interval is tightest, in comparison with other sequences. */
  readonly decisionSize: number;
  /** Each of the two bounds is to hold by itself: one-sided decisions. Default: both together. */
  readonly oneSided?: boolean;
}

export interface MeanComparison {
  /** Mean of the canary less that of its control. */
  readonly difference: number;
  /** The difference is between these at every look with probability 1 - alpha; infinite while too little is known. */
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
  /** Always-valid p-value of "there is no difference": it may be compared with alpha at every look. */
  readonly evidence: number;
}

export function compareMeans(canary: Sums, control: Sums, options: ComparisonOptions): MeanComparison {
  const difference = meanOf(canary) - meanOf(control);
  const unknown = { difference, low: -Infinity, high: Infinity, standardError: Infinity, evidence: 1 };
  if (canary.count < 2 || control.count < 2) return unknown;
  const areRates = isRate(canary) && isRate(control);
  const standardError = Math.sqrt(
    variance(canary, areRates) / canary.count + variance(control, areRates) / control.count,
  );
  if (!Number.isFinite(difference) || !Number.isFinite(standardError)) return unknown;
  const { alpha, decisionSize, oneSided = false } = options;
  const rho = tunedRho(alpha, decisionSize / 2);
  const n = 1 / (1 / canary.count + 1 / control.count);
  const freedom = canary.count + control.count - 3;
  const r = rho / (rho + n);
  // The bound of the one-sided mixture, which is the two-sided one's at somewhat less than 2 alpha.
  const twoSided = oneSided ? 1 / (1 / (2 * alpha) + Math.sqrt(r)) : alpha;
  const bound = tBound(r, twoSided, freedom);
  const radius = bound === Infinity ? bound : standardError * bound;
  return {
    difference,
    low: difference - radius,
    high: difference + radius,
    standardError,
    evidence: tEvidence(difference === 0 ? 0 : (difference / standardError) ** 2, r, freedom),
  };
}

/** Whether there is a difference, called at every look with an error of alpha over all of them. */
export function isCalled({ evidence }: Pick<MeanComparison, "evidence">, alpha: number): boolean {
  return evidence < alpha;
}

/**
 * Whether the arms got calls in the ratio that they should have: a mismatch means that the comparison is of different
 * calls, so no result of it counts. Always valid: the mixture of multinomials (Lindon and Malek 2022).
 *
 * @param canaryShare - Expected share of the canary among both.
 */
export function sampleRatioMismatch(
  canaryCalls: number,
  controlCalls: number,
  canaryShare = 0.5,
): { pValue: number; isMismatch: boolean } {
  const [a, b] = [concentration * canaryShare, concentration * (1 - canaryShare)];
  const logOdds =
    logBeta(a + canaryCalls, b + controlCalls) -
    logBeta(a, b) -
    canaryCalls * Math.log(canaryShare) -
    controlCalls * Math.log(1 - canaryShare);
  const pValue = Math.min(1, Math.exp(-logOdds));
  return { pValue, isMismatch: pValue < mismatchAlpha };
}

const mismatchAlpha = 0.001;
/** Of the mixture: mismatches of some per cent are found soonest. */
const concentration = 100;

/** @see Howard et al. 2021, section 3.5: the mixture's width at the variance `v` is nearly the least for this rho. */
function tunedRho(alpha: number, v: number): number {
  const twice = 2 * Math.log(1 / alpha);
  return v / (twice + Math.log(1 + twice));
}

/** Half of the interval's width, in standard errors. */
function tBound(r: number, alpha: number, freedom: number): number {
  if (freedom <= 0) return Infinity;
  // As 1 - x and x - r, without their cancellation.
  const log = Math.log(r * alpha * alpha) / (freedom + 1);
  const below = Math.expm1(log - Math.log(r)) * r;
  return below <= 0 ? Infinity : Math.sqrt((freedom * -Math.expm1(log)) / below);
}

function tEvidence(tSquared: number, r: number, freedom: number): number {
  if (freedom <= 0) return 1;
  const t = tSquared / freedom;
  const gain = t === Infinity ? -Math.log(r) : Math.log1p(t) - Math.log1p(r * t);
  return Math.min(1, Math.exp(-0.5 * (Math.log(r) + (freedom + 1) * gain)));
}

function meanOf({ count, sum }: Sums): number {
  return count === 0 ? Number.NaN : sum / count;
}

/** Each value is 0 or 1. */
function isRate({ count, sum, sumOfSquares }: Sums): boolean {
  return sum === sumOfSquares && sum >= 0 && sum <= count;
}

/**
 * That of a rate is at least what one more of either kind makes it: an arm without an error hasn't shown that it never
 * has one.
 */
function variance({ count, sum, sumOfSquares }: Sums, isRate: boolean): number {
  const sample = Math.max(0, (sumOfSquares - (sum * sum) / count) / (count - 1));
  const smoothed = (sum + 1) / (count + 2);
  return isRate ? Math.max(sample, smoothed * (1 - smoothed)) : sample;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Stirling's series, from where its terms are below the last bit. */
function logGamma(x: number): number {
  let below = 0;
  for (; x < 32; x++) below += Math.log(x);
  const square = 1 / (x * x);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - below;
}
