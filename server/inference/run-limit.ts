/** How long may a run take before it counts as stuck? Far longer than any known one, and never so short that a pause of the machine is taken for it. */

const limitMsMin = 1000;
const timesLongest = 10;

/**
 * @param expectedMs - Of this run, by the fitted cost.
 * @param longestMs - Of all runs of the version so far.
 * @returns Milliseconds.
 */
export function runLimitMs(expectedMs: number, longestMs: number): number {
  return Math.max(limitMsMin, timesLongest * Math.max(expectedMs, longestMs));
}
