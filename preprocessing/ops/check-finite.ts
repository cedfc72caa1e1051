/**
 * The columns as they are; a row with an infinity in those that are looked at is refused, and one with NaN unless that
 * is allowed. For steps and models of scikit-learn that raise on such rows. Where they look at float32, every number
 * beyond its range is an infinity.
 */
import type * as z from "zod";
import { closedObject, closedSet, columnIndex, flag, listOf } from "../closed-schema.js";
import { HotColumn, type NumberColumn } from "../column.js";
import { GraphError } from "../graph-error.js";
import { defineOperator, numberColumns, type Step } from "../operator.js";
import type { Refusals } from "../refusals.js";
import { type SparseGroup, wholeSparseGroup } from "../sparse-group.js";

const schema = closedObject({
  allow_nan: flag.default(false),
  dtype: closedSet(["float32", "float64"]).default("float64"),
  columns: listOf(columnIndex, "column indexes").optional(),
});

/**
 * The largest float64 that rounds to a finite float32: one more, and it is a tie that rounds to even, which is
 * infinite.
 */
const float32Max = 2 ** 128 - 2 ** 103 - 2 ** 75;

export const checkFinite = defineOperator(schema, (columns, params, { path, refusals }) => {
  const inputs = numberColumns(columns, `${path}.inputs`);
  const check = new Check(params, refusals);
  const group = params.columns === undefined ? wholeSparseGroup(inputs) : undefined;
  if (group?.background === 0) return { columns, step: checkCells(group, check) };
  const looked =
    params.columns?.map((index, position) => columnAt(inputs, index, `${path}.params.columns[${position}]`)) ?? inputs;
  return { columns, step: checkColumns(looked, check) };
});

function columnAt(columns: readonly NumberColumn[], index: number, path: string): NumberColumn {
  const column = columns[index];
  if (column !== undefined) return column;
  throw new GraphError(path, `an index below ${columns.length}, the number of columns`, String(index));
}

class Check {
  readonly #allowNan: boolean;
  readonly #max: number;
  readonly #expected: string;
  readonly #refusals: Refusals;

  constructor({ allow_nan, dtype }: z.output<typeof schema>, refusals: Refusals) {
    this.#allowNan = allow_nan;
    this.#max = dtype === "float32" ? float32Max : Number.MAX_VALUE;
    this.#expected = `a finite ${dtype === "float32" ? "float32" : "number"}${allow_nan ? " or a missing value" : ""}`;
    this.#refusals = refusals;
  }

  look(row: number, feature: string, x: number): void {
    if (Math.abs(x) <= this.#max || (this.#allowNan && Number.isNaN(x))) return;
    this.#refusals.add(row, feature, this.#expected, x);
  }
}

function checkColumns(columns: readonly NumberColumn[], check: Check): Step {
  // Ones and zeros need not be written out to be looked at.
  const work = columns
    .filter((column) => !(column instanceof HotColumn))
    .map(({ feature, values }) => ({ feature, values }));
  return (rowCount) => {
    for (let index = 0; index < work.length; index++) {
      const { feature, values } = work[index]!;
      for (let row = 0; row < rowCount; row++) check.look(row, feature, values[row]!);
    }
  };
}

/** A vocabulary's thousands of columns need not be written out to be looked at. */
function checkCells({ cells, columns }: SparseGroup, check: Check): Step {
  return (rowCount) => {
    let cell = 0;
    for (let row = 0; row < rowCount; row++) {
      for (; cell < cells.ends[row]!; cell++)
        check.look(row, columns[cells.positions[cell]!]!.feature, cells.values[cell]!);
    }
  };
}
