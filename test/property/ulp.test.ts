/**
 * Goal: the distance counts the numbers that lie between two numbers, so that 0 means the same bits and 1 means
 * neighbours.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ulpDistance } from "../../server/versions/ulp.js";

const float64 = new Float64Array(1);
const bits64 = new BigUint64Array(float64.buffer);
const float32 = new Float32Array(1);
const bits32 = new Uint32Array(float32.buffer);

/** The next number away from zero. */
function neighbour64(value: number): number {
  float64[0] = value;
  bits64[0] = bits64[0]! + 1n;
  return float64[0]!;
}
function neighbour32(value: number): number {
  float32[0] = value;
  bits32[0] = bits32[0]! + 1;
  return float32[0]!;
}

const dtypes = [
  { dtype: "float64" as const, number: fc.double({ noNaN: true, noDefaultInfinity: true }), neighbour: neighbour64 },
  { dtype: "float32" as const, number: fc.float({ noNaN: true, noDefaultInfinity: true }), neighbour: neighbour32 },
];

describe.each(dtypes)("between two numbers of $dtype", ({ dtype, number, neighbour }) => {
  test("the distance is 0 for a number and itself, and for nothing else", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(ulpDistance(a, a, dtype)).toBe(0);
        expect(ulpDistance(a, b, dtype) === 0).toBe(Object.is(a, b));
      }),
    );
  });

  test("neighbours are 1 apart, and one step further is 2", () => {
    fc.assert(
      fc.property(number, (a) => {
        const b = neighbour(a);
        expect(ulpDistance(a, b, dtype)).toBe(1);
        if (Number.isFinite(b)) expect(ulpDistance(a, neighbour(b), dtype)).toBe(2);
      }),
    );
  });

  test("it doesn't matter which is first, or whether both change their sign", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(ulpDistance(b, a, dtype)).toBe(ulpDistance(a, b, dtype));
        expect(ulpDistance(-a, -b, dtype)).toBe(ulpDistance(a, b, dtype));
      }),
    );
  });

  test("on the way to a third number distances add up", () => {
    fc.assert(
      fc.property(number, fc.nat(50), fc.nat(50), (start, first, second) => {
        const walk = (from: number, steps: number) =>
          Array.from({ length: steps }).reduce((value: number) => neighbour(value), from);
        const middle = walk(start, first);
        const end = walk(middle, second);
        fc.pre(Number.isFinite(end));
        expect(ulpDistance(start, end, dtype)).toBe(first + second);
      }),
    );
  });
});

test.each([
  [0, -0, "float64", 1],
  [0, -0, "float32", 1],
  [5e-324, -5e-324, "float64", 3],
  [1, 1 + 2 ** -52, "float64", 1],
  [1, 1 + 2 ** -23, "float32", 1],
  [1, 2, "float32", 2 ** 23],
  [Number.MAX_VALUE, Number.POSITIVE_INFINITY, "float64", 1],
  [Number.NaN, Number.NaN, "float64", 0],
  [Number.NaN, 1, "float64", Number.POSITIVE_INFINITY],
  [Number.POSITIVE_INFINITY, Number.NaN, "float32", Number.POSITIVE_INFINITY],
  // Numbers that only float64 can tell apart are not the same number.
  [0.1, Math.fround(0.1), "float32", 1],
] as const)("%s and %s of %s are %s apart", (a, b, dtype, distance) => {
  expect(ulpDistance(a, b, dtype)).toBe(distance);
});
