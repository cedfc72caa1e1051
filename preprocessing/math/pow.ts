/**
 * x to the power of y in float64, the same bits on every machine.
 *
 * fdlibm's method: log2 |x| as a sum of two doubles of more than 70 bits, times y, then 2 to that power. Powers of
 * whole numbers are exact wherever the result is a double.
 *
 * The special cases are C's and NumPy's (JavaScript's own `**` has NaN for those of 1): x^0 and 1^y are 1 whatever the
 * other is, NaN too, and so is (-1)^Infinity; other NaNs give NaN, and so do negative numbers to a power that isn't
 * whole. 0 to a negative power is Infinity, negative for -0 and odd y; infinities follow the limits.
 *
 * @see fdlibm, e_pow.c, (C) 2004 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software
 *   is freely granted, provided that this notice is preserved." Error below 1 ulp.
 */
import { P1, P2, P3, P4, P5 } from "./exp.js";
import { parts, splitLog2 } from "./log2-parts.js";
import { timesPowerOf2 } from "./power-of-2.js";
import { fromWords, upperHalf, upperWord } from "./words.js";

// Constants as sums of a high part of few bits, so that products are exact, and a low one.
const ln2 = Math.LN2;
const ln2High = 0.6931471824645996;
const ln2Low = -1.904654299957768e-9;
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
    splitLog2(size);
  } else {
    const near = size >= nearOneFrom && size < beyondOneFrom;
    if (!near || Math.abs(y) >= certainFrom) return sign * (size > 1 === y > 0 ? Infinity : 0);
    splitLog2NearOne(size);
  }
  const yHigh = upperHalf(y);
  const low = (y - yHigh) * parts[0]! + y * parts[1]!;
  const high = yHigh * parts[0]!;
  const z = low + high;
  if (z >= 1024 && (z > 1024 || low + overflowMargin > z - high)) return sign * Infinity;
  if (z <= -1075 && (z < -1075 || low <= z - high)) return sign * 0;
  return sign * exp2(high, low);
}

/**
 * fdlibm multiplies t by the high part as a whole. That isn't exact, and y of 2^31 and more makes hundreds of ulp of
 * it; so here t is parted.
 *
 * @param size - Within 2^-20 of 1, where four terms of the series are enough.
 */
function splitLog2NearOne(size: number): void {
  const t = size - 1;
  const tHigh = upperHalf(t);
  const w = t * t * (0.5 - t * (0.3333333333333333 - t * 0.25));
  const u = inverseLn2High * tHigh;
  const v = inverseLn2High * (t - tHigh) + (t * inverseLn2Low - w * inverseLn2);
  parts[0] = upperHalf(u + v);
  parts[1] = v - (parts[0] - u);
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
