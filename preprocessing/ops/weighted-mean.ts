/**
 * The weighted mean of several tables of equal width, which stand side by side: column c of the result is
 * `(weights[0] * c of the first + weights[1] * c of the second + ...) / sum of the weights`.
 *
 * As `numpy.average` over models does it: products and sums one after the other, in the order of the tables. Equal
 * weights are ones, since `1 * x` changes nothing. With dtype float32 every step is rounded to float32, as NumPy does
 * where all tables are float32 and nobody gave weights.
 */
import { closedObject, closedSet, finite, listOf } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { GraphError } from "../graph-error.js";
import { defineOperator, numberColumns } from "../operator.js";

const params = closedObject({
  weights: listOf(finite, "numbers"),
  dtype: closedSet(["float32", "float64"]).default("float64"),
});

export const weightedMean = defineOperator(params, (columns, { weights, dtype }, { path }) => {
  const inputs = numberColumns(columns, `${path}.inputs`);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) throw new GraphError(`${path}.params.weights`, "weights whose sum isn't 0", "0");
  const width = inputs.length / weights.length;
  if (!Number.isInteger(width)) {
    throw new GraphError(
      `${path}.params.weights`,
      `as many weights as tables, where ${inputs.length} columns make up all of them`,
      `${weights.length}`,
    );
  }
  const round = dtype === "float32" ? Math.fround : (value: number): number => value;
  const outputs = inputs.slice(0, width).map(({ feature }) => new NumberColumn(feature, dtype));
  const work = outputs.map(({ values: to }, column) => ({
    to,
    tables: weights.map((weight, table) => ({ weight, from: inputs[table * width + column]!.values })),
  }));
  const step = (rowCount: number): void => {
    for (const { to, tables } of work) {
      for (let row = 0; row < rowCount; row++) {
        let sum = 0;
        for (let table = 0; table < tables.length; table++) {
          const { weight, from } = tables[table]!;
          sum = round(sum + round(weight * from[row]!));
        }
        to[row] = round(sum / total);
      }
    }
  };
  return { columns: outputs, step };
});
