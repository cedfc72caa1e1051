/**
 * cos x in float64, x in radians, the same bits on every machine, for every double.
 *
 * NaN and infinities give NaN.
 *
 * @see fdlibm, s_cos.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software
 *   is freely granted, provided that this notice is preserved." Error below 1 ulp.
 */
import { quarterTurns, remainder } from "./quarter-turns.js";
import { cosKernel, reduceFrom, sinKernel } from "./sin-kernel.js";

export function cos(x: number): number {
  if (Math.abs(x) < reduceFrom) return cosKernel(x, 0);
  const n = quarterTurns(x);
  const y = n % 2 === 0 ? cosKernel(remainder[0]!, remainder[1]!) : sinKernel(remainder[0]!, remainder[1]!);
  return n === 1 || n === 2 ? -y : y;
}
