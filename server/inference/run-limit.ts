/**
 * How long may a run take before it counts as stuck? Far longer than any known one, and never so short that a pause of
 * the machine is taken for it.
 */

const limitMsMin = 1000;
const timesLongest = 10;

/** Milliseconds. */
export interface KnownRuns {
  /** The version's objective: a run within it is never stuck. */
  readonly objectiveMs: number;
  /** What this run should take, by the fitted cost. */
  readonly expectedMs: number;
  /** The longest run of the version so far. */
  readonly longestMs: number;
}

/** @returns Milliseconds. */
export function runLimitMs({ objectiveMs, expectedMs, longestMs }: KnownRuns): number {
  return Math.max(limitMsMin, objectiveMs, timesLongest * Math.max(expectedMs, longestMs));
}
