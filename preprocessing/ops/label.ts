/**
 * Probabilities or scores to a label: of one column p, the second of two labels where p > threshold; of k columns, the
 * label of the largest, the first of equals. A NaN among them gives NaN: no label may stand for a score that isn't one.
 */

import { indexCategories } from "../category-codes.js";
import { closedObject, finite, label as labelValue, listOf } from "../closed-schema.js";
import { type NumberColumn, type Scalar, TextColumn } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { defineOperator, numberColumns, type PlanContext, type Step } from "../operator.js";

const params = closedObject({ labels: listOf(labelValue, "labels"), threshold: finite.optional() });

export const label = defineOperator(params, (columns, { labels, threshold }, context) => {
  const inputs = numberColumns(columns, `${context.path}.inputs`);
  indexCategories(labels, `${context.path}.params.labels`);
  refuseMisfit(inputs, labels, threshold, context);
  const output = new TextColumn(inputs[0]!.feature, labels);
  const step =
    threshold === undefined
      ? largest(inputs, labels, output.values)
      : above(inputs[0]!, threshold, labels, output.values);
  return { columns: [output], step };
});

function refuseMisfit(
  inputs: readonly NumberColumn[],
  labels: readonly Scalar[],
  threshold: number | undefined,
  { path }: PlanContext,
): void {
  const width = inputs.length === 1 ? 2 : inputs.length;
  if (labels.length !== width) {
    throw new GraphError(
      `${path}.params.labels`,
      `${width} labels for ${inputs.length} columns`,
      String(labels.length),
    );
  }
  if ((inputs.length === 1) !== (threshold !== undefined)) {
    const expected = inputs.length === 1 ? "a number, for one column" : `nothing, for ${inputs.length} columns`;
    throw new GraphError(`${path}.params.threshold`, expected, describe(threshold));
  }
}

function above(
  { values }: NumberColumn,
  threshold: number,
  [first, second]: readonly Scalar[],
  to: (Scalar | null)[],
): Step {
  return (rowCount) => {
    for (let row = 0; row < rowCount; row++) {
      const p = values[row]!;
      to[row] = Number.isNaN(p) ? p : p > threshold ? second! : first!;
    }
  };
}

function largest(inputs: readonly NumberColumn[], labels: readonly Scalar[], to: (Scalar | null)[]): Step {
  const columns = inputs.map(({ values }) => values);
  return (rowCount) => {
    for (let row = 0; row < rowCount; row++) {
      let best = 0;
      let max = columns[0]![row]!;
      for (let column = 1; column < columns.length; column++) {
        const x = columns[column]![row]!;
        if (x > max || Number.isNaN(x)) {
          best = column;
          max = x;
        }
        if (Number.isNaN(max)) break;
      }
      to[row] = Number.isNaN(max) ? max : labels[best]!;
    }
  };
}
