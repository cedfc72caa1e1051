/**
 * Yeo and Johnson's or Box and Cox's power transform of each column, then `(y - mean) / scale`, as PowerTransformer, on the portable
 * mathematics.
 *
 * What can't be standardized since it is infinite is refused, as scikit-learn raises on it. So are numbers up to 0 by Box-Cox: of their
 * own row only, where scikit-learn fails the whole batch.
 */
import * as z from "zod";
import { boxCox } from "../box-cox.js";
import { closedObject, closedSet, finite, listOf } from "../closed-schema.js";
import { describe, GraphError } from "../graph-error.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";
import { yeoJohnson } from "../yeo-johnson.js";

const params = closedObject({
  method: closedSet(["yeo-johnson", "box-cox"]),
  lambdas: listOf(finite, "numbers"),
  /** With `standardize`; else both are null. */
  mean: z.nullable(listOf(finite, "numbers")),
  scale: z.nullable(listOf(finite, "numbers")),
});

export const powerTransformer = defineOperator(params, (columns, { method, lambdas, mean, scale }, context) => {
  onePerColumn(lambdas, columns, "lambdas", context);
  onePerColumn(mean, columns, "mean", context);
  onePerColumn(scale, columns, "scale", context);
  if ((mean === null) !== (scale === null)) {
    const expected = mean === null ? "null, as mean is" : "a list, as mean is";
    throw new GraphError(`${context.path}.params.scale`, expected, describe(scale));
  }
  // Less 0, and divided by 1, every number stays what it is.
  const { outputs, work } = columnByColumn(columns, context, (index) => ({
    lambda: lambdas[index]!,
    mean: mean?.[index] ?? 0,
    scale: scale?.[index] ?? 1,
  }));
  const { refusals } = context;
  const isBoxCox = method === "box-cox";
  const standardizes = mean !== null;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, lambda, mean, scale } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const power = isBoxCox ? boxCox(x, lambda) : yeoJohnson(x, lambda);
        to[row] = (power - mean) / scale;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
        else if (isBoxCox && x <= 0) refusals.add(row, feature, "a number above 0", x);
        else if (standardizes && Math.abs(power) === Infinity) refusals.add(row, feature, "a number whose power is finite", x);
      }
    }
  };
  return { columns: outputs, step };
});
