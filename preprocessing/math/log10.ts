/**
 * The logarithm to base 10 in float64, the same bits on every machine: that to base 2, times log10 2, in parts whose
 * larger product is exact.
 *
 * Negative numbers and NaN give NaN, 0 and -0 give -Infinity, Infinity gives itself. Error below 1 ulp.
 */
import { parts, splitLog2 } from "./log2-parts.js";

const log10Of2High = 0.30102992057800293; // the upper 21 bits
const log10Of2Low = 7.508597826552624e-8;

export function log10(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return x;
  splitLog2(x);
  const high = parts[0]!;
  const low = parts[1]!;
  return high * log10Of2High + (low * log10Of2High + (high + low) * log10Of2Low);
}
