/**
 * `x * scale + min`, two roundings as MinMaxScaler computes it, then cut to feature_range where `clip` is set. NaN
 * stays NaN.
 */
import * as z from "zod";
import { closedObject, finite, flag, listOf } from "../closed-schema.js";
import { describe, GraphError } from "../graph-error.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({
  scale: listOf(finite, "numbers"),
  min: listOf(finite, "numbers"),
  clip: flag.default(false),
  feature_range: z.tuple([finite, finite], "a list [low, high]").optional(),
});

export const minMaxScaler = defineOperator(params, (columns, { scale, min, clip, feature_range: range }, context) => {
  onePerColumn(scale, columns, "scale", context);
  onePerColumn(min, columns, "min", context);
  if (clip !== (range !== undefined)) {
    throw new GraphError(
      `${context.path}.params.feature_range`,
      clip ? "a list [low, high], since clip is true" : "nothing, since clip is false",
      describe(range),
    );
  }
  const [low, high] = range ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const { outputs, work } = columnByColumn(columns, context, (index) => ({ scale: scale[index]!, min: min[index]! }));
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, scale, min } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const y = x * scale + min;
        // By comparisons, as NumPy's clip: NaN and the sign of a zero come out as they went in.
        if (y < low) to[row] = low;
        else if (y > high) to[row] = high;
        else to[row] = y;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});
