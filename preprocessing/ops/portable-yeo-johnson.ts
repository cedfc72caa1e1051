/** Yeo and Johnson's power transform of each column, then `(y - mean) / scale`. A result of the transform that isn't finite is missing. */
import * as z from "zod";
import { closedObject, finite, listOf } from "../closed-schema.js";
import { describe, GraphError } from "../graph-error.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";
import { yeoJohnson } from "../yeo-johnson.js";

const params = closedObject({
  lambdas: listOf(finite, "numbers"),
  /** With `standardize`; else both are null. */
  mean: z.nullable(listOf(finite, "numbers")),
  scale: z.nullable(listOf(finite, "numbers")),
});

export const portableYeoJohnson = defineOperator(params, (columns, { lambdas, mean, scale }, context) => {
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
