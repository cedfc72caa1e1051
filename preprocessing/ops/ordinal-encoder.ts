/**
 * The index of the category, as OrdinalEncoder: infrequent categories share the index after the frequent ones, and a
 * missing value has a code of its own where it was a category.
 */
import * as z from "zod";
import { type Category, createCoder } from "../category-codes.js";
import { category, closedObject, closedSet, float64, listOf } from "../closed-schema.js";
import { NumberColumn, stripRows } from "../column.js";
import { describe, GraphError } from "../graph-error.js";
import { groupCategories } from "../infrequent.js";
import { defineOperator, onePerColumn } from "../operator.js";

const params = closedObject({
  categories: listOf(listOf(category, "categories"), "lists of categories"),
  handle_unknown: closedSet(["error", "use_encoded_value"]),
  unknown_value: float64.optional(),
  encoded_missing_value: listOf(z.nullable(float64), "numbers and nulls").optional(),
  infrequent_categories: listOf(z.nullable(listOf(category, "categories")), "lists of categories and nulls").optional(),
});

export const ordinalEncoder = defineOperator(params, (columns, values, context) => {
  const { categories, handle_unknown, unknown_value, encoded_missing_value, infrequent_categories } = values;
  onePerColumn(categories, columns, "categories", context);
  onePerColumn(encoded_missing_value, columns, "encoded_missing_value", context);
  onePerColumn(infrequent_categories, columns, "infrequent_categories", context);
  if ((handle_unknown === "use_encoded_value") !== (unknown_value !== undefined)) {
    const expected = unknown_value === undefined ? "a number" : "nothing";
    throw new GraphError(
      `${context.path}.params.unknown_value`,
      `${expected}, since handle_unknown is "${handle_unknown}"`,
      describe(unknown_value),
    );
  }
  const outputs = columns.map(({ feature }) => new NumberColumn(feature));
  const work = columns.map((column, index) => {
    const known = categories[index]!;
    const missingValue = encoded_missing_value === undefined ? Number.NaN : encoded_missing_value[index]!;
    const missingApart = missingValue !== null && known.includes(null);
    if (missingApart) refuseMissingNotLast(known, `${context.path}.params.categories[${index}]`);
    // A missing category with a code of its own takes no part in the grouping of infrequent ones.
    const groups = groupCategories(
      missingApart ? known.slice(0, -1) : known,
      infrequent_categories?.[index],
      index,
      context,
    );
    const encoded = missingApart ? [...groups.codes, missingValue] : groups.codes;
    const table = {
      categories: known,
      codes: encoded.map((_, position) => position),
      unknown: encoded.length,
      refuseUnknown: handle_unknown === "error",
    };
    return {
      code: createCoder(column, table, context.refusals),
      // By code; the last one is that of unknown values.
      encoded: Float64Array.from([...encoded, unknown_value ?? Number.NaN]),
      to: outputs[index]!.values,
    };
  });
  const codes = new Int32Array(stripRows);
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { code, encoded, to } = work[index]!;
      code(rowCount, codes);
      for (let row = 0; row < rowCount; row++) to[row] = encoded[codes[row]!]!;
    }
  };
  return { columns: outputs, step };
});

function refuseMissingNotLast(categories: readonly Category[], path: string): void {
  const index = categories.indexOf(null);
  if (index < categories.length - 1)
    throw new GraphError(`${path}[${index}]`, "null only as the last category", "null");
}
