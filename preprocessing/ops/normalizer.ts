/**
 * Every row divided by its own norm, over all columns, as Normalizer.
 *
 * A sum of rounded terms depends on their order, so the norms are added up as NumPy does for a row that lies in one
 * piece: "l1" in pairs of eight running sums, "l2" in the two lanes of its einsum, for x86-64. A norm below 10 eps
 * counts as 1, so a row of zeros stays one.
 */
import { closedObject, closedSet } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { defineOperator, numberColumns } from "../operator.js";
import { pairwiseSum } from "../pairwise-sum.js";

const params = closedObject({ norm: closedSet(["l1", "l2", "max"]) });

const norms = { l1: sumOfSizes, l2: rootOfSquares, max: largestSize } as const;

export const normalizer = defineOperator(params, (columns, { norm }, { path, refusals }) => {
  const inputs = numberColumns(columns, `${path}.inputs`);
  const outputs = inputs.map(({ feature }) => new NumberColumn(feature));
  const features = inputs.map(({ feature }) => feature);
  const from = inputs.map(({ values }) => values);
  const to = outputs.map(({ values }) => values);
  const normOf = norms[norm];
  const values = new Float64Array(inputs.length);
  const scratch = new Float64Array(inputs.length);
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) {
      for (let column = 0; column < from.length; column++) {
        const x = from[column]![row]!;
        values[column] = x;
        if (!Number.isFinite(x)) refusals.add(row, features[column]!, "a finite number", x);
      }
      const found = normOf(values, scratch);
      const divisor = found < tiny ? 1 : found;
      for (let column = 0; column < to.length; column++) to[column]![row] = values[column]! / divisor;
    }
  };
  return { columns: outputs, step };
});

const tiny = 10 * Number.EPSILON;

function sumOfSizes(values: Float64Array, sizes: Float64Array): number {
  for (let index = 0; index < values.length; index++) sizes[index] = Math.abs(values[index]!);
  return pairwiseSum(sizes, 0, sizes.length);
}

function rootOfSquares(values: Float64Array): number {
  const count = values.length;
  let even = 0;
  let odd = 0;
  let at = 0;
  for (; at + 8 <= count; at += 8) {
    for (let pair = at + 6; pair >= at; pair -= 2) {
      even += values[pair]! * values[pair]!;
      odd += values[pair + 1]! * values[pair + 1]!;
    }
  }
  for (; at + 2 <= count; at += 2) {
    even += values[at]! * values[at]!;
    odd += values[at + 1]! * values[at + 1]!;
  }
  if (at < count) even += values[at]! * values[at]!;
  return Math.sqrt(even + odd);
}

function largestSize(values: Float64Array): number {
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const size = Math.abs(values[index]!);
    if (size > largest) largest = size;
  }
  return largest;
}
