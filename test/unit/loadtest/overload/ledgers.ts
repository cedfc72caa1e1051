/** Ledgers written by hand: one line a call. */

import { Ledger } from "../../../../loadtest/overload/ledger.js";

export interface Entry {
  readonly dueMs: number;
  /** After it was due; without one, it never ended. */
  readonly tookMs?: number;
  readonly status?: number;
  readonly retryAfterS?: number;
  readonly gaveUp?: boolean;
}

export function ledgerOf(entries: readonly Entry[], triesMax = 1): Ledger {
  const ledger = new Ledger(
    Float64Array.from(entries, ({ dueMs }) => dueMs),
    triesMax,
  );
  for (const [index, { dueMs, tookMs, status = 200, retryAfterS = -1, gaveUp = false }] of entries.entries()) {
    ledger.leftMs[index] = dueMs;
    if (tookMs === undefined) continue;
    ledger.endedMs[index] = dueMs + tookMs;
    ledger.status[index] = gaveUp ? 0 : status;
    ledger.retryAfterS[index] = retryAfterS;
    ledger.gaveUp[index] = gaveUp ? 1 : 0;
  }
  return ledger;
}

/** `count` calls from `fromMs` on, evenly, all alike. */
export function calls(fromMs: number, count: number, everyMs: number, entry: Omit<Entry, "dueMs">): Entry[] {
  return Array.from({ length: count }, (_, i) => ({ dueMs: fromMs + i * everyMs, ...entry }));
}
