/** For operators that put the first column together with each of the others. */
import { type Column, NumberColumn } from "./column.js";
import { GraphError } from "./graph-error.js";
import { numberColumns, type PlanContext, type Step } from "./operator.js";
import { planInfinityCheck } from "./refuse-infinite.js";

export interface Pair {
  x: Float64Array;
  y: Float64Array;
  to: Float64Array;
}

/**
 * @returns The columns, one for each input but the first; what to compute them from; and a step that refuses
 *   infinities.
 * @throws {@link GraphError} for fewer than two columns.
 */
export function planPairs(
  columns: readonly Column[],
  { path, refusals }: PlanContext,
): { outputs: readonly NumberColumn[]; pairs: readonly Pair[]; check: Step } {
  const [first, ...others] = numberColumns(columns, `${path}.inputs`);
  if (others.length === 0) throw new GraphError(`${path}.inputs`, "two or more columns", String(columns.length));
  const outputs = others.map(({ feature }) => new NumberColumn(feature));
  const pairs = others.map(({ values }, index) => ({ x: first!.values, y: values, to: outputs[index]!.values }));
  return { outputs, pairs, check: planInfinityCheck([first!, ...others], refusals) };
}
