/**
 * 1 where a column is missing, else 0, as MissingIndicator: a column for each of `features`. With error_on_new, a value
 * that is missing in another column is refused.
 */
import * as z from "zod";
import { closedObject, columnIndex, flag, float64 } from "../closed-schema.js";
import { planIndicator, refuseNumberAsMissingText } from "../indicate.js";
import { defineOperator, type Step } from "../operator.js";

const params = closedObject({
  // Empty where the training data had no missing value.
  features: z.array(columnIndex, "a list of column indexes"),
  error_on_new: flag.default(false),
  missing_values: float64.default(Number.NaN),
});

export const missingIndicator = defineOperator(params, (columns, values, context) => {
  const { features, error_on_new: errorOnNew, missing_values: missing } = values;
  refuseNumberAsMissingText(columns, missing, context);
  const indicators = features.map((index, position) =>
    planIndicator(columns, index, missing, `${context.path}.params.features[${position}]`),
  );
  const { refusals } = context;
  const nanIsMissing = Number.isNaN(missing);
  const checks = columns.map((column, index): Step => {
    const isNew = errorOnNew && !features.includes(index);
    const { feature } = column;
    if (column.kind === "text") {
      const { values } = column;
      return (rowCount) => {
        for (let row = 0; row < rowCount; row++)
          if (isNew && values[row] === null) refusals.add(row, feature, "a value that is there", null);
      };
    }
    const { values } = column;
    return (rowCount) => {
      for (let row = 0; row < rowCount; row++) {
        const x = values[row]!;
        if (nanIsMissing ? Math.abs(x) === Infinity : !Number.isFinite(x))
          refusals.add(row, feature, "a finite number", x);
        else if (isNew && (nanIsMissing ? Number.isNaN(x) : x === missing))
          refusals.add(row, feature, "a value that is there", x);
      }
    };
  });
  const steps = [...indicators.map(({ step }) => step), ...checks];
  const step = (rowCount: number): void => {
    for (let index = 0; index < steps.length; index++) steps[index]!(rowCount);
  };
  return { columns: indicators.map(({ output }) => output), step };
});
