/**
 * Weighted sums of all columns, less those of the mean, as PCA: the projection comes first, and only then the
 * subtraction. With `whiten` each is divided by its standard deviation.
 */
import * as z from "zod";
import { closedObject, finite, listOf } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { defineOperator, onePerColumn } from "../operator.js";
import { planProjection, project } from "../project.js";

const params = closedObject({
  components: listOf(listOf(finite, "weights"), "lists of weights"),
  mean: listOf(finite, "numbers"),
  /** With `whiten`; else null. */
  explained_variance: z.nullable(
    listOf(
      finite.refine((value) => value >= 0, "0 or more"),
      "variances",
    ),
  ),
});

export const pca = defineOperator(params, (columns, { components, mean, explained_variance: variances }, context) => {
  onePerColumn(mean, columns, "mean", context);
  const { outputs, step: projectAll } = planProjection(columns, components, context);
  if (variances !== null && variances.length !== components.length) {
    throw new GraphError(
      `${context.path}.params.explained_variance`,
      `${components.length} values, one per component`,
      String(variances.length),
    );
  }
  const work = outputs.map(({ values }, index) => ({
    to: values,
    offset: project(mean, components[index]!),
    // Variances can be as good as 0, and scikit-learn keeps their roots from it.
    scale: variances === null ? 1 : Math.max(Math.sqrt(variances[index]!), Number.EPSILON),
  }));
  const step = (rowCount: number): void => {
    projectAll(rowCount);
    for (let index = 0; index < work.length; index++) {
      const { to, offset, scale } = work[index]!;
      for (let row = 0; row < rowCount; row++) to[row] = (to[row]! - offset) / scale;
    }
  };
  return { columns: outputs, step };
});
