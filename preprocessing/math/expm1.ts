/**
 * e^x - 1 in float64, the same bits on every machine, exact to the last place or so for small x too.
 *
 * fdlibm's method: x = k ln 2 + r as in `exp.ts`, e^r - 1 by a rational approximation in r^2 that keeps what the
 * reduction rounded away (c), then a scaling by 2^k in the form that loses least.
 *
 * Infinity, 0, -0 and NaN give themselves, -Infinity gives -1.
 *
 * @see fdlibm, s_expm1.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this
 *   software is freely granted, provided that this notice is preserved." Error below 1 ulp.
 */
import { divideFrom, inverseLn2, overflow, reduceFrom } from "./exp.js";
import { ln2High, ln2Low } from "./log.js";
import { powerOf2, timesPowerOf2 } from "./power-of-2.js";
import { fromWords } from "./words.js";

const minusOneTo = -fromWords(0x4043687a, 0); // about -56 ln 2
// Coefficients of 6 / r ((e^r + 1) / (e^r - 1) - 2 / r) = 1 + Q1 h + Q2 h^2 + ... with h = r^2 / 2
const Q1 = -0.03333333333333313;
const Q2 = 0.0015873015872548146;
const Q3 = -7.93650757867488e-5;
const Q4 = 4.008217827329362e-6;
const Q5 = -2.0109921818362437e-7;

export function expm1(x: number): number {
  if (Number.isNaN(x) || x > overflow) return x + Infinity;
  if (x <= minusOneTo) return -1;
  const size = Math.abs(x);
  if (size < powerOf2(-54)) return x;
  let k = 0;
  let r = x;
  let c = 0;
  if (size >= reduceFrom) {
    const sign = x < 0 ? -1 : 1;
    k = size < divideFrom ? sign : Math.trunc(inverseLn2 * x + 0.5 * sign);
    const high = x - k * ln2High;
    const low = k * ln2Low;
    r = high - low;
    c = high - r - low;
  }
  const half = 0.5 * r;
  const h = r * half;
  const R = 1 + h * (Q1 + h * (Q2 + h * (Q3 + h * (Q4 + h * Q5))));
  const t = 3 - R * half;
  const q = h * ((R - t) / (6 - r * t));
  if (k === 0) return r - (r * q - h);
  const e = r * (q - c) - c - h;
  if (k === -1) return 0.5 * (r - e) - 0.5;
  if (k === 1) return r < -0.25 ? -2 * (e - (r + 0.5)) : 1 + 2 * (r - e);
  if (k <= -2 || k > 56) return timesPowerOf2(1 - (e - r), k) - 1;
  if (k < 20) return (1 - powerOf2(-k) - (e - r)) * powerOf2(k);
  return (r - (e + powerOf2(-k)) + 1) * powerOf2(k);
}
