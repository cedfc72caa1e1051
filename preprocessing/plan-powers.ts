/**
 * What the power transforms read: a lambda per column, and, with `standardize`, what is taken off and divided by
 * afterwards.
 */
import * as z from "zod";
import { finite, listOf } from "./closed-schema.js";
import type { Column } from "./column.js";
import { describe, GraphError } from "./graph-error.js";
import { columnByColumn, onePerColumn, type PlanContext } from "./operator.js";

export const powerParams = {
  lambdas: listOf(finite, "numbers"),
  /** With `standardize`; else both are null. */
  mean: z.nullable(listOf(finite, "numbers")),
  scale: z.nullable(listOf(finite, "numbers")),
};

interface PowerParams {
  readonly lambdas: readonly number[];
  readonly mean: readonly number[] | null;
  readonly scale: readonly number[] | null;
}

/**
 * @throws {@link GraphError} for lists of another length than the columns, or one of `mean` and `scale` without the
 *   other.
 */
export function planPowers(columns: readonly Column[], { lambdas, mean, scale }: PowerParams, context: PlanContext) {
  onePerColumn(lambdas, columns, "lambdas", context);
  onePerColumn(mean, columns, "mean", context);
  onePerColumn(scale, columns, "scale", context);
  if ((mean === null) !== (scale === null)) {
    const expected = mean === null ? "null, as mean is" : "a list, as mean is";
    throw new GraphError(`${context.path}.params.scale`, expected, describe(scale));
  }
  // Less 0, and divided by 1, every number stays what it is.
  return columnByColumn(columns, context, (index) => ({
    lambda: lambdas[index]!,
    mean: mean?.[index] ?? 0,
    scale: scale?.[index] ?? 1,
  }));
}
