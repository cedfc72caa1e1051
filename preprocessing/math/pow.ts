/**
 * x to the power of y in float64, the same bits on every machine.
 *
 * fdlibm's method: log2 |x| as a sum of two doubles of more than 70 bits, times y, then 2 to that power. Powers of whole numbers are
 * exact wherever the result is a double.
 *
 * The special cases are C's and NumPy's (JavaScript's own `**` has NaN for those of 1): x^0 and 1^y are 1 whatever the other is, NaN too,
 * and so is (-1)^Infinity; other NaNs give NaN, and so do negative numbers to a power that isn't whole. 0 to a negative power is Infinity,
 * negative for -0 and odd y; infinities follow the limits.
 *
 * @see fdlibm, e_pow.c, (C) 2004 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software is freely granted,
 * provided that this notice is preserved." Error below 1 ulp.
 */
import { P1, P2, P3, P4, P5 } from "./exp.js";
import { powerOf2, timesPowerOf2 } from "./power-of-2.js";
import { fromWords, upperHalf, upperWord, withUpperWord } from "./words.js";

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
const ln2 = Math.LN2;
const ln2High = 0.6931471824645996;
const ln2Low = -1.904654299957768e-9;
const thirds = 0.9617966939259756; // 2 / (3 ln 2)
const thirdsHigh = 0.9617967009544373;
const thirdsLow = -7.028461650952758e-9;
const inverseLn2 = Math.LOG2E;
const inverseLn2High = 1.4426950216293335;
const inverseLn2Low = 1.9259629911266175e-8;
/** 1024 - log2 of the largest double and half an ulp. */
const overflowMargin = 8.008566259537294e-17;
// fdlibm compares upper words.
const hugeFrom = fromWords(0x41e00001, 0); // about 2^31
const certainFrom = fromWords(0x43f00001, 0); // about 2^64
const nearOneFrom = fromWords(0x3fefffff, 0); // about 1 - 2^-21
const beyondOneFrom = fromWords(0x3ff00001, 0); // about 1 + 2^-20
const roundFrom = fromWords(0x3fe00001, 0); // about 1/2

export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const size = Math.abs(x);
  if (size === 1 && Math.abs(y) === Infinity) return 1;
  if (Math.abs(y) === Infinity) return size > 1 === y > 0 ? Infinity : 0;
  if (y === 1) return x;
  if (y === -1) return 1 / x;
  if (y === 2) return x * x;
  if (y === 0.5 && x >= 0) return Math.sqrt(size); // of -0 it is 0, as of 0
  const negative = upperWord(x) < 0;
  const odd = negative && Math.trunc(y / 2) * 2 !== y && Math.trunc(y) === y;
  const sign = odd ? -1 : 1;
  if (size === 0 || size === Infinity) return sign * (size > 1 === y > 0 ? Infinity : 0);
  if (negative && Math.trunc(y) !== y) return Number.NaN;
  if (size === 1) return sign;
  if (Math.abs(y) < hugeFrom) {
    log2(size);
  } else {
    const near = size >= nearOneFrom && size < beyondOneFrom;
    if (!near || Math.abs(y) >= certainFrom) return sign * (size > 1 === y > 0 ? Infinity : 0);
    log2NearOne(size);
  }
  const yHigh = upperHalf(y);
  const low = (y - yHigh) * log2High + y * log2Low;
  const high = yHigh * log2High;
  const z = low + high;
  if (z >= 1024 && (z > 1024 || low + overflowMargin > z - high)) return sign * Infinity;
  if (z <= -1075 && (z < -1075 || low <= z - high)) return sign * 0;
  return sign * exp2(high, low);
}

// The logarithm to base 2 of the last call below: an upper half, and the rest.
let log2High = 0;
let log2Low = 0;

/** @param size - Above 0. With s = (x - b) / (x + b), b being 1 or 1.5, and x scaled to be next to b. */
function log2(size: number): void {
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
  log2High = upperHalf(zHigh + zLow + bHigh + n);
  log2Low = zLow - (log2High - n - bHigh - zHigh);
}

/**
 * fdlibm multiplies t by the high part as a whole. That isn't exact, and y of 2^31 and more makes hundreds of ulp of it; so here t is parted.
 *
 * @param size - Within 2^-20 of 1, where four terms of the series are enough.
 */
function log2NearOne(size: number): void {
  const t = size - 1;
  const tHigh = upperHalf(t);
  const w = t * t * (0.5 - t * (0.3333333333333333 - t * 0.25));
  const u = inverseLn2High * tHigh;
  const v = inverseLn2High * (t - tHigh) + (t * inverseLn2Low - w * inverseLn2);
  log2High = upperHalf(u + v);
  log2Low = v - (log2High - u);
}

/** 2^(high + low), for sums above -1075 and up to 1024. */
function exp2(high: number, low: number): number {
  const sum = low + high;
  const n = Math.abs(sum) < roundFrom ? 0 : Math.trunc(sum + (sum < 0 ? -0.5 : 0.5));
  const rest = high - n;
  const t = upperHalf(low + rest);
  const u = t * ln2High;
  const v = (low - (t - rest)) * ln2 + t * ln2Low;
  const z = u + v;
  const w = v - (z - u);
  const square = z * z;
  const c = z - square * (P1 + square * (P2 + square * (P3 + square * (P4 + square * P5))));
  const r = (z * c) / (c - 2) - (w + z * w);
  return timesPowerOf2(1 - (r - z), n);
}
