/** `(x - offset) / scale` of every column, two operations, each rounded, as scikit-learn's scalers compute it. */
import type { Column } from "./column.js";
import { columnByColumn, onePerColumn, type PlanContext, type PlannedNode } from "./operator.js";

/** One number per column; null where the half is switched off. */
export type Constants = readonly number[] | null;

/**
 * Plans the two operations.
 *
 * @param offset - Under the parameter's name, for messages; as `scale`.
 * @throws {@link GraphError} for a list that isn't one per column, and for string columns.
 */
export function planSubtractDivide(
  columns: readonly Column[],
  offset: { key: string; values: Constants },
  scale: { key: string; values: Constants },
  context: PlanContext,
): PlannedNode {
  onePerColumn(offset.values, columns, offset.key, context);
  onePerColumn(scale.values, columns, scale.key, context);
  // x - 0 and x / 1 are x, bit for bit (-0 included), so the switched-off half needs no code of its own.
  const constantsOf = (index: number) => ({ offset: offset.values?.[index] ?? 0, scale: scale.values?.[index] ?? 1 });
  const { outputs, work } = columnByColumn(columns, context, constantsOf);
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, offset, scale } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        to[row] = (x - offset) / scale;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
}
