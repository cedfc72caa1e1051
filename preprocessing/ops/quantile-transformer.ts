/**
 * Where a number lies among the quantiles of its column, from 0 to 1, as QuantileTransformer; for "normal" the number
 * below which a standard normal variable falls with that probability.
 *
 * The place is the mean of an interpolation from below and one from above, which differ where quantiles repeat. NumPy's
 * `interp` gives the order of its operations.
 */
import { closedObject, closedSet, finite, listOf } from "../closed-schema.js";
import { describe, GraphError } from "../graph-error.js";
import { ndtri } from "../math/ndtri.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({
  quantiles: listOf(listOf(finite, "quantiles"), "lists of quantiles"),
  references: listOf(finite, "numbers from 0 to 1"),
  output_distribution: closedSet(["uniform", "normal"]),
});

/** With "normal", so near to the outer quantiles a number counts as beyond them. */
const bound = 1e-7;
// The infinities of places 0 and 1 are cut to these.
const lowest = ndtri(bound - Number.EPSILON);
const highest = ndtri(1 - (bound - Number.EPSILON));

export const quantileTransformer = defineOperator(params, (columns, values, context) => {
  const { quantiles, references, output_distribution: distribution } = values;
  onePerColumn(quantiles, columns, "quantiles", context);
  refuseDisorder(references, `${context.path}.params.references`);
  for (const [index, list] of quantiles.entries()) {
    const path = `${context.path}.params.quantiles[${index}]`;
    if (list.length !== references.length) {
      throw new GraphError(path, `${references.length} quantiles, one per reference`, String(list.length));
    }
    refuseDisorder(list, path);
  }
  const upward = Float64Array.from(references);
  const downward = negatedBackwards(upward);
  const { outputs, work } = columnByColumn(columns, context, (index) => {
    const known = Float64Array.from(quantiles[index]!);
    return { known, knownDownward: negatedBackwards(known) };
  });
  const { refusals } = context;
  const isNormal = distribution === "normal";
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, known, knownDownward } = work[index]!;
      const first = known[0]!;
      const last = known[known.length - 1]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const isLow = isNormal ? x - bound < first : x === first;
        const isHigh = isNormal ? x + bound > last : x === last;
        const between = 0.5 * (interpolate(x, known, upward) - interpolate(-x, knownDownward, downward));
        const place = isLow ? 0 : isHigh ? 1 : between;
        to[row] = isNormal ? normal(place) : place;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});

function normal(place: number): number {
  const x = ndtri(place);
  return x < lowest ? lowest : x > highest ? highest : x;
}

/** As NumPy's `interp`: beyond the ends the value there, on a knot the last one's value; NaN for NaN. */
function interpolate(x: number, knots: Float64Array, values: Float64Array): number {
  const last = knots.length - 1;
  if (Number.isNaN(x)) return x;
  if (x < knots[0]!) return values[0]!;
  if (x >= knots[last]!) return values[last]!;
  let low = 0;
  let high = last;
  // Always knots[low] <= x < knots[high].
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (knots[middle]! <= x) low = middle;
    else high = middle;
  }
  const left = knots[low]!;
  if (left === x) return values[low]!;
  const slope = (values[high]! - values[low]!) / (knots[high]! - left);
  const y = slope * (x - left) + values[low]!;
  // The distance of two knots may be beyond float64, and 0 times infinity is NaN.
  return Number.isNaN(y) ? fromTheRight(x, knots[high]!, values[low]!, values[high]!, slope) : y;
}

function fromTheRight(x: number, right: number, valueLeft: number, valueRight: number, slope: number): number {
  const y = slope * (x - right) + valueRight;
  return Number.isNaN(y) && valueLeft === valueRight ? valueLeft : y;
}

function negatedBackwards(values: Float64Array): Float64Array {
  return values.map((value) => -value).reverse();
}

function refuseDisorder(values: readonly number[], path: string): void {
  for (let index = 1; index < values.length; index++) {
    if (values[index - 1]! <= values[index]!) continue;
    throw new GraphError(`${path}[${index}]`, "a number that is not below the one before", describe(values[index]));
  }
}
