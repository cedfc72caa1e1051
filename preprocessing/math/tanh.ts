/**
 * tanh x in float64, the same bits on every machine.
 *
 * fdlibm's method: with t = e^(2|x|) - 1 it is 1 - 2 / (t + 2), below 1 with t = e^(-2|x|) - 1 it is -t / (t + 2); 1
 * from 22 on.
 *
 * 0, -0 and NaN give themselves, Infinity gives 1, -Infinity -1.
 *
 * @see fdlibm, s_tanh.c, (C) 1993 Sun Microsystems, Inc.: "Permission to use, copy, modify, and distribute this
 *   software is freely granted, provided that this notice is preserved."
 */

import { expm1 } from "./expm1.js";
import { powerOf2 } from "./power-of-2.js";

export function tanh(x: number): number {
  const size = Math.abs(x);
  if (!(size >= powerOf2(-28))) return x;
  let y = 1;
  if (size < 1) {
    const t = expm1(-2 * size);
    y = -t / (t + 2);
  } else if (size < 22) {
    y = 1 - 2 / (expm1(2 * size) + 2);
  }
  return x < 0 ? -y : y;
}
