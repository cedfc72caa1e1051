/**
 * The tail at a rate: 200 rows a second in an open loop while a 1000-row request goes by each second; the raw limit
 * beside Plumb.
 */

import type { Random } from "../loadtest/random.js";
import type { RowSource } from "../loadtest/rows.js";
import { runSla, type SlaSettings } from "../loadtest/scenarios/sla.js";
import type { Target } from "../loadtest/target.js";

export interface LatencyRound {
  /** P99 of the one-row requests, milliseconds. The raw limit's shows what machine and generator add by themselves. */
  readonly rawP99Ms: number;
  readonly plumbP99Ms: number;
  readonly plumbP50Ms: number;
  /** The P99 of the 1000-row requests: with few a round, their maximum. */
  readonly bigP99Ms: number;
  readonly errors: number;
}

export interface LatencyRuns {
  readonly raw: Target;
  readonly plumb: Target;
  readonly rounds: number;
  readonly durationS: number;
  readonly rows: RowSource;
  readonly random: Random;
}

export async function latencyRounds({
  raw,
  plumb,
  rounds,
  durationS,
  rows,
  random,
}: LatencyRuns): Promise<LatencyRound[]> {
  const settings: SlaSettings = {
    rate: 200,
    durationS,
    arrivals: "poisson",
    connections: 64,
    p95MsMax: 200,
    big: { rowCount: 1000, everyS: 1 },
    drainMs: 5000,
  };
  const results: LatencyRound[] = [];
  for (let round = 0; round < rounds; round++) {
    const rawRun = await runSla("raw", raw, settings, rows, random);
    const run = await runSla("plumb", plumb, settings, rows, random);
    results.push({
      rawP99Ms: rawRun.plain.latencyMs?.p99 ?? Number.NaN,
      plumbP99Ms: run.plain.latencyMs?.p99 ?? Number.NaN,
      plumbP50Ms: run.plain.latencyMs?.p50 ?? Number.NaN,
      bigP99Ms: run.big.latencyMs?.p99 ?? Number.NaN,
      errors: run.plain.requests - run.plain.ok + run.big.requests - run.big.ok,
    });
  }
  return results;
}
