/**
 * Margins of k classes to k probabilities, over all columns of the row: exp(x - max), divided by their sum.
 *
 * float32 is XGBoost's `common::Softmax`: exponentials and quotients in float32, the sum in float64 and rounded once.
 * float64 adds from the first column to the last.
 */
import { closedObject, closedSet } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { exp } from "../math/exp.js";
import { expFloat32 } from "../math/exp-float32.js";
import { defineOperator, numberColumns } from "../operator.js";

const params = closedObject({ dtype: closedSet(["float32", "float64"]) });

export const softmax = defineOperator(params, (columns, { dtype }, context) => {
  const inputs = numberColumns(columns, `${context.path}.inputs`);
  const outputs = inputs.map(({ feature }) => new NumberColumn(feature, dtype));
  const from = inputs.map(({ values }) => values);
  const to = outputs.map(({ values }) => values);
  const link = dtype === "float32" ? softmaxFloat32 : softmaxFloat64;
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) link(from, to, row);
  };
  return { columns: outputs, step };
});

function softmaxFloat32(from: readonly Float64Array[], to: readonly Float64Array[], row: number): void {
  const max = Math.fround(maxOf(from, row));
  let sum = 0;
  for (let column = 0; column < from.length; column++) {
    const e = expFloat32(Math.fround(Math.fround(from[column]![row]!) - max));
    to[column]![row] = e;
    sum += e;
  }
  sum = Math.fround(sum);
  for (const values of to) values[row] = Math.fround(values[row]! / sum);
}

function softmaxFloat64(from: readonly Float64Array[], to: readonly Float64Array[], row: number): void {
  const max = maxOf(from, row);
  let sum = 0;
  for (let column = 0; column < from.length; column++) {
    const e = exp(from[column]![row]! - max);
    to[column]![row] = e;
    sum += e;
  }
  for (const values of to) values[row] = values[row]! / sum;
}

/** A NaN among the values makes every probability NaN, whether or not it is the maximum: it is in the sum. */
function maxOf(columns: readonly Float64Array[], row: number): number {
  let max = columns[0]![row]!;
  for (let column = 1; column < columns.length; column++) {
    const x = columns[column]![row]!;
    if (x > max) max = x;
  }
  return max;
}
