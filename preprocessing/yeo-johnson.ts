/**
 * Yeo and Johnson's power transform, with the portable mathematics: the twin of `yeo_johnson` in
 * `plumb_trainer/numbers/powers.py`.
 */
import { expm1 } from "./math/expm1.js";
import { log1p } from "./math/log1p.js";

/** @returns The transform of x; NaN for NaN. May be infinite. */
export function yeoJohnson(x: number, lambda: number): number {
  const size = log1p(Math.abs(x));
  if (x >= 0) return Math.abs(lambda) < Number.EPSILON ? size : expm1(lambda * size) / lambda;
  return Math.abs(lambda - 2) <= Number.EPSILON ? -size : -expm1((2 - lambda) * size) / (2 - lambda);
}
