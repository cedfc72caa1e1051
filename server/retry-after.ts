/** The header Retry-After: callers that were refused together shouldn't come back together. */

/** Where nobody says more, milliseconds: what a version needs to load, or a burst to pass. */
const usualMs = 1500;

/**
 * @param chance - From 0 to below 1.
 * @param retryAfterMs - When there should be room again.
 * @returns Whole seconds, from the time itself to twice as much; at least 1.
 */
export function jitteredSeconds(chance: number, retryAfterMs = usualMs): number {
  return Math.max(1, Math.round((retryAfterMs * (1 + chance)) / 1000));
}
