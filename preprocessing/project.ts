/**
 * Weighted sums of all columns: `0 + x0 * w0 + x1 * w1 + ...`, from the first column to the last.
 *
 * The order is part of the format, since rounded sums depend on it. scikit-learn leaves it to a library of linear
 * algebra, which has another one on every kind of processor. A sum that begins with 0 is never -0, so the zeros of a
 * vocabulary can be passed over.
 */
import { type Column, NumberColumn } from "./column.js";
import { GraphError } from "./graph-error.js";
import { numberColumns, type PlanContext, type Step } from "./operator.js";
import type { Refusals } from "./refusals.js";
import { type SparseGroup, wholeSparseGroup } from "./sparse-group.js";

/** The weights column by column, `sums` of each. */
interface Weights {
  values: Float64Array;
  sums: readonly Float64Array[];
}

/**
 * @param components - A list of weights per sum.
 * @throws {@link GraphError} for a list that hasn't one weight per column.
 */
export function planProjection(
  columns: readonly Column[],
  components: readonly (readonly number[])[],
  { path, refusals }: PlanContext,
): { outputs: readonly NumberColumn[]; step: Step } {
  const inputs = numberColumns(columns, `${path}.inputs`);
  for (const [index, weights] of components.entries()) {
    if (weights.length === inputs.length) continue;
    throw new GraphError(
      `${path}.params.components[${index}]`,
      `${inputs.length} values, one per column`,
      String(weights.length),
    );
  }
  const outputs = components.map(() => new NumberColumn(inputs[0]!.feature));
  const sums = outputs.map(({ values }) => values);
  const values = Float64Array.from(inputs.flatMap((_, column) => components.map((weights) => weights[column]!)));
  const group = wholeSparseGroup(inputs);
  const add =
    group?.background === 0
      ? projectCells(group, { values, sums }, refusals)
      : projectColumns(inputs, { values, sums }, refusals);
  const step = (rowCount: number): void => {
    for (let index = 0; index < sums.length; index++) sums[index]!.fill(0, 0, rowCount);
    add(rowCount);
  };
  return { outputs, step };
}

function projectColumns(
  columns: readonly NumberColumn[],
  { values: weights, sums }: Weights,
  refusals: Refusals,
): Step {
  const work = columns.map(({ feature, values }) => ({ feature, values }));
  return (rowCount) => {
    for (let column = 0; column < work.length; column++) {
      const { feature, values } = work[column]!;
      for (let row = 0; row < rowCount; row++) {
        if (!Number.isFinite(values[row]!)) refusals.add(row, feature, "a finite number", values[row]);
      }
      for (let index = 0; index < sums.length; index++) {
        const to = sums[index]!;
        const weight = weights[column * sums.length + index]!;
        for (let row = 0; row < rowCount; row++) to[row]! += values[row]! * weight;
      }
    }
  };
}

/** The cells of a row stand in order of their columns. */
function projectCells({ cells, columns }: SparseGroup, { values: weights, sums }: Weights, refusals: Refusals): Step {
  return (rowCount) => {
    const { ends, positions, values } = cells;
    let cell = 0;
    for (let row = 0; row < rowCount; row++) {
      for (; cell < ends[row]!; cell++) {
        const column = positions[cell]!;
        const x = values[cell]!;
        if (!Number.isFinite(x)) refusals.add(row, columns[column]!.feature, "a finite number", x);
        for (let index = 0; index < sums.length; index++)
          sums[index]![row]! += x * weights[column * sums.length + index]!;
      }
    }
  };
}

/** The same sum of one row of constants. */
export function project(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, value, index) => sum + value * weights[index]!, 0);
}
