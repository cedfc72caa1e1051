/** Picks columns by index, in the order given; an index may come twice. Done in the plan: nothing is left to run. */
import { closedObject, columnIndex, listOf } from "../closed-schema.js";
import { GraphError } from "../graph-error.js";
import { defineOperator } from "../operator.js";

const params = closedObject({ columns: listOf(columnIndex, "column indexes") });

export const selectColumns = defineOperator(params, (columns, { columns: indexes }, { path }) => ({
  columns: indexes.map((index, position) => {
    const column = columns[index];
    if (column !== undefined) return column;
    throw new GraphError(
      `${path}.params.columns[${position}]`,
      `an index below ${columns.length}, the number of columns`,
      String(index),
    );
  }),
}));
