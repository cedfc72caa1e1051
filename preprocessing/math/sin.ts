/**
 * sin x in float64, x in radians, the same bits on every machine, for every double.
 *
 * 0, -0 and NaN give themselves, infinities give NaN.
 *
 * @see fdlibm, s_sin.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this software
 *   is freely granted, provided that this notice is preserved." Error below 1 ulp.
 */
import { quarterTurns, remainder } from "./quarter-turns.js";
import { cosKernel, reduceFrom, sinKernel } from "./sin-kernel.js";

export function sin(x: number): number {
  if (Math.abs(x) < reduceFrom) return sinKernel(x);
  const n = quarterTurns(x);
  const y = n % 2 === 0 ? sinKernel(remainder[0]!, remainder[1]!) : cosKernel(remainder[0]!, remainder[1]!);
  return n < 2 ? y : -y;
}
