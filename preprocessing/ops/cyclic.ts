/**
 * The sine and the cosine of the place in a round of `period`: values that begin again, as hours and weekdays. NaN
 * gives NaN twice.
 */
import { closedObject, finite } from "../closed-schema.js";
import { NumberColumn } from "../column.js";
import { cos } from "../math/cos.js";
import { sin } from "../math/sin.js";
import { defineOperator, numberColumns } from "../operator.js";

const params = closedObject({ period: finite.refine((period) => period > 0, "a number above 0") });

const fullTurn = 2 * Math.PI;

export const cyclic = defineOperator(params, (columns, { period }, { path, refusals }) => {
  const work = numberColumns(columns, `${path}.inputs`).map(({ feature, values }) => ({
    feature,
    from: values,
    outputs: [new NumberColumn(feature), new NumberColumn(feature)] as const,
  }));
  const targets = work.map(({ outputs: [sine, cosine] }) => ({ sines: sine.values, cosines: cosine.values }));
  const step = (rowCount: number): void => {
    for (let index = 0; index < work.length; index++) {
      const { feature, from } = work[index]!;
      const { sines, cosines } = targets[index]!;
      for (let row = 0; row < rowCount; row++) {
        const x = from[row]!;
        const turns = x / period;
        const angle = (turns - Math.floor(turns)) * fullTurn;
        sines[row] = sin(angle);
        cosines[row] = cos(angle);
        if (Math.abs(x) === Infinity) refusals.add(row, feature, "a finite number", x);
      }
    }
  };
  return { columns: work.flatMap(({ outputs }) => outputs), step };
});
