/**
 * Goal: each portable function answers at the ends of its range as docs/preprocessing.md says. test/parity holds its
 * other bits.
 */
import { describe, expect, it } from "vitest";
import * as portable from "../../../../preprocessing/math/portable.js";

const { NaN: nan } = Number;
const tiny = Number.MIN_VALUE;
const huge = Number.MAX_VALUE;

/** Arguments, then the result. */
const cases: Readonly<Record<keyof typeof portable, readonly (readonly number[])[]>> = {
  cos: [
    [0, 1],
    [-0, 1],
    [1e-9, 1],
    [Infinity, nan],
    [-Infinity, nan],
    [nan, nan],
  ],
  exp: [
    [0, 1],
    [1, Math.E],
    [709.79, Infinity],
    [-745.14, 0],
    [-745.13, tiny],
    [-Infinity, 0],
    [nan, nan],
  ],
  expm1: [
    [0, 0],
    [-0, -0],
    [tiny, tiny],
    [709.79, Infinity],
    [-40, -1],
    [Infinity, Infinity],
    [-Infinity, -1],
    [nan, nan],
  ],
  log: [
    [1, 0],
    [0, -Infinity],
    [-0, -Infinity],
    [-tiny, nan],
    [-Infinity, nan],
    [Infinity, Infinity],
    [tiny, -744.4400719213812],
    [nan, nan],
  ],
  log10: [
    [1, 0],
    [0, -Infinity],
    [-0, -Infinity],
    [-tiny, nan],
    [Infinity, Infinity],
    [1000, 3],
    [1e22, 22],
    [nan, nan],
  ],
  log2: [
    [1, 0],
    [0, -Infinity],
    [-0, -Infinity],
    [-tiny, nan],
    [Infinity, Infinity],
    [8, 3],
    [tiny, -1074],
    [nan, nan],
  ],
  log1p: [
    [0, 0],
    [-0, -0],
    [tiny, tiny],
    [-1, -Infinity],
    [-1.5, nan],
    [Infinity, Infinity],
    [-Infinity, nan],
    [nan, nan],
  ],
  ndtri: [
    [0, -Infinity],
    [-0, -Infinity],
    [0.5, 0],
    [1, Infinity],
    [-tiny, nan],
    [1.5, nan],
    [nan, nan],
  ],
  pow: [
    ...[
      [nan, 0, 1],
      [1, nan, 1],
      [nan, 1, nan],
      [2, nan, nan],
      [-1, Infinity, 1],
      [-1, -Infinity, 1],
    ],
    ...[
      [0.5, Infinity, 0],
      [0.5, -Infinity, Infinity],
      [2, Infinity, Infinity],
      [-2, -Infinity, 0],
    ],
    ...[
      [0, -1, Infinity],
      [-0, -1, -Infinity],
      [-0, -2, Infinity],
      [-0, -0.5, Infinity],
      [-0, 3, -0],
      [-0, 0.5, 0],
    ],
    ...[
      [Infinity, -3, 0],
      [-Infinity, 3, -Infinity],
      [-Infinity, 2, Infinity],
      [-Infinity, -3, -0],
      [-Infinity, 0.5, Infinity],
    ],
    ...[
      [-8, 1 / 3, nan],
      [-2, 3, -8],
      [-2, 1025, -Infinity],
      [-2, -1075, -0],
      [2, -1074, tiny],
      [2, 1024, Infinity],
    ],
    ...[
      [10, 22, 1e22],
      [huge, 1, huge],
      [huge, -1, 1 / huge],
      [1 - 2 ** -53, 2 ** 70, 0],
      [1 + 2 ** -52, 2 ** 70, Infinity],
    ],
  ],
  sin: [
    [0, 0],
    [-0, -0],
    [tiny, tiny],
    [Infinity, nan],
    [-Infinity, nan],
    [nan, nan],
  ],
  tanh: [
    [0, 0],
    [-0, -0],
    [tiny, tiny],
    [22, 1],
    [-22, -1],
    [Infinity, 1],
    [-Infinity, -1],
    [nan, nan],
  ],
};

const functions: Readonly<Record<string, (x: number, y: number) => number>> = portable;

describe.each(Object.entries(cases))("%s", (name, rows) => {
  const f = functions[name]!;
  it.each(rows.map((row) => [row.slice(0, -1), row.at(-1)!] as const))("of %j is %f", ([x, y = 0], expected) => {
    expect(f(x!, y)).toBe(expected);
  });
});

describe("turns by pi/2", () => {
  // The double nearest to a multiple of pi/2, and the largest one; true values to 17 digits.
  it.each([
    [6381956970095103 * 2 ** 797, 1, -4.687165924254628e-19],
    [huge, 0.004961954789184062, -0.9999876894265599],
    [-huge, -0.004961954789184062, -0.9999876894265599],
    [1e22, -0.8522008497671888, 0.523214785395139],
  ])("are taken from %f", (x, sine, cosine) => {
    expect(portable.sin(x)).toBe(sine);
    expect(portable.cos(x)).toBe(cosine);
  });
});
