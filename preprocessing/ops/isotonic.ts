/**
 * A monotone curve through points: between two of them a straight line, beyond the first and the last their own values.
 *
 * As scikit-learn's IsotonicRegression. float64 is `numpy.interp`: `slope * (v - x[j]) + y[j]` with the slope of the
 * piece that starts at the last x[j] <= v, and y[j] itself where v is x[j]. float32, where it was fitted on that, is
 * SciPy's own interpolation: every step is rounded to float32, and a v that is a point's x belongs to the piece that
 * ends there. SciPy to 1.17 follows the slope too, from 1.18 on it weighs the two ends of the piece. What comes out
 * counts as float64, into which calibration puts it. NaN stays NaN.
 */
import { closedObject, closedSet, finite, listOf } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({
  x: listOf(finite, "numbers"),
  y: listOf(finite, "numbers"),
  dtype: closedSet(["float32", "float64"]).default("float64"),
  interpolation: closedSet(["slope", "weights"]).default("slope"),
});

interface Curve {
  x: readonly number[];
  y: readonly number[];
  slopes: Float64Array;
}

export const isotonic = defineOperator(params, (columns, { x, y, dtype, interpolation }, context) => {
  const at = `${context.path}.params`;
  if (y.length !== x.length)
    throw new GraphError(`${at}.y`, `${x.length} values, one per value of x`, String(y.length));
  if (interpolation === "weights" && dtype === "float64")
    throw new GraphError(`${at}.interpolation`, '"slope" where dtype is "float64"', '"weights"');
  const unordered = x.findIndex((value, index) => index > 0 && !(value > x[index - 1]!));
  if (unordered > 0)
    throw new GraphError(`${at}.x[${unordered}]`, "a value above the one before it", String(x[unordered]));
  const round = dtype === "float32" ? Math.fround : (value: number): number => value;
  const slopes = Float64Array.from({ length: x.length - 1 }, (_, j) =>
    round(round(y[j + 1]! - y[j]!) / round(x[j + 1]! - x[j]!)),
  );
  const { outputs, work } = columnByColumn(columns, context, () => ({}));
  const follow = dtype === "float64" ? followFloat64 : interpolation === "slope" ? followFloat32 : weighFloat32;
  const curve = { x, y, slopes };
  const step = (rowCount: number): void => {
    for (const { from, to } of work) for (let row = 0; row < rowCount; row++) to[row] = follow(curve, from[row]!);
  };
  return { columns: outputs, step };
});

function followFloat64({ x, y, slopes }: Curve, v: number): number {
  const last = x.length - 1;
  if (Number.isNaN(v)) return v;
  if (v >= x[last]!) return y[last]!;
  if (v < x[0]!) return y[0]!;
  const j = lastAtMost(x, v);
  return v === x[j]! ? y[j]! : slopes[j]! * (v - x[j]!) + y[j]!;
}

function followFloat32({ x, y, slopes }: Curve, value: number): number {
  if (Number.isNaN(value)) return value;
  if (x.length === 1) return y[0]!;
  const v = clipped(x, value);
  const j = pieceOf(x, v);
  return Math.fround(Math.fround(slopes[j]! * Math.fround(v - x[j]!)) + y[j]!);
}

function weighFloat32({ x, y }: Curve, value: number): number {
  if (Number.isNaN(value)) return value;
  if (x.length === 1) return y[0]!;
  const v = clipped(x, value);
  const j = pieceOf(x, v);
  const width = Math.fround(x[j + 1]! - x[j]!);
  const right = Math.fround(Math.fround(v - x[j]!) / width);
  const left = Math.fround(Math.fround(x[j + 1]! - v) / width);
  return Math.fround(Math.fround(right * y[j + 1]!) + Math.fround(left * y[j]!));
}

function clipped(x: readonly number[], value: number): number {
  return Math.min(Math.max(Math.fround(value), x[0]!), x.at(-1)!);
}

/** The piece, by its first point, that SciPy counts v to. */
function pieceOf(x: readonly number[], v: number): number {
  const found = lastAtMost(x, v);
  return found > 0 && x[found] === v ? found - 1 : Math.min(found, x.length - 2);
}

/** The last index whose x is at most v; v is not below the first. */
function lastAtMost(x: readonly number[], v: number): number {
  let low = 0;
  let high = x.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (x[middle]! <= v) low = middle;
    else high = middle;
  }
  return low;
}
