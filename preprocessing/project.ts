/**
 * Weighted sums of all columns: `x0 * w0 + x1 * w1 + ...`, from the first column to the last, beginning with the first product.
 *
 * The order is part of the format, since rounded sums depend on it. scikit-learn leaves it to a library of linear algebra, which has
 * another one on every kind of processor.
 */

import type { Column } from "./column.js";
import { NumberColumn } from "./column.js";
import { GraphError } from "./graph-error.js";
import { numberColumns, type PlanContext, type Step } from "./operator.js";
import type { Refusals } from "./refusals.js";
import { type SparseGroup, wholeSparseGroup } from "./sparse-group.js";

export interface Projection {
  outputs: readonly NumberColumn[];
  step: Step;
}

/**
 * @param components - A list of weights per sum.
 * @throws {@link GraphError} for a list that hasn't one weight per column.
 */
export function planProjection(
  columns: readonly Column[],
  components: readonly (readonly number[])[],
  { path, refusals }: PlanContext,
): Projection {
  const inputs = numberColumns(columns, `${path}.inputs`);
  for (const [index, weights] of components.entries()) {
    if (weights.length === inputs.length) continue;
    throw new GraphError(`${path}.params.components[${index}]`, `${inputs.length} values, one per column`, String(weights.length));
  }
  const outputs = components.map(() => new NumberColumn(inputs[0]!.feature));
  const group = wholeSparseGroup(inputs);
  if (group?.background === 0) return { outputs, step: projectCells(group, components, outputs, refusals) };
  const work = inputs.map(({ feature, values }) => ({ feature, values }));
  const sums = outputs.map(({ values }, index) => ({ to: values, weights: Float64Array.from(components[index]!) }));
  const step = (rowCount: number): void => {
    for (let column = 0; column < work.length; column++) {
      const { feature, values } = work[column]!;
      for (let row = 0; row < rowCount; row++) {
        if (!Number.isFinite(values[row]!)) refusals.add(row, feature, "a finite number", values[row]);
      }
      for (let index = 0; index < sums.length; index++) {
        const { to, weights } = sums[index]!;
        const weight = weights[column]!;
        if (column === 0) for (let row = 0; row < rowCount; row++) to[row] = values[row]! * weight;
        else for (let row = 0; row < rowCount; row++) to[row]! += values[row]! * weight;
      }
    }
  };
  return { outputs, step };
}

/** The same sums without the products that are 0: they decide nothing but the sign of a sum that is 0 itself. */
function projectCells(
  { cells, columns }: SparseGroup,
  components: readonly (readonly number[])[],
  outputs: readonly NumberColumn[],
  refusals: Refusals,
): Step {
  const sums = outputs.map(({ values }, index) => {
    const weights = Float64Array.from(components[index]!);
    return { to: values, weights, negativeCount: weights.filter(isNegative).length };
  });
  return (rowCount) => {
    const { positions, values, ends } = cells;
    for (let row = 0; row < rowCount; row++) {
      const start = cells.start(row);
      const end = ends[row]!;
      for (let cell = start; cell < end; cell++) {
        const x = values[cell]!;
        if (!Number.isFinite(x)) refusals.add(row, columns[positions[cell]!]!.feature, "a finite number", x);
      }
      const absentCount = columns.length - (end - start);
      for (let index = 0; index < sums.length; index++) {
        const { to, weights, negativeCount } = sums[index]!;
        let sum = 0;
        let absentNegativeCount = negativeCount;
        for (let cell = start; cell < end; cell++) if (isNegative(weights[positions[cell]!]!)) absentNegativeCount -= 1;
        // 0 times a negative weight is -0, and a sum of -0 alone is -0.
        if (absentNegativeCount === absentCount) sum = -0;
        for (let cell = start; cell < end; cell++) sum += values[cell]! * weights[positions[cell]!]!;
        to[row] = sum;
      }
    }
  };
}

function isNegative(x: number): boolean {
  return x < 0 || Object.is(x, -0);
}

/** The same sum of one row of constants. */
export function project(values: readonly number[], weights: readonly number[]): number {
  return values.slice(1).reduce((sum, value, index) => sum + value * weights[index + 1]!, values[0]! * weights[0]!);
}
