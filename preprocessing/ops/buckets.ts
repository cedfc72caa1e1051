/**
 * The number of the bucket between given edges that a value is in: how many edges are below it, or at it. NaN stays
 * NaN.
 */
import { closedObject, finite, flag, listOf } from "../closed-schema.js";
import { describe, GraphError } from "../graph-error.js";
import { columnByColumn, defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({
  edges: listOf(listOf(finite, "edges"), "lists of edges"),
  /** Whether an edge belongs to the bucket below it. */
  right: flag,
});

export const buckets = defineOperator(params, (columns, { edges, right }, context) => {
  onePerColumn(edges, columns, "edges", context);
  for (const [index, list] of edges.entries()) refuseUnordered(list, `${context.path}.params.edges[${index}]`);
  const { outputs, work } = columnByColumn(columns, context, (index) => ({ edges: Float64Array.from(edges[index]!) }));
  const { refusals } = context;
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to, edges } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        to[row] = Number.isNaN(x) ? Number.NaN : edgesBelow(x, edges, right);
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});

/** By bisection: how many edges are below x, or at it where an edge belongs to the bucket above. */
function edgesBelow(x: number, edges: Float64Array, right: boolean): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const edge = edges[middle]!;
    if (edge < x || (edge === x && !right)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function refuseUnordered(edges: readonly number[], path: string): void {
  for (let index = 1; index < edges.length; index++) {
    if (edges[index - 1]! < edges[index]!) continue;
    throw new GraphError(`${path}[${index}]`, "an edge above the one before", describe(edges[index]));
  }
}
