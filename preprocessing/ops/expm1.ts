/** e^x - 1 in every column, in float64 by the portable math: takes back a target's log1p. */
import { closedObject } from "../closed-schema.js";
import { expm1 as portable } from "../math/expm1.js";
import { columnByColumn, defineOperator } from "../operator.js";

export const expm1 = defineOperator(closedObject({}), (columns, _params, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}));
  const step = (rowCount: number): void => {
    for (const { from, to } of work) for (let row = 0; row < rowCount; row++) to[row] = portable(from[row]!);
  };
  return { columns: outputs, step };
});
