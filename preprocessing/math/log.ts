/**
 * ln x in float64, the same bits on every machine.
 *
 * fdlibm's method: x = 2^k (1 + f) with sqrt(1/2) < 1 + f < sqrt(2), then ln(1 + f) by a polynomial in s = f / (2 + f).
 *
 * Negative numbers and NaN give NaN, 0 and -0 give -Infinity, Infinity gives itself.
 *
 * @see fdlibm, e_log.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software
 *   is freely granted, provided that this notice is preserved." Error below 1 ulp.
 */
import { powerOf2 } from "./power-of-2.js";
import { upperWord, withUpperWord } from "./words.js";

export const ln2High = 0.6931471803691238; // the upper 32 bits of ln 2, so that k * ln2High is exact
export const ln2Low = 1.9082149292705877e-10; // the rest of ln 2
// Coefficients of (ln(1 + s) - ln(1 - s)) / s - 2 = L1 s^2 + L2 s^4 + ...
export const L1 = 0.6666666666666735;
export const L2 = 0.3999999999940942;
export const L3 = 0.2857142874366239;
export const L4 = 0.22222198432149784;
export const L5 = 0.1818357216161805;
export const L6 = 0.15313837699209373;
export const L7 = 0.14798198605116586;

export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return x;
  let k = -1023;
  let y = x;
  if (y < powerOf2(-1022)) {
    k -= 54;
    y *= powerOf2(54);
  }
  const upper = upperWord(y);
  const fraction = upper & 0xfffff;
  const half = (fraction + 0x95f64) & 0x100000; // set from sqrt(2) on: y / 2 then
  k += (upper >> 20) + (half >> 20);
  const f = withUpperWord(y, fraction | (half ^ 0x3ff00000)) - 1;
  const high = k * ln2High;
  const low = k * ln2Low;
  if (((fraction + 2) & 0xfffff) < 3) {
    // -2^-20 <= f < 2^-20
    if (f === 0) return high + low;
    return high - (f * f * (0.5 - 0.3333333333333333 * f) - low - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const R = z * (L1 + w * (L3 + w * (L5 + w * L7))) + w * (L2 + w * (L4 + w * L6));
  if (((fraction - 0x6147a) | (0x6b851 - fraction)) > 0) {
    const square = 0.5 * f * f;
    return high - (square - (s * (square + R) + low) - f);
  }
  return high - (s * (f - R) - low - f);
}
