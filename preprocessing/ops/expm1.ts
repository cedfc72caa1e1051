/**
 * e^x - 1 in every column, by the portable math: takes back a target's log1p. With dtype float32, in which a library
 * computes what it predicted in float32, the result is rounded to that.
 */
import { closedObject, closedSet } from "../closed-schema.js";
import { expm1 as portable } from "../math/expm1.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({ dtype: closedSet(["float32", "float64"]).default("float64") });

export const expm1 = defineOperator(params, (columns, { dtype }, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}), dtype);
  const apply = dtype === "float32" ? (x: number): number => Math.fround(portable(Math.fround(x))) : portable;
  const step = (rowCount: number): void => {
    for (const { from, to } of work) for (let row = 0; row < rowCount; row++) to[row] = apply(from[row]!);
  };
  return { columns: outputs, step };
});
