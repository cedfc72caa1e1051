/** Goal: the buckets are those of a count by hand, whatever the bounds and the values. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram } from "../../server/observe/histogram.js";

const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });

test("a histogram equals a naive count", () => {
  const bounds = fc.uniqueArray(number, { maxLength: 12 }).map((list) => Float64Array.from(list).sort());
  fc.assert(
    fc.property(
      bounds.chain((own) =>
        fc.tuple(fc.constant(own), fc.array(fc.oneof(number, ...(own.length > 0 ? [fc.constantFrom(...own)] : [])))),
      ),
      ([own, values]) => {
        const histogram = new Histogram(own);
        for (const value of values) histogram.observe(value);
        const expected = [...own, Number.POSITIVE_INFINITY].map(
          (bound) => values.filter((value) => value <= bound).length,
        );
        expect(histogram.cumulative()).toEqual(expected);
        expect(histogram.count).toBe(values.length);
        expect(histogram.sum).toBe(values.reduce((sum, value) => sum + value, 0));
      },
    ),
  );
});
