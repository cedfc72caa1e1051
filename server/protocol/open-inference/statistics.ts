/**
 * A version's statistics in the protocol's form.
 *
 * @see triton-inference-server, docs/protocol/extension_statistics.md
 */

import type { InferenceCounts, Total } from "../../observe/statistics.js";

export interface StatisticDuration {
  readonly count: number;
  readonly ns: number;
}

export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<(typeof inferenceParts)[number], StatisticDuration>>;
  readonly response_stats: object;
  readonly batch_stats: readonly ({ readonly batch_size: number } & Readonly<
    Record<(typeof batchParts)[number], StatisticDuration>
  >)[];
  readonly memory_usage: readonly object[];
}

/** In the order of the fields of `InferStatistics`, from 1 on, */
export const inferenceParts = [
  "success",
  "fail",
  "queue",
  "compute_input",
  "compute_infer",
  "compute_output",
  "cache_hit",
  "cache_miss",
] as const;
/** and of `InferBatchStatistics`, from 2 on. */
export const batchParts = ["compute_input", "compute_infer", "compute_output"] as const;

const duration = (count: number, ms: number): StatisticDuration => ({ count, ns: Math.round(ms * 1e6) });
const total = ({ count, ms }: Total) => duration(count, ms);

export function modelStatistics(
  { name, number }: { readonly name: string; readonly number: number },
  counts: InferenceCounts,
): ModelStatistics {
  return {
    name,
    version: String(number),
    last_inference: counts.lastInferenceMs,
    inference_count: counts.rows,
    execution_count: counts.executions,
    inference_stats: {
      success: total(counts.success),
      fail: total(counts.fail),
      queue: total(counts.queue),
      compute_input: total(counts.input),
      compute_infer: total(counts.infer),
      compute_output: total(counts.output),
      cache_hit: total(counts.cacheHit),
      cache_miss: duration(counts.cacheMisses, 0),
    },
    response_stats: {},
    batch_stats: [...counts.batches]
      .filter(([, { count }]) => count > 0)
      .sort(([a], [b]) => a - b)
      .map(([batch_size, { count, inputMs, inferMs, outputMs }]) => ({
        batch_size,
        compute_input: duration(count, inputMs),
        compute_infer: duration(count, inferMs),
        compute_output: duration(count, outputMs),
      })),
    memory_usage: [],
  };
}
