/**
 * When should a refused caller come again? Once what waits has drained, and later the more callers are refused: if they
 * all came back then, most would be refused again.
 */

export interface Demand {
  /** Until what waits has drained, milliseconds. */
  readonly waitMs: number;
  /** Rows that were asked for lately, and those of them that were let in. */
  readonly askedRows: number;
  readonly admittedRows: number;
}

const retryMsMin = 1000;
const retryMsMax = 60_000;

/** @returns Milliseconds, before the jitter that keeps callers apart. */
export function retryAfterMs({ waitMs, askedRows, admittedRows }: Demand): number {
  const excess = askedRows / Math.max(1, admittedRows);
  return Math.min(retryMsMax, Math.max(retryMsMin, waitMs * excess));
}
