/**
 * e^x in float64, the same bits on every machine.
 *
 * `Math.exp` may differ between engines and processors, so a prediction proved on one machine could change on another.
 * This follows the published fdlibm method (Sun Microsystems, 1993; error below 1 ulp) and uses only operations that
 * IEEE 754 rounds exactly: x = k ln 2 + r with |r| <= ln 2 / 2, e^r by a rational approximation in r^2, then a scaling
 * by 2^k.
 *
 * Infinity and NaN give themselves, -Infinity gives 0.
 *
 * @see fdlibm, e_exp.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software
 *   is freely granted, provided that this notice is preserved."
 */
import { ln2High, ln2Low } from "./log.js";
import { powerOf2, timesPowerOf2 } from "./power-of-2.js";
import { fromWords } from "./words.js";

export const overflow = 709.782712893384; // ln of the largest double
const underflow = -745.1332191019411; // ln of half the smallest subnormal
export const inverseLn2 = Math.LOG2E;
// Coefficients of r (e^r + 1) / (e^r - 1) = 2 + P1 r^2 + P2 r^4 + ...
export const P1 = 0.16666666666666602;
export const P2 = -0.0027777777777015593;
export const P3 = 6.613756321437934e-5;
export const P4 = -1.6533902205465252e-6;
export const P5 = 4.1381367970572385e-8;
// Below the first bound no reduction is needed; below the second, k is 1 or -1. fdlibm compares upper words, hence the
// odd decimals.
export const reduceFrom = fromWords(0x3fd62e43, 0); // about ln 2 / 2
export const divideFrom = fromWords(0x3ff0a2b2, 0); // about 3 ln 2 / 2
const tiny = powerOf2(-28);

export function exp(x: number): number {
  if (Number.isNaN(x) || x > overflow) return x + Infinity;
  if (x < underflow) return 0;
  const size = Math.abs(x);
  if (size < tiny) return 1 + x;
  if (x === 1) return Math.E; // the one well-known value that the method misses, by its last bit
  if (size < reduceFrom) {
    const c = remainder(x);
    return 1 - ((x * c) / (c - 2) - x);
  }
  const sign = x < 0 ? -1 : 1;
  const k = size < divideFrom ? sign : Math.trunc(inverseLn2 * x + 0.5 * sign);
  const high = x - k * ln2High;
  const low = k * ln2Low;
  const r = high - low;
  const c = remainder(r);
  return timesPowerOf2(1 - (low - (r * c) / (2 - c) - high), k);
}

function remainder(r: number): number {
  const t = r * r;
  return r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
}
