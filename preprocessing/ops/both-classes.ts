/**
 * Probabilities of all classes: of one column p, which is the second class's, [1 - p, p]; several columns as they are.
 *
 * 1 - p is rounded in the dtype of p, as the library that computed p rounds it.
 */
import { closedObject } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { defineOperator, numberColumns } from "../operator.js";

export const bothClasses = defineOperator(closedObject({}), (columns, _params, { path }) => {
  const inputs = numberColumns(columns, `${path}.inputs`);
  if (inputs.length > 1) return { columns: inputs };
  const { feature, dtype, values: from } = inputs[0]!;
  const first = new NumberColumn(feature, dtype);
  const to = first.values;
  const step = (rowCount: number): void => {
    if (dtype === "float32") for (let row = 0; row < rowCount; row++) to[row] = Math.fround(1 - from[row]!);
    else for (let row = 0; row < rowCount; row++) to[row] = 1 - from[row]!;
  };
  return { columns: [first, inputs[0]!], step };
});
