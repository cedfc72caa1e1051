/**
 * Named columns by their hashes, as FeatureHasher over a dict per row: a number counts for its column's name, a text as
 * 1 for "name=text". A 0 is left out.
 */
import * as z from "zod";
import { closedObject, listOf } from "../closed-schema.js";
import { defineOperator, onePerColumn } from "../operator.js";
import { SparseGroup } from "../sparse-group.js";
import { addHashed, hashParams } from "../text/hash-features.js";
import { PositionSums } from "../text/term-counts.js";

const params = closedObject({ ...hashParams, names: listOf(z.string("a name"), "names") });

export const featureHasher = defineOperator(
  params,
  (columns, { n_features: width, alternate_sign, names }, context) => {
    onePerColumn(names, columns, "names", context);
    const group = new SparseGroup(new Array(width).fill(columns.map(({ feature }) => feature).join(", ")));
    const { cells } = group;
    const sums = new PositionSums(width);
    const step = (rowCount: number): void => {
      cells.clear();
      for (let row = 0; row < rowCount; row++) {
        for (let index = 0; index < columns.length; index++) {
          const { feature, values } = columns[index]!;
          const value = values[row];
          if (typeof value === "string") {
            const hashable = addHashed(sums, width, alternate_sign, `${names[index]!}=${value}`, 1);
            if (!hashable) context.refusals.add(row, feature, "a text without half of a surrogate pair", value);
          } else if (value === null || value === undefined || !Number.isFinite(Number(value))) {
            context.refusals.add(row, feature, "a text or a finite number", value);
          } else if (Number(value) !== 0) addHashed(sums, width, alternate_sign, names[index]!, Number(value));
        }
        sums.moveTo(cells, row, false);
      }
      group.fill(rowCount);
    };
    return { columns: group.columns, step };
  },
);
