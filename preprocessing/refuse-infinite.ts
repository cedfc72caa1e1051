/** For operators that put columns together: a check of each column by itself, once. */
import type { NumberColumn } from "./column.js";
import type { Step } from "./operator.js";
import type { Refusals } from "./refusals.js";

/** @returns A step that refuses rows with an infinity in one of the columns; a missing value passes. */
export function planInfinityCheck(columns: readonly NumberColumn[], refusals: Refusals): Step {
  const checked = [...new Set(columns)].map(({ feature, values }) => ({ feature, values }));
  return (rowCount) => {
    for (let index = 0; index < checked.length; index++) {
      const { feature, values } = checked[index]!;
      for (let row = 0; row < rowCount; row++) {
        if (Math.abs(values[row]!) === Infinity) refusals.add(row, feature, "a finite number", values[row]);
      }
    }
  };
}
