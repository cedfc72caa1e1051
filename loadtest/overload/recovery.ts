/**
 * When are answers normal again? The first moment from which a second's calls are answered, but for one in a hundred,
 * within the objective.
 */

import type { Ledger } from "./ledger.js";

export interface RecoveryRule {
  /** When the overload ended, milliseconds. */
  readonly fromMs: number;
  /** Calls that were due up to then have ended; later ones are not looked at. */
  readonly untilMs: number;
  readonly withinMs: number;
  readonly windowMs?: number;
  readonly goodShare?: number;
}

/**
 * @returns Seconds from `fromMs` to the first call from which on a window's calls are normal; undefined where there is
 *   no such window. A window without a call is not normal.
 */
export function recoverySeconds(ledger: Ledger, rule: RecoveryRule): number | undefined {
  const { fromMs, untilMs, withinMs, windowMs = 1000, goodShare = 0.99 } = rule;
  const { dueMs, plannedCount } = ledger;
  const first = firstFrom(dueMs, plannedCount, fromMs);
  let end = first;
  let [calls, good] = [0, 0];
  for (let start = first; start < plannedCount; start++) {
    // The first window begins at the end of the overload itself, so that a server that was never off is normal after 0
    // s.
    const windowStartMs = start === first ? fromMs : dueMs[start]!;
    if (!(windowStartMs + windowMs <= untilMs)) return undefined;
    for (; end < plannedCount && dueMs[end]! < windowStartMs + windowMs; end++) {
      calls++;
      if (ledger.isGood(end, withinMs)) good++;
    }
    if (calls > 0 && good >= goodShare * calls) return (windowStartMs - fromMs) / 1000;
    if (end === start) {
      end++; // no call in the first window: the next one begins behind this call
    } else {
      calls--;
      if (ledger.isGood(start, withinMs)) good--;
    }
  }
  return undefined;
}

/** The first planned call that is due at `fromMs` or later. */
function firstFrom(dueMs: Float64Array, count: number, fromMs: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (dueMs[middle]! >= fromMs || Number.isNaN(dueMs[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
