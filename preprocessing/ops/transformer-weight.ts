/**
 * `x * weight` in every column, as the transformer_weights of FeatureUnion and ColumnTransformer. Nothing is checked
 * there, nor here.
 */
import { closedObject, finite } from "../closed-schema.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({ weight: finite });

export const transformerWeight = defineOperator(params, (columns, { weight }, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}));
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { from, to } = work[index]!;
      for (let row = 0; row < rowCount; row++) to[row] = from[row]! * weight;
    }
  };
  return { columns: outputs, step };
});
