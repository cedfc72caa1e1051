/**
 * What a cache hit costs beside a miss, in processor time of the server. Both carry the same request, so the raw
 * limit's time for it is taken off both: what is left is what Plumb does besides reading and answering.
 */

import type { Generator } from "../loadtest/generators.js";
import { sumOf } from "../loadtest/prometheus-text.js";
import { readMetrics } from "../loadtest/server-metrics.js";
import { startPlumb } from "../loadtest/server-process.js";
import type { Target } from "../loadtest/target.js";
import { demandAlone } from "./demand-alone.js";
import { type Contender, type Load, pairedRounds } from "./paired.js";

/** Size of the set of rows that is requested repeatedly. */
export const warmRows = 512;
const cacheBytes = 67_108_864;

export interface CacheRound {
  /** Microseconds of the server's processor time a request. */
  readonly rawCpuUs: number;
  readonly hitCpuUs: number;
  readonly missCpuUs: number;
  readonly hitsPerSecond: number;
  readonly missesPerSecond: number;
  readonly errors: number;
}

export interface CacheRuns {
  readonly raw: Contender;
  /** Sends another row each time. */
  readonly randomRows: Generator;
  /** Sends the same {@link warmRows} rows. */
  readonly sameRows: Generator;
  readonly connections: number;
  readonly rounds: number;
  readonly durationS: number;
}

/**
 * @returns No round where the system doesn't report a process's time.
 * @throws Error where the calls that should have hit the cache didn't.
 */
export async function cacheRounds({
  raw,
  randomRows,
  sameRows,
  connections,
  rounds,
  durationS,
}: CacheRuns): Promise<CacheRound[]> {
  // Both on ONNX Runtime: a cache is for a model that is dear, and the tree kernel makes this one nearly free.
  const model = [...demandAlone(), "--engine", "onnxruntime"];
  const server = await startPlumb([...model, "--cache-bytes", String(cacheBytes)]);
  const plain = await startPlumb(model).catch(async (error) => {
    await server.stop();
    throw error;
  });
  try {
    const target: Target = { host: "127.0.0.1", port: server.port, path: "/models/demand/predict" };
    const miss: Contender = { target: { ...target, port: plain.port }, pid: plain.pid, generator: randomRows };
    await randomRows.saturate(miss.target, connections, durationS); // untimed, as for the others
    const hit: Contender = { target, pid: server.pid, generator: sameRows };
    await sameRows.saturate(target, connections, durationS); // after it, every row is in the cache
    const before = await lookUps(server.adminPort);
    const results = await pairedRounds({ contenders: { raw, hit, miss }, connections, rounds, durationS }, roundOf);
    const after = await lookUps(server.adminPort);
    const [hits, misses] = [after.hits - before.hits, after.misses - before.misses];
    if (hits < 0.99 * (hits + misses) || hits === 0) {
      throw new Error(`of the calls for rows in the cache only ${hits} of ${hits + misses} were answered from it`);
    }
    return results.flatMap((round) => round ?? []);
  } finally {
    await server.stop();
    await plain.stop();
  }
}

/** The cost of a hit above the raw limit's, of a miss's above it. */
export function hitOfMiss({ rawCpuUs, hitCpuUs, missCpuUs }: CacheRound): number {
  return (hitCpuUs - rawCpuUs) / (missCpuUs - rawCpuUs);
}

function roundOf({ raw, hit, miss }: Readonly<Record<"raw" | "hit" | "miss", Load>>): CacheRound | undefined {
  const [rawCpuUs, hitCpuUs, missCpuUs] = [raw.cpuUsPerRequest, hit.cpuUsPerRequest, miss.cpuUsPerRequest];
  if (rawCpuUs === undefined || hitCpuUs === undefined || missCpuUs === undefined) return undefined;
  const rates = { hitsPerSecond: hit.requestsPerSecond, missesPerSecond: miss.requestsPerSecond };
  return { rawCpuUs, hitCpuUs, missCpuUs, ...rates, errors: hit.errors + miss.errors };
}

async function lookUps(adminPort: number): Promise<{ hits: number; misses: number }> {
  const samples = await readMetrics({ host: "127.0.0.1", port: adminPort, path: "/metrics" });
  return {
    hits: sumOf(samples.values(), "plumb_cache_hits_total"),
    misses: sumOf(samples.values(), "plumb_cache_misses_total"),
  };
}
