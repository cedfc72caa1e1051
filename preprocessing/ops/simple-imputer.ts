/**
 * Puts the column's statistic where a value is missing, as SimpleImputer: mean, median, most frequent and constant
 * differ only in the fit. A column whose statistic is NaN is dropped unless keep_empty_features; indicator columns come
 * after the imputed ones.
 */
import * as z from "zod";
import { category, closedObject, columnIndex, flag, float64, listOf, parseClosed } from "../closed-schema.js";
import { type Column, NumberColumn, type Scalar, TextColumn } from "../column.js";
import { planIndicator, refuseNumberAsMissingText } from "../indicate.js";
import { defineOperator, onePerColumn, type PlanContext, type Step } from "../operator.js";

const params = closedObject({
  // What a statistic may be depends on its column: a number, or (in a string column) what a category may be.
  statistics: listOf(category, "statistics"),
  keep_empty_features: flag.default(false),
  // Empty where add_indicator was set and the training data had no missing value.
  indicator_features: z.array(columnIndex, "a list of column indexes").default([]),
  missing_values: float64.default(Number.NaN),
});

export const simpleImputer = defineOperator(params, (columns, values, context) => {
  const { statistics, keep_empty_features: keepEmpty, indicator_features: indicated, missing_values: missing } = values;
  onePerColumn(statistics, columns, "statistics", context);
  refuseNumberAsMissingText(columns, missing, context);

  const outputs: Column[] = [];
  const steps: Step[] = [];
  for (const [index, column] of columns.entries()) {
    const path = `${context.path}.params.statistics[${index}]`;
    const imputed =
      column.kind === "text"
        ? imputeText(column, statistics[index]!)
        : imputeNumbers(column, parseClosed(float64, statistics[index], path), missing, context);
    // A column that is dropped is computed all the same, because its infinities are refused all the same.
    steps.push(imputed.step);
    if (keepEmpty || !imputed.empty) outputs.push(imputed.output);
  }
  for (const [position, index] of indicated.entries()) {
    const indicator = planIndicator(columns, index, missing, `${context.path}.params.indicator_features[${position}]`);
    steps.push(indicator.step);
    outputs.push(indicator.output);
  }
  const step = (rowCount: number): void => {
    for (let index = 0; index < steps.length; index++) steps[index]!(rowCount);
  };
  return { columns: outputs, step };
});

interface Imputed {
  output: Column;
  /** The fit saw no value in this column. */
  empty: boolean;
  step: Step;
}

function imputeNumbers(
  { feature, values }: NumberColumn,
  statistic: number,
  missing: number,
  { refusals }: PlanContext,
): Imputed {
  const output = new NumberColumn(feature);
  const to = output.values;
  const empty = Number.isNaN(statistic);
  // Two stores, not one of a choice: V8 would box the chosen number, since it can't know that `statistic` is one.
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) {
      const x = values[row]!;
      if (Number.isNaN(x)) to[row] = statistic;
      else to[row] = x;
      if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
    }
  };
  // With a number as the placeholder, NaN is no longer a missing value but a wrong one.
  const placeholderStep = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) {
      const x = values[row]!;
      if (x === missing) to[row] = statistic;
      else to[row] = x;
      if (!Number.isFinite(x)) refusals.add(row, feature, "a finite number", x);
    }
  };
  return { output, empty, step: Number.isNaN(missing) ? step : placeholderStep };
}

function imputeText({ feature, values }: TextColumn, statistic: Scalar | null): Imputed {
  const output = new TextColumn(feature);
  const to = output.values;
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) to[row] = values[row] ?? statistic;
  };
  return { output, empty: statistic === null, step };
}
