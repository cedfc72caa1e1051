/**
 * The first column divided by each of the others. A result that isn't finite is missing: where y is 0, and where it is
 * too large for a float64.
 */
import { closedObject } from "../closed-schema.js";
import { planPairs } from "../first-and-others.js";
import { defineOperator } from "../operator.js";

export const ratio = defineOperator(closedObject({}), (columns, _, context) => {
  const { outputs, pairs, check } = planPairs(columns, context);
  const step = (rowCount: number): void => {
    check(rowCount);
    for (let index = 0; index < pairs.length; index++) {
      const { x, y, to } = pairs[index]!;
      for (let row = 0; row < rowCount; row++) {
        const ratio = x[row]! / y[row]!;
        to[row] = Number.isFinite(ratio) ? ratio : Number.NaN;
      }
    }
  };
  return { columns: outputs, step };
});
