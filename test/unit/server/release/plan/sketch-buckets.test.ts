/** Goal: a bucket's bounds are those between which `LogSketch` counts. */

import fc from "fast-check";
import { expect, it } from "vitest";
import { LogSketch } from "../../../../../server/release/log-sketch.js";
import { latencyBuckets } from "../../../../../server/release/plan/sketch-buckets.js";

it("a number lies between the bounds of the bucket that it was counted in", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-15, max: 1e15, noNaN: true }), (value) => {
      const sketch = new LogSketch();
      sketch.observe(value);
      const [bucket, ...others] = latencyBuckets(sketch.buckets);
      expect([bucket!.count, others]).toEqual([1, []]);
      // Logarithms round.
      expect(bucket!.from).toBeLessThanOrEqual(value * (1 + 1e-12));
      expect(bucket!.to).toBeGreaterThanOrEqual(value * (1 - 1e-12));
      // As wide as the sketch's own buckets: 2 ** (1 / 16).
      expect(bucket!.to / bucket!.from).toBeLessThan(1.0443);
    }),
  );
});
