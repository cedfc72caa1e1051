/** Values cut to a range: `lower` where x is below it, `upper` where it is above, else x as it is. NaN stays NaN. */
import { closedObject, float64, listOf } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";

const limit = float64.refine((value) => !Number.isNaN(value), "a limit, not NaN");
const params = closedObject({ lower: listOf(limit, "limits"), upper: listOf(limit, "limits") });

export const clip = defineOperator(params, (columns, { lower, upper }, context) => {
  onePerColumn(lower, columns, "lower", context);
  onePerColumn(upper, columns, "upper", context);
  for (const [index, low] of lower.entries()) {
    if (low <= upper[index]!) continue;
    throw new GraphError(
      `${context.path}.params.upper[${index}]`,
      `${low} or more, the lower limit`,
      String(upper[index]),
    );
  }
  const { outputs, work } = columnByColumn(columns, context, (index) => ({ low: lower[index]!, high: upper[index]! }));
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, low, high } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        // By comparisons: NaN and the sign of a zero come out as they went in.
        if (x < low) to[row] = low;
        else if (x > high) to[row] = high;
        else to[row] = x;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});
