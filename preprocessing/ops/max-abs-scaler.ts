/** `x / scale`, as MaxAbsScaler computes it, then cut to -1..1 where `clip` is set. NaN stays NaN. */
import { closedObject, finite, flag, listOf } from "../closed-schema.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({ scale: listOf(finite, "numbers"), clip: flag.default(false) });

export const maxAbsScaler = defineOperator(params, (columns, { scale, clip }, context) => {
  onePerColumn(scale, columns, "scale", context);
  const bound = clip ? 1 : Number.POSITIVE_INFINITY;
  const { outputs, work } = columnByColumn(columns, context, (index) => ({ scale: scale[index]! }));
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, scale } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const y = x / scale;
        // By comparisons, as NumPy's clip: NaN and the sign of a zero come out as they went in.
        if (y < -bound) to[row] = -bound;
        else if (y > bound) to[row] = bound;
        else to[row] = y;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});
