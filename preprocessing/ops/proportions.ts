/**
 * Each column divided by the sum of all, in float64: scores of k classes, each made by itself, to probabilities.
 *
 * The sum goes from the first column to the last. Where it is 0, every column becomes 1 / k, as in scikit-learn.
 */
import { closedObject } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { defineOperator, numberColumns } from "../operator.js";

export const proportions = defineOperator(closedObject({}), (columns, _params, { path }) => {
  const inputs = numberColumns(columns, `${path}.inputs`);
  const outputs = inputs.map(({ feature }) => new NumberColumn(feature));
  const from = inputs.map(({ values }) => values);
  const to = outputs.map(({ values }) => values);
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) {
      let sum = 0;
      for (let column = 0; column < from.length; column++) sum += from[column]![row]!;
      for (let column = 0; column < from.length; column++)
        to[column]![row] = sum === 0 ? 1 / from.length : from[column]![row]! / sum;
    }
  };
  return { columns: outputs, step };
});
