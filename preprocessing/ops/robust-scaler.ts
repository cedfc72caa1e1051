/**
 * `(x - center) / scale`, as RobustScaler computes it: StandardScaler's arithmetic with medians and ranges of
 * quantiles. `null` stands for with_centering=False or with_scaling=False.
 */
import * as z from "zod";
import { closedObject, finite, listOf } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { planSubtractDivide } from "../subtract-divide.js";

const params = closedObject({
  center: z.nullable(listOf(finite, "numbers")),
  scale: z.nullable(listOf(finite, "numbers")),
});

export const robustScaler = defineOperator(params, (columns, { center, scale }, context) =>
  planSubtractDivide(columns, { key: "center", values: center }, { key: "scale", values: scale }, context),
);
