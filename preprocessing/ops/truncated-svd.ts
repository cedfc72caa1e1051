/** Weighted sums of all columns, as TruncatedSVD. */
import { closedObject, finite, listOf } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { planProjection } from "../project.js";

const params = closedObject({ components: listOf(listOf(finite, "weights"), "lists of weights") });

export const truncatedSvd = defineOperator(params, (columns, { components }, context) => {
  const { outputs, step } = planProjection(columns, components, context);
  return { columns: outputs, step };
});
