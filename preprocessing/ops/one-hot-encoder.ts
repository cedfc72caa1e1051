/**
 * One 0/1 column per category, as OneHotEncoder: infrequent categories share the last column, a dropped one has none,
 * and an unknown value gets zeros, the infrequent column, or is refused.
 */
import * as z from "zod";
import { createCoder } from "../category-codes.js";
import { category, closedObject, closedSet, columnIndex, listOf } from "../closed-schema.js";
import { HotGroup } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { groupCategories } from "../infrequent.js";
import { defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({
  categories: listOf(listOf(category, "categories"), "lists of categories"),
  handle_unknown: closedSet(["error", "ignore", "infrequent_if_exist"]),
  drop_idx: listOf(z.nullable(columnIndex), "category indexes and nulls").optional(),
  infrequent_categories: listOf(z.nullable(listOf(category, "categories")), "lists of categories and nulls").optional(),
});

const zeros = -1;

export const oneHotEncoder = defineOperator(params, (columns, values, context) => {
  const { categories, handle_unknown, drop_idx, infrequent_categories } = values;
  onePerColumn(categories, columns, "categories", context);
  onePerColumn(drop_idx, columns, "drop_idx", context);
  onePerColumn(infrequent_categories, columns, "infrequent_categories", context);
  const work = columns.map((column, index) => {
    const known = categories[index]!;
    const groups = groupCategories(known, infrequent_categories?.[index], index, context);
    const dropped = droppedCode(drop_idx?.[index], groups.codes, `${context.path}.params.drop_idx[${index}]`);
    const positionOf = (code: number): number =>
      code === dropped ? zeros : code - (dropped !== undefined && code > dropped ? 1 : 0);
    const unknownCode =
      handle_unknown === "infrequent_if_exist" && groups.infrequent !== undefined
        ? positionOf(groups.infrequent)
        : zeros;
    const table = {
      categories: known,
      codes: groups.codes.map(positionOf),
      unknown: unknownCode,
      refuseUnknown: handle_unknown === "error",
    };
    const width = dropped === undefined ? groups.count : groups.count - 1;
    return { code: createCoder(column, table, context.refusals), group: new HotGroup(column.feature, width) };
  });
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { code, group } = work[index]!;
      code(rowCount, group.codes);
      group.fill(rowCount);
    }
  };
  return { columns: work.flatMap(({ group }) => group.columns), step };
});

/**
 * `drop_idx` counts categories; what is dropped is the column they end in, so an infrequent one drops the whole
 * infrequent column.
 */
function droppedCode(
  categoryIndex: number | null | undefined,
  codes: readonly number[],
  path: string,
): number | undefined {
  if (categoryIndex === null || categoryIndex === undefined) return undefined;
  const code = codes[categoryIndex];
  if (code === undefined)
    throw new GraphError(
      path,
      `an index below ${codes.length}, the number of categories, or null`,
      describe(categoryIndex),
    );
  return code;
}
