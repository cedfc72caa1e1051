/** The columns as they are; a row with NaN or an infinity is refused. For steps of scikit-learn that compute nothing, but look. */
import { closedObject } from "../closed-schema.js";
import { defineOperator, numberColumns } from "../operator.js";

export const checkFinite = defineOperator(closedObject({}), (columns, _, { path, refusals }) => {
  const work = numberColumns(columns, `${path}.inputs`).map(({ feature, values }) => ({ feature, values }));
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, values } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        if (!Number.isFinite(values[row]!)) refusals.add(row, feature, "a finite number", values[row]);
      }
    }
  };
  return { columns, step };
});
