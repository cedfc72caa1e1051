/**
 * The logarithm of x, or of 1 + x, with the same bits on every machine. Where there is no finite one, the result is
 * missing.
 */
import { closedObject, closedSet } from "../closed-schema.js";
import { log } from "../math/log.js";
import { log1p } from "../math/log1p.js";
import { columnByColumn, defineOperator } from "../operator.js";

const params = closedObject({ function: closedSet(["log1p", "log"]) });

export const portableLog = defineOperator(params, (columns, { function: name }, context) => {
  const { outputs, work } = columnByColumn(columns, context, () => ({}));
  const { refusals } = context;
  const isLog1p = name === "log1p";
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from, to } = work[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const y = isLog1p ? log1p(x) : log(x);
        to[row] = Number.isFinite(y) ? y : Number.NaN;
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: outputs, step };
});
