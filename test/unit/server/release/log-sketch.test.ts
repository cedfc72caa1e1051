/** Goal: a quantile is near the true one, over all orders of magnitude, and exactly zero where that is it. */

import fc from "fast-check";
import { expect, it } from "vitest";
import { LogSketch } from "../../../../server/release/log-sketch.js";

it("a quantile is within 2.2 % of the true one", () => {
  const value = fc.oneof(fc.constant(0), fc.double({ min: 1e-15, max: 1e15, noNaN: true }));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        const sketch = new LogSketch();
        for (const each of values) sketch.observe(each);
        const sorted = [...values].sort((a, b) => a - b);
        const truth = sorted[Math.max(1, Math.ceil(share * values.length)) - 1]!;
        expect(Math.abs(sketch.quantile(share) - truth)).toBeLessThanOrEqual(0.022 * truth);
      },
    ),
  );
});

it("nothing was observed, or only zeros", () => {
  const sketch = new LogSketch();
  expect(sketch.quantile(0.99)).toBe(0);
  sketch.observe(0);
  expect(sketch.quantile(0.99)).toBe(0);
});
