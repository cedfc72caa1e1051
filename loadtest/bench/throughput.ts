/** Paired rounds: in each, every server gets the same load for a short while, so that what slows the machine slows them all. */

import type { Generator, Saturation } from "../generators.js";
import type { Target } from "../target.js";

export const contenders = ["raw", "plumb", "fastify"] as const;
export type Contender = (typeof contenders)[number];

export interface ThroughputRound {
  readonly load: Readonly<Record<Contender, Saturation>>;
  /** Bare ONNX Runtime in the same round, microseconds a row in batches of 64. */
  readonly onnxUsPerRow: number;
}

export interface ThroughputRuns {
  readonly generator: Generator;
  readonly targets: Readonly<Record<Contender, Target>>;
  readonly connections: number;
  readonly rounds: number;
  readonly durationS: number;
  readonly measureOnnx: () => Promise<number>;
}

export async function throughputRounds(runs: ThroughputRuns): Promise<ThroughputRound[]> {
  const { generator, targets, connections, rounds, durationS, measureOnnx } = runs;
  const results: ThroughputRound[] = [];
  for (let round = 0; round < rounds; round++) {
    const load: Partial<Record<Contender, Saturation>> = {};
    for (const contender of rotated(contenders, round))
      load[contender] = await generator.saturate(targets[contender], connections, durationS);
    results.push({ load: load as Record<Contender, Saturation>, onnxUsPerRow: await measureOnnx() });
  }
  return results;
}

/**
 * The share of the ceiling: what is served, of what one core could serve if a request cost no more than the raw request and the model's
 * bare time for its row.
 */
export function ceilingShare({ load, onnxUsPerRow }: ThroughputRound): number {
  const ceiling = 1 / (1 / load.raw.requestsPerSecond + onnxUsPerRow / 1e6);
  return load.plumb.requestsPerSecond / ceiling;
}

/** Starts each round with another server, so that none is always the one after the same neighbour. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
