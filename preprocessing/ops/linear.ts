/**
 * Weighted sums: column o is `coef[o][0] * x0 + coef[o][1] * x1 + ... + intercept[o]`, as linear models and their like
 * compute it.
 *
 * The order is fixed, because a sum of rounded terms depends on it: the products are added from the first column to the
 * last, starting with the first product, and the intercept comes last, where scikit-learn's `X @ coef_.T + intercept_`
 * has it. Each product and each sum is rounded by itself (no fused multiply-add), in float64 or, with dtype float32, in
 * float32. A NaN makes the sum NaN.
 */
import { closedObject, closedSet, finite, listOf } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { defineOperator, numberColumns } from "../operator.js";

const params = closedObject({
  coef: listOf(listOf(finite, "numbers"), "lists of numbers"),
  intercept: listOf(finite, "numbers"),
  dtype: closedSet(["float32", "float64"]).default("float64"),
});

export const linear = defineOperator(params, (columns, { coef, intercept, dtype }, { path }) => {
  const at = `${path}.params`;
  const inputs = numberColumns(columns, `${path}.inputs`);
  if (intercept.length !== coef.length) {
    throw new GraphError(`${at}.intercept`, `${coef.length} values, one per list of coef`, String(intercept.length));
  }
  const add = dtype === "float32" ? sumFloat32 : sumFloat64;
  const from = inputs.map(({ values }) => values);
  const outputs = coef.map(() => new NumberColumn(inputs[0]!.feature, dtype));
  const work = coef.map((weights, output) => {
    if (weights.length !== inputs.length) {
      throw new GraphError(`${at}.coef[${output}]`, `${inputs.length} values, one per column`, String(weights.length));
    }
    return {
      weights: weights.map((value, input) => inDtype(value, dtype, `${at}.coef[${output}][${input}]`)),
      intercept: inDtype(intercept[output]!, dtype, `${at}.intercept[${output}]`),
      to: outputs[output]!.values,
    };
  });
  const step = (rowCount: number): void => {
    for (const { weights, intercept, to } of work) add(from, weights, intercept, to, rowCount);
  };
  return { columns: outputs, step };
});

/** A constant in the dtype of the sums; one that float32 can't hold would make every answer infinite. */
function inDtype(value: number, dtype: "float32" | "float64", path: string): number {
  const rounded = dtype === "float32" ? Math.fround(value) : value;
  if (Number.isFinite(rounded)) return rounded;
  throw new GraphError(path, "a number that float32 can hold", describe(value));
}

function sumFloat64(
  from: readonly Float64Array[],
  weights: readonly number[],
  intercept: number,
  to: Float64Array,
  rowCount: number,
): void {
  const first = from[0]!;
  const weight = weights[0]!;
  for (let row = 0; row < rowCount; row++) to[row] = weight * first[row]!;
  for (let column = 1; column < from.length; column++) {
    const values = from[column]!;
    const weight = weights[column]!;
    for (let row = 0; row < rowCount; row++) to[row]! += weight * values[row]!;
  }
  for (let row = 0; row < rowCount; row++) to[row]! += intercept;
}

/**
 * Float64 holds a product of two float32 exactly, and a sum closely enough, for one rounding to give float32's own
 * result.
 */
function sumFloat32(
  from: readonly Float64Array[],
  weights: readonly number[],
  intercept: number,
  to: Float64Array,
  rowCount: number,
): void {
  const first = from[0]!;
  const weight = weights[0]!;
  for (let row = 0; row < rowCount; row++) to[row] = Math.fround(weight * Math.fround(first[row]!));
  for (let column = 1; column < from.length; column++) {
    const values = from[column]!;
    const weight = weights[column]!;
    for (let row = 0; row < rowCount; row++)
      to[row] = Math.fround(to[row]! + Math.fround(weight * Math.fround(values[row]!)));
  }
  for (let row = 0; row < rowCount; row++) to[row] = Math.fround(to[row]! + intercept);
}
