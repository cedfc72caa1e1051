/** Requests for one row in a closed loop: Plumb beside the raw limit, the plain peer and bare ONNX Runtime. */

import type { Saturation } from "../loadtest/generators.js";

export const contenders = ["raw", "plumb", "fastify"] as const;
export type ContenderName = (typeof contenders)[number];

export interface ThroughputRound {
  readonly load: Readonly<Record<ContenderName, Saturation>>;
  /** Bare ONNX Runtime in the same round, microseconds a row in batches of 64. */
  readonly onnxUsPerRow: number;
}

/** One round of raw limit and Plumb, with whatever Plumb was started with. */
export interface ShareRound {
  readonly load: { readonly raw: Saturation; readonly plumb: Saturation };
  readonly onnxUsPerRow: number;
}

/**
 * The share of the ceiling: what is served, of what one core could serve if a request cost no more than the raw request
 * and the model's bare time for its row.
 */
export function ceilingShare({ load, onnxUsPerRow }: ShareRound): number {
  const ceiling = 1 / (1 / load.raw.requestsPerSecond + onnxUsPerRow / 1e6);
  return load.plumb.requestsPerSecond / ceiling;
}
