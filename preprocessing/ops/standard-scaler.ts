/**
 * `(x - mean) / scale`, as StandardScaler computes it: two operations, each rounded. A multiplication by 1/scale would differ in
 * the last bit. `null` stands for with_mean=False or with_std=False.
 */
import * as z from "zod";
import { closedObject, finite, listOf } from "../closed-schema.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({
  mean: z.nullable(listOf(finite, "numbers")),
  scale: z.nullable(listOf(finite, "numbers")),
});

export const standardScaler = defineOperator(params, (columns, { mean, scale }, context) => {
  onePerColumn(mean, columns, "mean", context);
  onePerColumn(scale, columns, "scale", context);
  // x - 0 and x / 1 are x, bit for bit (-0 included), so the switched-off half needs no code of its own.
  const constantsOf = (index: number) => ({ mean: mean?.[index] ?? 0, scale: scale?.[index] ?? 1 });
  const { outputs, work } = columnByColumn(columns, context, constantsOf);
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, mean, scale } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        to[row] = (x - mean) / scale;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});
