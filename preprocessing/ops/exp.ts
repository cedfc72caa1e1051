/**
 * e^x in every column: the log link's inverse, in the dtype of the library it mirrors.
 *
 * float64 is the portable exponential. float32 is the C library's `expf` (glibc 2.27 and later), as XGBoost's Poisson,
 * gamma and Tweedie objectives call it.
 */
import { closedObject, closedSet } from "../closed-schema.js";
import { exp as expFloat64 } from "../math/exp.js";
import { expFloat32 } from "../math/exp-float32.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({ dtype: closedSet(["float32", "float64"]) });

export const exp = defineOperator(params, (columns, { dtype }, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}), dtype);
  const link = dtype === "float32" ? fillFloat32 : fillFloat64;
  const step = (rowCount: number): void => {
    for (const { from, to } of work) link(from, to, rowCount);
  };
  return { columns: outputs, step };
});

function fillFloat32(from: Float64Array, to: Float64Array, rowCount: number): void {
  for (let row = 0; row < rowCount; row++) to[row] = expFloat32(Math.fround(from[row]!));
}

function fillFloat64(from: Float64Array, to: Float64Array, rowCount: number): void {
  for (let row = 0; row < rowCount; row++) to[row] = expFloat64(from[row]!);
}
