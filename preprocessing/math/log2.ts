/**
 * The logarithm to base 2 in float64, the same bits on every machine; of whole powers of 2 it is exact.
 *
 * Negative numbers and NaN give NaN, 0 and -0 give -Infinity, Infinity gives itself. Error below 1 ulp.
 */
import { parts, splitLog2 } from "./log2-parts.js";

export function log2(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return x;
  splitLog2(x);
  return parts[0]! + parts[1]!;
}
