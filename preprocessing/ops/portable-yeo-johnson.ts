/**
 * Yeo and Johnson's power transform of each column, then `(y - mean) / scale`. A result of the transform that isn't
 * finite is missing.
 */
import { closedObject } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { planPowers, powerParams } from "../plan-powers.js";
import { yeoJohnson } from "../yeo-johnson.js";

const schema = closedObject(powerParams);

export const portableYeoJohnson = defineOperator(schema, (columns, params, context) => {
  const { outputs, work } = planPowers(columns, params, context);
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, lambda, mean, scale } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const power = yeoJohnson(x, lambda);
        to[row] = Number.isFinite(power) ? (power - mean) / scale : Number.NaN;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});
