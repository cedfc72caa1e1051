/**
 * The numbers of a row in ascending order: quantiles that were fitted one beside the other, and may have crossed.
 *
 * As `numpy.sort` has them: NaN comes last. Of two zeros -0 comes first, so that the order doesn't depend on how it is
 * found.
 */
import { closedObject } from "../closed-schema.js";
import { columnByColumn, defineOperator } from "../operator.js";

export const sortAscending = defineOperator(closedObject({}), (columns, _params, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}));
  const sorted = new Float64Array(work.length);
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) {
      for (let column = 0; column < work.length; column++) sorted[column] = work[column]!.from[row]!;
      // A typed array's own order: by size, -0 before 0, NaN last.
      sorted.sort();
      for (let column = 0; column < work.length; column++) work[column]!.to[row] = sorted[column]!;
    }
  };
  return { columns: outputs, step };
});
