/** The buckets of a sketch of latencies, as bounds, smallest first. */

import type { Buckets } from "../experiment/arm-figures.js";
import type { SketchBucket } from "./bounds.js";

/** Buckets of a doubling, as `LogSketch` has them. */
const perDoubling = 16;
const doublings = 60;

/** @param buckets - By the index of the bucket. */
export function latencyBuckets(buckets: Buckets): SketchBucket[] {
  return Object.entries(buckets)
    .map(([name, count]) => {
      const index = Number(name);
      return { from: edge(index), to: edge(index + 1), count };
    })
    .sort((a, b) => a.from - b.from);
}

function edge(index: number): number {
  return 2 ** (index / perDoubling - doublings);
}
