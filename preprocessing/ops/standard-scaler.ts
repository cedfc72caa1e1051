/**
 * `(x - mean) / scale`, as StandardScaler computes it. A multiplication by 1/scale would differ in the last bit. `null`
 * stands for with_mean=False or with_std=False.
 */
import * as z from "zod";
import { closedObject, finite, listOf } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { planSubtractDivide } from "../subtract-divide.js";

const params = closedObject({
  mean: z.nullable(listOf(finite, "numbers")),
  scale: z.nullable(listOf(finite, "numbers")),
});

export const standardScaler = defineOperator(params, (columns, { mean, scale }, context) =>
  planSubtractDivide(columns, { key: "mean", values: mean }, { key: "scale", values: scale }, context),
);
