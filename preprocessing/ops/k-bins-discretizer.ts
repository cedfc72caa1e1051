/**
 * Which bin a number is in, as KBinsDiscretizer: how many of the inner edges are at or below it. What is outside of the
 * outer edges is in the first or the last bin. A missing value is refused, as scikit-learn raises on it.
 */
import { closedObject, closedSet, float64, listOf } from "../closed-schema.js";
import { HotGroup, NumberColumn, stripRows } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { defineOperator, numberColumns, onePerColumn } from "../operator.js";

const params = closedObject({
  // The outer edges are never compared; a column that was constant in training has -Infinity and Infinity.
  bin_edges: listOf(listOf(float64, "edges").min(2, "at least 2 edges"), "lists of edges"),
  encode: closedSet(["onehot-dense", "ordinal"]),
});

export const kBinsDiscretizer = defineOperator(params, (columns, { bin_edges, encode }, context) => {
  onePerColumn(bin_edges, columns, "bin_edges", context);
  const { refusals, path } = context;
  const work = numberColumns(columns, `${path}.inputs`).map(({ feature, values }, index) => {
    const edges = bin_edges[index]!;
    refuseUnordered(edges, `${path}.params.bin_edges[${index}]`);
    const inner = Float64Array.from(edges.slice(1, -1));
    return {
      feature,
      from: values,
      inner,
      group: new HotGroup(feature, edges.length - 1),
      bins: new NumberColumn(feature),
    };
  });
  if (encode === "ordinal") {
    const codes = new Int32Array(stripRows);
    const targets = work.map(({ bins }) => bins.values);
    const step = (rowCount: number): void => {
      for (let index = 0; index < work.length; index++) {
        const { feature, from, inner } = work[index]!;
        const to = targets[index]!;
        findBins(from, inner, codes, rowCount);
        for (let row = 0; row < rowCount; row++) {
          to[row] = codes[row]!;
          if (!Number.isFinite(from[row]!)) refusals.add(row, feature, "a finite number", from[row]);
        }
      }
    };
    return { columns: work.map(({ bins }) => bins), step };
  }
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, inner, group } = work[index]!;
      findBins(from, inner, group.codes, rowCount);
      for (let row = 0; row < rowCount; row++) {
        if (!Number.isFinite(from[row]!)) refusals.add(row, feature, "a finite number", from[row]);
      }
      group.fill(rowCount);
    }
  };
  return { columns: work.flatMap(({ group }) => group.columns), step };
});

/** By bisection, as NumPy's searchsorted from the right: the number of edges that are not above x. */
function findBins(from: Float64Array, edges: Float64Array, codes: Int32Array, rowCount: number): void {
  for (let row = 0; row < rowCount; row++) {
    const x = from[row]!;
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (edges[middle]! <= x) low = middle + 1;
      else high = middle;
    }
    codes[row] = low;
  }
}

function refuseUnordered(edges: readonly number[], path: string): void {
  for (let index = 1; index < edges.length; index++) {
    if (edges[index - 1]! <= edges[index]!) continue;
    throw new GraphError(`${path}[${index}]`, "an edge that is not below the one before", describe(edges[index]));
  }
}
