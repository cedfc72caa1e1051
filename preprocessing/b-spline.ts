/**
 * Values of B-splines, as SciPy's evaluation computes them: de Boor's recursion, operation by operation.
 *
 * Between two knots only degree + 1 splines are not zero. They belong to the knots interval - degree .. interval.
 */

/** Working memory for {@link bSplines} of a degree: the values, then those of the degree below. */
export function splineScratch(degree: number): Float64Array {
  return new Float64Array(2 * degree + 2);
}

/**
 * The interval [knots[i], knots[i + 1]) that x is in; the first or the last one for what is outside.
 *
 * @param knots - Not decreasing, with `degree` knots on each side beyond those that matter.
 */
export function splineInterval(knots: Float64Array, degree: number, x: number): number {
  const last = knots.length - degree - 2;
  let interval = degree;
  while (interval < last && x >= knots[interval + 1]!) interval++;
  return interval;
}

/** Writes the values at x of the degree + 1 splines of an interval to the head of `scratch`. */
export function bSplines(
  knots: Float64Array,
  degree: number,
  interval: number,
  x: number,
  scratch: Float64Array,
): void {
  raise(knots, degree, interval, x, scratch, degree);
}

/** As {@link bSplines}, the slopes instead of the values. */
export function bSplineSlopes(
  knots: Float64Array,
  degree: number,
  interval: number,
  x: number,
  scratch: Float64Array,
): void {
  raise(knots, degree, interval, x, scratch, degree - 1);
  if (degree === 0) {
    scratch[0] = 0;
    return;
  }
  const below = degree + 1;
  scratch.copyWithin(below, 0, degree);
  scratch[0] = 0;
  for (let n = 1; n <= degree; n++) {
    const right = knots[interval + n]!;
    const left = knots[interval + n - degree]!;
    if (right === left) {
      scratch[1] = 0;
      continue;
    }
    const w = (degree * scratch[below + n - 1]!) / (right - left);
    scratch[n - 1]! -= w;
    scratch[n] = w;
  }
}

/** The values of the splines of degree `upTo`, from degree 0 on. */
function raise(
  knots: Float64Array,
  degree: number,
  interval: number,
  x: number,
  scratch: Float64Array,
  upTo: number,
): void {
  const below = degree + 1;
  scratch[0] = 1;
  for (let order = 1; order <= upTo; order++) {
    for (let n = 0; n < order; n++) scratch[below + n] = scratch[n]!;
    scratch[0] = 0;
    for (let n = 1; n <= order; n++) {
      const right = knots[interval + n]!;
      const left = knots[interval + n - order]!;
      if (right === left) {
        scratch[n] = 0;
        continue;
      }
      const w = scratch[below + n - 1]! / (right - left);
      scratch[n - 1]! += w * (right - x);
      scratch[n] = w * (x - left);
    }
  }
}
