/**
 * Margin to probability, in the dtype of the library it mirrors.
 *
 * float32 is XGBoost's `common::Sigmoid`: 1 / (exp(min(-x, 88.7)) + 1 + 1e-16), where every step is rounded to float32.
 * (The last addend, there against a division by zero, changes no float32 of 1 or more and is left out.) float64 is 1 /
 * (1 + exp(-x)).
 */
import { closedObject, closedSet } from "../closed-schema.js";
import { exp } from "../math/exp.js";
import { expFloat32 } from "../math/exp-float32.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({ dtype: closedSet(["float32", "float64"]) });

export const sigmoid = defineOperator(params, (columns, { dtype }, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}), dtype);
  const link = dtype === "float32" ? sigmoidFloat32 : sigmoidFloat64;
  const step = (rowCount: number): void => {
    for (const { from, to } of work) link(from, to, rowCount);
  };
  return { columns: outputs, step };
});

const exponentMax = Math.fround(88.7);

function sigmoidFloat32(from: Float64Array, to: Float64Array, rowCount: number): void {
  for (let row = 0; row < rowCount; row++) {
    const x = -Math.fround(from[row]!);
    to[row] = Math.fround(1 / Math.fround(expFloat32(Math.min(x, exponentMax)) + 1));
  }
}

function sigmoidFloat64(from: Float64Array, to: Float64Array, rowCount: number): void {
  for (let row = 0; row < rowCount; row++) to[row] = 1 / (1 + exp(-from[row]!));
}
