/**
 * Tokens of a list by their hashes, as FeatureHasher over lists of strings: each counts 1, and tokens may share a
 * column.
 */
import { closedObject } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { defineListOperator } from "../operator.js";
import { SparseGroup } from "../sparse-group.js";
import { addHashed, hashParams } from "../text/hash-features.js";
import { PositionSums } from "../text/term-counts.js";

const params = closedObject(hashParams);

export const tokenHasher = defineListOperator(
  params,
  ["string"],
  (columns, { n_features: width, alternate_sign }, { path, refusals }) => {
    const [column, ...others] = columns;
    if (column === undefined || others.length > 0)
      throw new GraphError(`${path}.inputs`, "one column of lists", `${columns.length} columns`);
    const { feature, values: lists } = column;
    const group = new SparseGroup(new Array(width).fill(feature));
    const { cells } = group;
    const sums = new PositionSums(width);
    const step = (rowCount: number): void => {
      cells.clear();
      for (let row = 0; row < rowCount; row++) {
        const list = lists[row]!;
        if (list === null) refusals.add(row, feature, "a list of texts", null);
        else {
          for (let at = 0; at < list.length; at++) {
            const token = list[at];
            if (typeof token !== "string") refusals.add(row, feature, "texts in the list", token);
            else if (!addHashed(sums, width, alternate_sign, token, 1))
              refusals.add(row, feature, "texts without half of a surrogate pair", token);
          }
        }
        // Tokens that cancel each other out leave a 0 that is there, as in scikit-learn's sparse matrix.
        sums.moveTo(cells, row, false);
      }
      group.fill(rowCount);
    };
    return { columns: group.columns, step };
  },
);
