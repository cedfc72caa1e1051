/**
 * All columns multiplied into one, from the left: `(a * b) * c`. A product that is too large for a float64 is missing.
 */
import { closedObject } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { defineOperator, numberColumns } from "../operator.js";
import { planInfinityCheck } from "../refuse-infinite.js";

export const product = defineOperator(closedObject({}), (columns, _, { path, refusals }) => {
  const inputs = numberColumns(columns, `${path}.inputs`);
  const output = new NumberColumn(inputs[0]!.feature);
  const check = planInfinityCheck(inputs, refusals);
  const factors = inputs.map(({ values }) => values);
  const to = output.values;
  const step = (rowCount: number): void => {
    check(rowCount);
    for (let row = 0; row < rowCount; row++) to[row] = factors[0]![row]!;
    for (let index = 1; index < factors.length; index++) {
      const factor = factors[index]!;
      for (let row = 0; row < rowCount; row++) to[row] = to[row]! * factor[row]!;
    }
    for (let row = 0; row < rowCount; row++) if (!Number.isFinite(to[row]!)) to[row] = Number.NaN;
  };
  return { columns: [output], step };
});
