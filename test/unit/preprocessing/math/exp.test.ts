/** Goal: exponentials that keep to their stated error and behave at the ends of the range. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exp } from "../../../../preprocessing/math/exp.js";
import { expFloat32 } from "../../../../preprocessing/math/exp-float32.js";
import { powerOf2 } from "../../../../preprocessing/math/power-of-2.js";

/** Distance to the next double, at the size of x. */
function ulp(x: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0) - x;
}

describe("exp", () => {
  it.each([
    [0, 1],
    [-0, 1],
    [1, Math.E],
    [Number.NaN, Number.NaN],
    [Infinity, Infinity],
    [-Infinity, 0],
    [709.78, 1.7928227943945155e308],
    [709.79, Infinity],
    [-745.13, 5e-324],
    [-745.14, 0],
    [1e-300, 1],
  ])("of %f is %f", (x, expected) => {
    expect(exp(x)).toBe(expected);
  });

  it("is within 1 ulp of the engine's", () => {
    fc.assert(
      fc.property(fc.double({ min: -746, max: 710, noNaN: true }), (x) => {
        const expected = Math.exp(x);
        expect(exp(x) === expected || Math.abs(exp(x) - expected) <= ulp(expected)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [-1022, 2.2250738585072014e-308],
    [-1, 0.5],
    [0, 1],
    [52, 4503599627370496],
    [1023, 8.98846567431158e307],
  ])("has 2 to the power of %i exactly", (k, expected) => {
    expect(powerOf2(k)).toBe(expected);
  });
});

describe("exp in float32", () => {
  it.each([
    [0, 1],
    [-0, 1],
    [Number.NaN, Number.NaN],
    [Infinity, Infinity],
    [-Infinity, 0],
    [Math.fround(88.72), Math.fround(Math.exp(Math.fround(88.72)))],
    [Math.fround(88.73), Infinity],
    [-103.97, 2 ** -149],
    [-103.98, 0],
  ])("of %f is %f", (x, expected) => {
    expect(expFloat32(Math.fround(x))).toBe(expected);
  });

  it("is a float32 within one step of the true value's rounding", () => {
    fc.assert(
      fc.property(fc.float({ min: -104, max: 88, noNaN: true }), (x) => {
        const found = expFloat32(x);
        const exact = Math.exp(x);
        expect(Math.fround(found)).toBe(found);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(
          0.51 * Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(exact)) - 23)),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
