/**
 * Yeo and Johnson's or Box and Cox's power transform of each column, then `(y - mean) / scale`, as PowerTransformer, on
 * the portable mathematics.
 *
 * What can't be standardized since it is infinite is refused, as scikit-learn raises on it. So are numbers up to 0 by
 * Box-Cox: of their own row only, where scikit-learn fails the whole batch.
 */
import { boxCox } from "../box-cox.js";
import { closedObject, closedSet } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { planPowers, powerParams } from "../plan-powers.js";
import { yeoJohnson } from "../yeo-johnson.js";

const schema = closedObject({ method: closedSet(["yeo-johnson", "box-cox"]), ...powerParams });

export const powerTransformer = defineOperator(schema, (columns, params, context) => {
  const { outputs, work } = planPowers(columns, params, context);
  const { refusals } = context;
  const isBoxCox = params.method === "box-cox";
  const standardizes = params.mean !== null;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, lambda, mean, scale } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const power = isBoxCox ? boxCox(x, lambda) : yeoJohnson(x, lambda);
        to[row] = (power - mean) / scale;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
        else if (isBoxCox && x <= 0) refusals.add(row, feature, "a number above 0", x);
        else if (standardizes && Math.abs(power) === Infinity)
          refusals.add(row, feature, "a number whose power is finite", x);
      }
    }
  };
  return { columns: outputs, step };
});
