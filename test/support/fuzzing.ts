/**
 * How long a fuzz test goes on: a few hundred rounds among the other tests, as many as fit into the minutes that `npm
 * run fuzz` names.
 */

const minutes = Number(process.env.FUZZ_MINUTES ?? 0);

/** For `fc.assert`. A round is one input; fast-check prints the seed of one that fails. */
export function rounds(numRuns: number): { numRuns: number; interruptAfterTimeLimit?: number } {
  return minutes > 0 ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: minutes * 60_000 } : { numRuns };
}

/** For vitest: a long run is no hanging one. */
export const fuzzTimeoutMs = (minutes + 1) * 60_000;
