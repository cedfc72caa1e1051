/**
 * The index of the category, as OrdinalEncoder: infrequent categories share the index after the frequent ones, and a missing value
 * has a code of its own where it was a category.
 */
import * as z from "zod";
import { createCoder } from "../category-codes.js";
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
    const missingIndex = missingValue === null ? -1 : known.indexOf(null);
    const ordinary = known.filter((_, position) => position !== missingIndex);
    const groups = groupCategories(ordinary, infrequent_categories?.[index], index, context);
    // The missing category stands last, and takes no part in the counting of infrequent ones.
    const encoded = [...groups.codes, ...(missingIndex < 0 ? [] : [missingValue ?? Number.NaN])];
    const table = {
      categories: missingIndex < 0 ? ordinary : [...ordinary, null],
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
