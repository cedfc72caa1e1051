/** Box and Cox's power transform, with the portable mathematics: the twin of `box_cox` in `plumb_trainer/numbers/powers.py`. */
import { exp } from "./math/exp.js";
import { expm1 } from "./math/expm1.js";
import { log } from "./math/log.js";

/** From here on e^x is no float64 any more. As SciPy has it. */
const exponentMax = 709.78;

/**
 * @param x - Above 0.
 * @returns The transform of x; NaN for NaN. May be infinite.
 */
export function boxCox(x: number, lambda: number): number {
  const size = log(x);
  if (Math.abs(lambda) < 1e-19) return size;
  const exponent = lambda * size;
  if (exponent < exponentMax) return expm1(exponent) / lambda;
  // The power itself is too large, but not always the power divided by lambda.
  return (lambda > 0 ? 1 : -1) * exp(exponent - log(Math.abs(lambda))) - 1 / lambda;
}
