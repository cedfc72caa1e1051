/**
 * When is each request meant to leave?
 *
 * In an open loop the times are fixed before the run and don't wait for replies: a server that stalls is still asked at
 * the rate that users would ask it, and each reply's latency counts from the time it was meant to leave. Pure:
 * randomness is passed in.
 */

import type { Random } from "./random.js";

export type Arrivals = "poisson" | "even";

/** One request to send. `rowCount` 1 is a plain row, more is a request with that many rows. */
export interface Planned {
  /** Milliseconds after the start of the run. */
  readonly atMs: number;
  readonly rowCount: number;
}

export interface ArrivalPlan {
  /** Requests per second, above 0. */
  readonly rate: number;
  readonly durationS: number;
  readonly arrivals: Arrivals;
}

/**
 * Intended send times in milliseconds from the start, ascending, all in [0, durationS * 1000).
 *
 * @param random - Used for Poisson arrivals only: gaps are exponential with mean `1000 / rate`.
 * @returns For even arrivals exactly `i * 1000 / rate`, so that rounding doesn't add up over a long run.
 */
export function sendTimesMs({ rate, durationS, arrivals }: ArrivalPlan, random: Random): Float64Array {
  const endMs = durationS * 1000;
  const times: number[] = [];
  if (arrivals === "even") {
    for (let i = 0; (i * 1000) / rate < endMs; i++) times.push((i * 1000) / rate);
  } else {
    const meanGapMs = 1000 / rate;
    for (let atMs = random.exponential() * meanGapMs; atMs < endMs; atMs += random.exponential() * meanGapMs)
      times.push(atMs);
  }
  return Float64Array.from(times);
}

/**
 * Plain rows at the planned times and, where asked for, a large request every `everyS` seconds, the first after half of
 * that.
 *
 * @returns In order of time; where two fall on the same instant, the plain row goes first.
 */
export function planRequests(
  plan: ArrivalPlan,
  random: Random,
  big?: { readonly rowCount: number; readonly everyS: number },
): readonly Planned[] {
  const planned: Planned[] = Array.from(sendTimesMs(plan, random), (atMs) => ({ atMs, rowCount: 1 }));
  if (big) {
    const { durationS } = plan;
    for (let i = 0; (i + 0.5) * big.everyS < durationS; i++)
      planned.push({ atMs: (i + 0.5) * big.everyS * 1000, rowCount: big.rowCount });
    planned.sort((a, b) => a.atMs - b.atMs);
  }
  return planned;
}
