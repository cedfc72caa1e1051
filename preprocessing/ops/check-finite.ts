/** The columns as they are; a row with NaN or an infinity is refused. For steps of scikit-learn that compute nothing, but look. */
import { closedObject } from "../closed-schema.js";
import type { NumberColumn } from "../column.js";
import { defineOperator, numberColumns, type Step } from "../operator.js";
import type { Refusals } from "../refusals.js";
import { type SparseGroup, wholeSparseGroup } from "../sparse-group.js";

export const checkFinite = defineOperator(closedObject({}), (columns, _, { path, refusals }) => {
  const inputs = numberColumns(columns, `${path}.inputs`);
  const group = wholeSparseGroup(inputs);
  return { columns, step: group?.background === 0 ? checkCells(group, refusals) : checkColumns(inputs, refusals) };
});

function checkColumns(columns: readonly NumberColumn[], refusals: Refusals): Step {
  const work = columns.map(({ feature, values }) => ({ feature, values }));
  return (rowCount) => {
    for (let index = 0; index < work.length; index++) {
      const { feature, values } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        if (!Number.isFinite(values[row]!)) refusals.add(row, feature, "a finite number", values[row]);
      }
    }
  };
}

/** A vocabulary's thousands of columns need not be written out to be looked at. */
function checkCells({ cells, columns }: SparseGroup, refusals: Refusals): Step {
  return (rowCount) => {
    let cell = 0;
    for (let row = 0; row < rowCount; row++) {
      for (; cell < cells.ends[row]!; cell++) {
        const x = cells.values[cell]!;
        if (!Number.isFinite(x)) refusals.add(row, columns[cells.positions[cell]!]!.feature, "a finite number", x);
      }
    }
  };
}
