/** 0/1 columns that say where a column is missing, for the imputer and the indicator. */
import { type Column, NumberColumn } from "./column.js";
import { describe, GraphError } from "./graph-error.js";
import type { PlanContext, Step } from "./operator.js";

/**
 * Plans the indicator of one column.
 *
 * @param missing - The number that stands for a missing value; NaN for a missing value itself.
 * @param path - Where the document names the column, for messages.
 * @throws {@link GraphError} for a column that isn't there.
 */
export function planIndicator(
  columns: readonly Column[],
  index: number,
  missing: number,
  path: string,
): { output: NumberColumn; step: Step } {
  const column = columns[index];
  if (column === undefined)
    throw new GraphError(path, `an index below ${columns.length}, the number of columns`, describe(index));
  const output = new NumberColumn(column.feature);
  const to = output.values;
  if (column.kind === "text") {
    const { values } = column;
    const step = (rowCount: number): void => {
      for (let row = 0; row < rowCount; row++) to[row] = values[row] === null ? 1 : 0;
    };
    return { output, step };
  }
  const { values } = column;
  const nanIsMissing = Number.isNaN(missing);
  const step = (rowCount: number): void => {
    for (let row = 0; row < rowCount; row++) {
      const x = values[row]!;
      to[row] = (nanIsMissing ? Number.isNaN(x) : x === missing) ? 1 : 0;
    }
  };
  return { output, step };
}

/** A number as the mark of a missing value has no meaning among strings. */
export function refuseNumberAsMissingText(columns: readonly Column[], missing: number, { path }: PlanContext): void {
  if (Number.isNaN(missing) || columns.every(({ kind }) => kind === "number")) return;
  throw new GraphError(`${path}.params.missing_values`, '"NaN", since there are string columns', describe(missing));
}
