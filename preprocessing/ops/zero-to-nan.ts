/**
 * Zeros to missing values, for models that were fitted on a sparse matrix and read what isn't in it as missing, as
 * XGBoost does.
 *
 * A zero that is a cell of its own, such as terms that cancel each other out in a HashingVectorizer, is there, and
 * stays.
 */
import { closedObject } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { defineOperator, numberColumns, type Step } from "../operator.js";
import { SparseColumn, type SparseGroup } from "../sparse-group.js";

export const zeroToNan = defineOperator(closedObject({}), (columns, _, { path }) => {
  const groups = new Map<SparseGroup, SparseGroup>();
  const steps: Step[] = [];
  const outputs = numberColumns(columns, `${path}.inputs`).map((column) => {
    if (!(column instanceof SparseColumn)) return denseColumn(column, steps);
    const group = groups.get(column.group) ?? column.group.over(Number.NaN);
    groups.set(column.group, group);
    return group.columns[column.position]!;
  });
  for (const group of groups.values()) steps.push((rowCount) => group.fill(rowCount));
  const step = (rowCount: number): void => {
    for (let index = 0; index < steps.length; index++) steps[index]!(rowCount);
  };
  return { columns: outputs, step };
});

function denseColumn({ feature, values }: NumberColumn, steps: Step[]): NumberColumn {
  const output = new NumberColumn(feature);
  const to = output.values;
  steps.push((rowCount) => {
    for (let row = 0; row < rowCount; row++) {
      const x = values[row]!;
      if (x === 0) to[row] = Number.NaN;
      else to[row] = x;
    }
  });
  return output;
}
