/**
 * Products of columns, as PolynomialFeatures: degree by degree, and within a degree in the order of the columns.
 *
 * The product of columns a <= b <= c is `a * (b * c)`: each is the product of its tail, which is a column of the degree
 * below, and its first factor. A missing value is refused, as scikit-learn raises on it.
 */
import * as z from "zod";
import { closedObject, flag } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { GraphError } from "../graph-error.js";
import { defineOperator, numberColumns } from "../operator.js";

const degree = z.int("a whole number").min(0, "0 or more");
const params = closedObject({
  degree: z.tuple([degree, degree], "a list [lowest, highest]"),
  interaction_only: flag,
  include_bias: flag,
});

/** What a strip of so many columns takes, 64 MB, is no longer scratch. */
const columnsMax = 65_536;

interface Term {
  column: NumberColumn;
  /** Index of the first factor: a term of the next degree begins with a factor that stands at it or before. */
  first: number;
}

interface Product {
  tail: Float64Array;
  factor: Float64Array;
  to: Float64Array;
}

export const polynomialFeatures = defineOperator(params, (columns, values, { path, refusals }) => {
  const { interaction_only: interactionOnly, include_bias: includeBias } = values;
  const [lowest, highest] = values.degree;
  if (highest < lowest)
    throw new GraphError(`${path}.params.degree[1]`, `${lowest} or more, the lowest degree`, String(highest));
  const inputs = numberColumns(columns, `${path}.inputs`);
  const products: Product[] = [];
  const outputs: NumberColumn[] = [];
  const bias = new NumberColumn(inputs[0]!.feature);
  if (includeBias) outputs.push(bias);
  let terms: Term[] = highest === 0 ? [] : inputs.map((column, first) => ({ column, first }));
  for (let power = 1; power <= highest && terms.length > 0; power++) {
    if (power >= lowest) outputs.push(...terms.map(({ column }) => column));
    if (power === highest) break;
    const next: Term[] = [];
    for (const [first, { feature, values: factor }] of inputs.entries()) {
      for (const term of terms) {
        if (interactionOnly ? term.first <= first : term.first < first) continue;
        const column = new NumberColumn(feature);
        products.push({ tail: term.column.values, factor, to: column.values });
        if (products.length > columnsMax)
          throw new GraphError(`${path}.params.degree`, `at most ${columnsMax} products`, "more");
        next.push({ column, first });
      }
    }
    terms = next;
  }
  const checked = inputs.map(({ feature, values }) => ({ feature, values }));
  const ones = bias.values;
  const step = (rowCount: number): void => {
    ones.fill(1, 0, rowCount);
    for (let index = 0; index < checked.length; index++) {
      const { feature, values } = checked[index]!;
      for (let row = 0; row < rowCount; row++) {
        if (!Number.isFinite(values[row]!)) refusals.add(row, feature, "a finite number", values[row]);
      }
    }
    for (let index = 0; index < products.length; index++) {
      const { tail, factor, to } = products[index]!;
      for (let row = 0; row < rowCount; row++) to[row] = tail[row]! * factor[row]!;
    }
  };
  return { columns: outputs, step };
});
