/**
 * log2 x as a sum of two doubles of more than 70 bits: what powers, and logarithms to other bases, start with.
 *
 * fdlibm's method: x is scaled to be next to b, 1 or 1.5, and the series of (x - b) / (x + b) is summed in parts whose
 * products are exact.
 *
 * @see fdlibm, e_pow.c, (C) 2004 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software
 *   is freely granted, provided that this notice is preserved."
 */
import { powerOf2 } from "./power-of-2.js";
import { fromWords, upperHalf, upperWord, withUpperWord } from "./words.js";

/** The logarithm of the last call: its upper half, and the rest. */
export const parts = new Float64Array(2);

// Coefficients of 3/2 ln((1 + s) / (1 - s)) - 3 s - s^3 = s^5 (L1 + L2 s^2 + ...)
const L1 = 0.5999999999999946;
const L2 = 0.4285714285785502;
const L3 = 0.33333332981837743;
const L4 = 0.272728123808534;
const L5 = 0.23066074577556175;
const L6 = 0.20697501780033842;
// Constants as sums of a high part of few bits, so that products are exact, and a low one.
const log2Of1half = 0.5849624872207642; // log2 1.5
const log2Of1halfLow = 1.350039202129749e-8;
const thirds = 0.9617966939259756; // 2 / (3 ln 2)
const thirdsHigh = 0.9617967009544373;
const thirdsLow = -7.028461650952758e-9;

/** @param size - Above 0, and finite. */
export function splitLog2(size: number): void {
  const scaled = size < powerOf2(-1022) ? size * powerOf2(53) : size;
  let upper = upperWord(scaled);
  let n = (upper >> 20) - (scaled === size ? 1023 : 1076);
  const fraction = upper & 0xfffff;
  const byHalf = fraction > 0x3988e && fraction < 0xbb67a; // between sqrt(3/2) and sqrt(3)
  upper = fraction | 0x3ff00000;
  if (fraction >= 0xbb67a) {
    n += 1;
    upper -= 0x100000;
  }
  const x = withUpperWord(scaled, upper);
  const b = byHalf ? 1.5 : 1;
  const u = x - b;
  const v = 1 / (x + b);
  const s = u * v;
  const sHigh = upperHalf(s);
  const sumHigh = fromWords(((upper >> 1) | 0x20000000) + 0x80000 + (byHalf ? 0x40000 : 0), 0);
  const sumLow = x - (sumHigh - b);
  const sLow = v * (u - sHigh * sumHigh - sHigh * sumLow);
  const z = s * s;
  const r = z * z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * L6))))) + sLow * (sHigh + s);
  const square = sHigh * sHigh;
  const tHigh = upperHalf(3 + square + r);
  const tLow = r - (tHigh - 3 - square);
  const productHigh = sHigh * tHigh;
  const productLow = sLow * tHigh + tLow * s;
  const pHigh = upperHalf(productHigh + productLow);
  const pLow = productLow - (pHigh - productHigh);
  const zHigh = thirdsHigh * pHigh;
  const zLow = thirdsLow * pHigh + pLow * thirds + (byHalf ? log2Of1halfLow : 0);
  const bHigh = byHalf ? log2Of1half : 0;
  parts[0] = upperHalf(zHigh + zLow + bHigh + n);
  parts[1] = zLow - (parts[0] - n - bHigh - zHigh);
}
