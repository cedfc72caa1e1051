/**
 * Sine and cosine of r = x + y for |r| <= pi/4 or just above, y being what doesn't fit into x any more.
 *
 * @see fdlibm, k_sin.c and k_cos.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute
 *   this software is freely granted, provided that this notice is preserved." Error of the polynomials below 2^-58.
 */
import { powerOf2 } from "./power-of-2.js";
import { fromWords, upperWord } from "./words.js";

export const reduceFrom = fromWords(0x3fe921fc, 0); // about pi/4: below it, y is 0

const tiny = powerOf2(-27);
const S1 = -0.16666666666666632;
const S2 = 0.00833333333332249;
const S3 = -0.0001984126982985795;
const S4 = 2.7557313707070068e-6;
const S5 = -2.5050760253406863e-8;
const S6 = 1.58969099521155e-10;

/**
 * sin(x + y) = x + S1 x^3 + S2 x^5 + ... + y cos x; where y is known to be 0, a shorter sum that is rounded otherwise.
 */
export function sinKernel(x: number, y?: number): number {
  if (Math.abs(x) < tiny) return x;
  const z = x * x;
  const v = z * x;
  const r = S2 + z * (S3 + z * (S4 + z * (S5 + z * S6)));
  return y === undefined ? x + v * (S1 + z * r) : x - (z * (0.5 * y - v * r) - y - v * S1);
}

const C1 = 0.0416666666666666;
const C2 = -0.001388888888887411;
const C3 = 2.480158728947673e-5;
const C4 = -2.7557314351390663e-7;
const C5 = 2.087572321298175e-9;
const C6 = -1.1359647557788195e-11;
// fdlibm compares upper words.
const quarterFrom = fromWords(0x3fd33333, 0); // about 0.3
const fixedFrom = fromWords(0x3fe90001, 0); // about 25/32

/**
 * cos(x + y) = 1 - x^2 / 2 + C1 x^4 + C2 x^6 + ... - y sin x. From 0.3 on, a part q of about |x| / 4 is taken from both
 * 1 and x^2 / 2, exactly.
 */
export function cosKernel(x: number, y: number): number {
  const size = Math.abs(x);
  if (size < tiny) return 1;
  const z = x * x;
  const r = z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6)))));
  if (size < quarterFrom) return 1 - (0.5 * z - (z * r - x * y));
  const q = size < fixedFrom ? fromWords(upperWord(size) - 0x200000, 0) : 0.28125;
  return 1 - q - (0.5 * z - q - (z * r - x * y));
}
