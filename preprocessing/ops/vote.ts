/**
 * Votes of several classifiers: a column for each label, which holds the sum of the weights of those that predict it.
 *
 * As `numpy.bincount` adds them: in the order of the classifiers. Where one has no answer (NaN), every column is NaN.
 */
import { indexCategories } from "../category-codes.js";
import { closedObject, finite, label, listOf } from "../closed-schema.js";
import { NumberColumn, type TextColumn } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { defineOperator } from "../operator.js";

const params = closedObject({ labels: listOf(label, "labels"), weights: listOf(finite, "numbers") });

export const vote = defineOperator(params, (columns, { labels, weights }, { path }) => {
  const voters = columns.map((column): TextColumn => {
    if (column.kind === "text") return column;
    throw new GraphError(`${path}.inputs`, "labels that classifiers predict", "a column of numbers");
  });
  if (weights.length !== voters.length) {
    throw new GraphError(`${path}.params.weights`, `${voters.length} values, one per column`, String(weights.length));
  }
  indexCategories(labels, `${path}.params.labels`);
  const places = new Map<unknown, number>(labels.map((value, index) => [value, index]));
  const other = voters.flatMap((voter) => voter.labels ?? []).find((value) => !places.has(value));
  if (other !== undefined)
    throw new GraphError(`${path}.params.labels`, `${describe(other)} among them, which is predicted`, "other labels");
  const outputs = labels.map(() => new NumberColumn(voters[0]!.feature));
  const to = outputs.map(({ values }) => values);
  const from = voters.map(({ values }) => values);
  const step = (rowCount: number): void => {
    for (const values of to) values.fill(0, 0, rowCount);
    for (let voter = 0; voter < from.length; voter++) {
      const predicted = from[voter]!;
      const weight = weights[voter]!;
      for (let row = 0; row < rowCount; row++) {
        const place = places.get(predicted[row]);
        if (place === undefined) for (const values of to) values[row] = Number.NaN;
        else to[place]![row]! += weight;
      }
    }
  };
  return { columns: outputs, step };
});
