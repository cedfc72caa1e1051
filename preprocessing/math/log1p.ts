/**
 * ln(1 + x) in float64, the same bits on every machine, exact to the last place or so for small x too.
 *
 * fdlibm's method: u = 1 + x rounded, ln u as in `log.ts`, and c = (1 + x - u) / u added for what the rounding lost.
 *
 * Below -1 and for NaN it gives NaN, at -1 -Infinity; 0, -0 and Infinity give themselves.
 *
 * @see fdlibm, s_log1p.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this
 *   software is freely granted, provided that this notice is preserved." Error below 1 ulp.
 */

import { L1, L2, L3, L4, L5, L6, L7, ln2High, ln2Low } from "./log.js";
import { powerOf2 } from "./power-of-2.js";
import { fromWords, upperWord, withUpperWord } from "./words.js";

// Between these, f = x itself, and nothing is lost: about sqrt(1/2) - 1 and sqrt(2) - 1. fdlibm compares upper words.
const directAbove = fromWords(0xbfd2bec5, 0);
const directBelow = fromWords(0x3fda827a, 0);

export function log1p(x: number): number {
  if (!(x > -1)) return x === -1 ? -Infinity : Number.NaN;
  if (x === Infinity) return x;
  if (Math.abs(x) < powerOf2(-29)) return x - x * x * 0.5;
  let k = 0;
  let f = x;
  let c = 0;
  let tiny = false;
  if (x <= directAbove || x >= directBelow) {
    let u = x;
    if (x < powerOf2(53)) {
      u = 1 + x;
      // Whichever is the smaller of 1 and x is what the rounding cut.
      c = (u >= 2 ? 1 - (u - x) : x - (u - 1)) / u;
    }
    const upper = upperWord(u);
    const fraction = upper & 0xfffff;
    k = (upper >> 20) - 1023;
    if (fraction < 0x6a09e) {
      u = withUpperWord(u, fraction | 0x3ff00000);
      tiny = fraction === 0;
    } else {
      k += 1;
      u = withUpperWord(u, fraction | 0x3fe00000);
      tiny = 0x100000 - fraction < 4;
    }
    f = u - 1;
  }
  const high = k * ln2High;
  const low = k * ln2Low + c;
  const square = 0.5 * f * f;
  if (tiny) {
    // |f| < 2^-20
    if (f === 0) return high + low;
    return high - (square * (1 - 0.6666666666666666 * f) - low - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const R = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))));
  return high - (square - (s * (square + R) + low) - f);
}
