/**
 * A monotone curve through points: between two of them a straight line, beyond the first and the last their own values.
 *
 * As scikit-learn's IsotonicRegression, which asks `numpy.interp`: `slope * (v - x[j]) + y[j]` with the slope of the piece that starts at
 * the last x[j] <= v, and y[j] itself where v is x[j]. NaN stays NaN.
 */
import { closedObject, finite, listOf } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({ x: listOf(finite, "numbers"), y: listOf(finite, "numbers") });

export const isotonic = defineOperator(params, (columns, { x, y }, context) => {
  const at = `${context.path}.params`;
  if (y.length !== x.length) throw new GraphError(`${at}.y`, `${x.length} values, one per value of x`, String(y.length));
  const unordered = x.findIndex((value, index) => index > 0 && !(value > x[index - 1]!));
  if (unordered > 0) throw new GraphError(`${at}.x[${unordered}]`, "a value above the one before it", String(x[unordered]));
  const last = x.length - 1;
  const slopes = Float64Array.from({ length: last }, (_, j) => (y[j + 1]! - y[j]!) / (x[j + 1]! - x[j]!));
  const { outputs, work } = columnByColumn(columns, context, () => ({}));
  const step = (rowCount: number): void => {
    for (const { from, to } of work) {
      for (let row = 0; row < rowCount; row++) {
        const v = from[row]!;
        if (Number.isNaN(v)) to[row] = v;
        else if (v >= x[last]!) to[row] = y[last]!;
        else if (v < x[0]!) to[row] = y[0]!;
        else {
          const j = pieceOf(x, v);
          to[row] = v === x[j]! ? y[j]! : slopes[j]! * (v - x[j]!) + y[j]!;
        }
      }
    }
  };
  return { columns: outputs, step };
});

/** The last index whose x is at most v, which lies between the first and the last. */
function pieceOf(x: readonly number[], v: number): number {
  let low = 0;
  let high = x.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (x[middle]! <= v) low = middle;
    else high = middle;
  }
  return low;
}
