/** 1 where `x > threshold`, else 0, as Binarizer. A missing value is refused, as scikit-learn raises on it. */
import { closedObject, finite } from "../closed-schema.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({ threshold: finite });

export const binarizer = defineOperator(params, (columns, { threshold }, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}));
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        to[row] = x > threshold ? 1 : 0;
        if (!Number.isFinite(x)) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});
