/**
 * What the target was on average where a column had this category, as TargetEncoder's `transform`: one column per class
 * for several classes, else one. A category that training did not have, a missing value among them, gets the target's
 * own mean.
 */
import { createCoder } from "../category-codes.js";
import { category, closedObject, finite, listOf } from "../closed-schema.js";
import { NumberColumn, stripRows } from "../column.js";
import { GraphError } from "../graph-error.js";
import { groupCategories } from "../infrequent.js";
import { defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({
  categories: listOf(listOf(category, "categories"), "lists of categories"),
  encodings: listOf(listOf(finite, "numbers"), "lists of numbers"),
  target_mean: listOf(finite, "numbers"),
});

export const targetEncoder = defineOperator(params, (columns, { categories, encodings, target_mean }, context) => {
  onePerColumn(categories, columns, "categories", context);
  const at = `${context.path}.params.encodings`;
  const targets = target_mean.length;
  if (encodings.length !== columns.length * targets) {
    const expected = `${columns.length * targets} lists, one per column and target mean`;
    throw new GraphError(at, expected, String(encodings.length));
  }
  const work = columns.map((column, index) => {
    const known = categories[index]!;
    const { codes } = groupCategories(known, undefined, index, context);
    const table = { categories: known, codes, unknown: known.length, refuseUnknown: false };
    const tables = target_mean.map((mean, target) => {
      const place = index * targets + target;
      const values = encodings[place]!;
      if (values.length === known.length) return Float64Array.from([...values, mean]);
      throw new GraphError(`${at}[${place}]`, `${known.length} values, one per category`, String(values.length));
    });
    const outputs = tables.map(() => new NumberColumn(column.feature));
    const lookups = tables.map((encoded, target) => ({ encoded, to: outputs[target]!.values }));
    return { code: createCoder(column, table, context.refusals), outputs, lookups };
  });
  const codes = new Int32Array(stripRows);
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { code, lookups } = work[index]!;
      code(rowCount, codes);
      for (let target = 0; target < lookups.length; target++) {
        const { encoded, to } = lookups[target]!;
        for (let row = 0; row < rowCount; row++) to[row] = encoded[codes[row]!]!;
      }
    }
  };
  return { columns: work.flatMap(({ outputs }) => outputs), step };
});
