/**
 * Every number as the values of its column's B-splines, as SplineTransformer: one output column per spline.
 *
 * What lies beyond the outer knots is refused ("error"), gets the values at the outer knot ("constant"), goes on along
 * the slope there ("linear") or along the outer polynomials ("continue"), or is moved by whole periods ("periodic").
 */
import * as z from "zod";
import { bSplineSlopes, bSplines, splineInterval, splineScratch } from "../b-spline.js";
import { closedObject, closedSet, finite, flag, listOf } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { defineOperator, numberColumns, onePerColumn, type Step } from "../operator.js";

const params = closedObject({
  // With `degree` more knots on each side than were asked for.
  knots: listOf(listOf(finite, "knots"), "lists of knots"),
  degree: z.int("a whole number").min(0, "0 or more").max(16, "16 or less"),
  extrapolation: closedSet(["error", "constant", "linear", "continue", "periodic"]),
  include_bias: flag,
  handle_missing: closedSet(["error", "zeros"]).default("error"),
});

/** The splines of one column. */
interface Splines {
  knots: Float64Array;
  degree: number;
  /** Where each spline's value goes; the last one's is scratch without include_bias. */
  to: Float64Array[];
}

/** Writes a number's splines to a row of `to`, which holds zeros. */
type Evaluate = (x: number, row: number) => void;

export const splineTransformer = defineOperator(params, (columns, values, context) => {
  const { degree, extrapolation, include_bias: includeBias, handle_missing: handleMissing } = values;
  const { path, refusals } = context;
  onePerColumn(values.knots, columns, "knots", context);
  if (degree === 0 && (extrapolation === "constant" || extrapolation === "linear")) {
    throw new GraphError(`${path}.params.degree`, `1 or more, since extrapolation is "${extrapolation}"`, "0");
  }
  const missingIsZeros = handleMissing === "zeros";
  const outputs: NumberColumn[] = [];
  const steps = numberColumns(columns, `${path}.inputs`).map(({ feature, values: from }, index): Step => {
    const knots = Float64Array.from(values.knots[index]!);
    refuseKnots(knots, degree, extrapolation, `${path}.params.knots[${index}]`);
    const count = knots.length - degree - 1 - (extrapolation === "periodic" ? degree : 0);
    const made = Array.from({ length: count }, () => new NumberColumn(feature));
    outputs.push(...(includeBias ? made : made.slice(0, -1)));
    const splines = { knots, degree, to: made.map((column) => column.values) };
    const evaluate = evaluators[extrapolation](splines, index);
    const low = knots[degree]!;
    const high = knots[knots.length - degree - 1]!;
    const bounded = extrapolation === "error";
    return (rowCount) => {
      for (const to of splines.to) to.fill(0, 0, rowCount);
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        if (Number.isNaN(x) && missingIsZeros) continue;
        if (!Number.isFinite(x) && !missingIsZeros) refusals.add(row, feature, "a finite number", x);
        else if (bounded && !(x >= low && x <= high)) refusals.add(row, feature, `a number from ${low} to ${high}`, x);
        else evaluate(x, row);
      }
    };
  });
  const step = (rowCount: number): void => {
    for (let index = 0; index < steps.length; index++) steps[index]!(rowCount);
  };
  return { columns: outputs, step };
});

const evaluators = {
  error: (splines: Splines): Evaluate => alongPolynomials(splines),
  continue: (splines: Splines): Evaluate => alongPolynomials(splines),
  periodic: (splines: Splines): Evaluate => {
    const { knots, degree } = splines;
    const low = knots[degree]!;
    const period = knots[knots.length - degree - 1]! - low;
    const evaluate = alongPolynomials(splines);
    // A column that was constant in training has no period.
    return (x, row) => evaluate(period > 0 ? low + floorModulo(x - low, period) : 0, row);
  },
  constant: (splines: Splines): Evaluate => {
    const { knots, degree, to } = splines;
    const low = knots[degree]!;
    const high = knots[knots.length - degree - 1]!;
    const evaluate = alongPolynomials(splines);
    const atLow = splinesAt(splines, low, bSplines);
    const atHigh = splinesAt(splines, high, bSplines);
    return (x, row) => {
      if (x < low) for (let spline = 0; spline < degree; spline++) to[spline]![row] = atLow[spline]!;
      else if (x > high)
        for (let spline = to.length - degree; spline < to.length; spline++) to[spline]![row] = atHigh[spline]!;
      else evaluate(x, row);
    };
  },
  linear: (splines: Splines, column: number): Evaluate => {
    const { knots, degree, to } = splines;
    // With degree 1, scikit-learn extends two splines on each side, and from the second column on it begins one knot
    // further inside.
    const extended = Math.max(degree, 2);
    const outer = degree === 1 && column > 0 ? 2 : degree;
    const low = knots[outer]!;
    const high = knots[knots.length - outer - 1]!;
    const evaluate = alongPolynomials(splines);
    const atLow = splinesAt(splines, low, bSplines);
    const atHigh = splinesAt(splines, high, bSplines);
    const slopesLow = splinesAt(splines, low, bSplineSlopes);
    const slopesHigh = splinesAt(splines, high, bSplineSlopes);
    return (x, row) => {
      if (low <= x && x <= high) evaluate(x, row);
      for (let spline = 0; spline < extended; spline++) {
        if (x < low) to[spline]![row] = atLow[spline]! + (x - low) * slopesLow[spline]!;
        const last = to.length - 1 - spline;
        if (x > high) to[last]![row] = atHigh[last]! + (x - high) * slopesHigh[last]!;
      }
    };
  },
};

/** The polynomials of the interval that x is in, of the outer ones beyond the knots. */
function alongPolynomials({ knots, degree, to }: Splines): Evaluate {
  const scratch = splineScratch(degree);
  const count = to.length;
  return (x, row) => {
    const interval = splineInterval(knots, degree, x);
    bSplines(knots, degree, interval, x, scratch);
    let finite = true;
    for (let n = 0; n <= degree; n++) {
      const value = scratch[n]!;
      // A period's last splines are its first ones. The addition turns -0 into 0, as a sum that begins with 0 does.
      to[(interval - degree + n) % count]![row]! += value;
      finite &&= Number.isFinite(value);
    }
    if (!finite) spreadInfinities(scratch, degree, interval, to, row);
  };
}

/** SciPy multiplies each value by the 0 or 1 of every spline, and 0 times infinity is NaN. */
function spreadInfinities(
  values: Float64Array,
  degree: number,
  interval: number,
  to: readonly Float64Array[],
  row: number,
): void {
  for (const [spline, target] of to.entries()) {
    let sum = 0;
    for (let n = 0; n <= degree; n++) sum += ((interval - degree + n) % to.length === spline ? 1 : 0) * values[n]!;
    target[row] = sum;
  }
}

/** What every spline is at x, or its slope. */
function splinesAt({ knots, degree, to }: Splines, x: number, at: typeof bSplines): Float64Array {
  const scratch = splineScratch(degree);
  const interval = splineInterval(knots, degree, x);
  at(knots, degree, interval, x, scratch);
  const found = new Float64Array(to.length);
  for (let n = 0; n <= degree; n++) found[interval - degree + n]! += scratch[n]!;
  return found;
}

/** The remainder that has the sign of the divisor, as Python's. */
function floorModulo(x: number, divisor: number): number {
  const remainder = x % divisor;
  return remainder < 0 ? remainder + divisor : remainder === 0 ? 0 : remainder;
}

function refuseKnots(knots: Float64Array, degree: number, extrapolation: string, path: string): void {
  const fewest = 2 * degree + 2 + (extrapolation === "periodic" ? Math.max(0, degree - 1) : 0);
  if (knots.length < fewest)
    throw new GraphError(path, `at least ${fewest} knots, since degree is ${degree}`, String(knots.length));
  for (let index = 1; index < knots.length; index++) {
    if (knots[index - 1]! <= knots[index]!) continue;
    throw new GraphError(`${path}[${index}]`, "a knot that is not below the one before", describe(knots[index]));
  }
}
