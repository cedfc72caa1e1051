/**
 * Counts to weights, as TfidfTransformer. Reads the cells of a vectorizer as they are, and gathers those of any other
 * columns.
 */
import { closedObject } from "../closed-schema.js";
import type { NumberColumn } from "../column.js";
import { defineOperator, numberColumns, type PlanContext, type Step } from "../operator.js";
import { SparseGroup, wholeSparseGroup } from "../sparse-group.js";
import { planWeights, weightParams } from "../text/weigh-terms.js";

export const tfidfTransformer = defineOperator(closedObject(weightParams), (columns, params, context) => {
  const inputs = numberColumns(columns, `${context.path}.inputs`);
  const whole = wholeSparseGroup(inputs);
  const { group: source, step: gather } = whole === undefined ? gatherCells(inputs, context) : { group: whole };
  const weights = planWeights(source, params, context);
  const step = (rowCount: number): void => {
    gather?.(rowCount);
    weights.step(rowCount);
  };
  return { columns: weights.group.columns, step };
});

/** A cell for every value that isn't 0, as SciPy makes a dense matrix sparse. */
function gatherCells(columns: readonly NumberColumn[], { refusals }: PlanContext): { group: SparseGroup; step?: Step } {
  const group = new SparseGroup(columns.map(({ feature }) => feature));
  const { cells } = group;
  const inputs = columns.map(({ values }) => values);
  const step = (rowCount: number): void => {
    cells.clear();
    for (let row = 0; row < rowCount; row++) {
      for (let position = 0; position < inputs.length; position++) {
        const x = inputs[position]![row]!;
        if (x === 0) continue;
        if (!Number.isFinite(x)) refusals.add(row, columns[position]!.feature, "a finite number", x);
        cells.add(position, x);
      }
      cells.endRow(row);
    }
  };
  return { group, step };
}
