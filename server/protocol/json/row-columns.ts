/** Rows that a body holds as columns: an object with a list of values for each feature. */

import { type Feature, quote } from "../../../bundle/index.js";
import { Columns, type ColumnValues, type RowInput } from "../../../preprocessing/index.js";
import { ServeError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import type { ProtocolContract } from "../protocol.js";
import { checkRowCount } from "./row-count.js";
import { refuseName, rowOfValues } from "./row-lists.js";
import { kindOf, type Members } from "./text.js";

/** Values that are read in one slice: some tens of microseconds. */
const sliceValues = 1024;

/**
 * Reads columns, in slices. They stay columns if all of their values are of their features' types; otherwise rows are
 * made of them, so that what is wrong is found, and said, as of any row.
 *
 * @param at - Where the columns stand, for messages: `"inputs"`.
 * @throws {@link ServeError} malformed_body, schema_mismatch, too_many_rows.
 */
export function* readColumns(
  at: string,
  members: Members,
  { rowSchema: { features }, bodyLimits }: ProtocolContract,
): Generator<undefined, RowInput> {
  const known = new Map(features.map((feature) => [feature.name, feature]));
  const order: Feature[] = [];
  const lists: (readonly unknown[])[] = [];
  for (const [name, list] of Object.entries(members)) {
    order.push(known.get(name) ?? refuseName(at, name, features));
    if (!Array.isArray(list)) throw columnFault(at, name, `a list with a value for each row, got ${kindOf(list)}`);
    if (lists.length > 0 && list.length !== lists[0]!.length)
      throw columnFault(at, name, `${lists[0]!.length} values, as ${quote(order[0]!.name)} has, got ${list.length}`);
    lists.push(list);
  }
  const rowCount = lists[0]?.length ?? 0;
  checkRowCount(at, rowCount, bodyLimits.decode.rowsMax);
  const values = new Map<string, ColumnValues>();
  for (const [index, feature] of order.entries()) {
    const column = yield* readColumn(feature, lists[index]!);
    if (column === undefined) return yield* toRows(order, lists, rowCount);
    values.set(feature.name, column);
  }
  return new Columns(rowCount, values);
}

function columnFault(at: string, name: string, words: string): ServeError {
  return new ServeError("malformed_body", `${at}, ${quote(name)}: expected ${words}`);
}

/** @returns Undefined if a value isn't of the feature's type. */
function* readColumn(feature: Feature, list: readonly unknown[]): Generator<undefined, ColumnValues | undefined> {
  const { type } = feature;
  const isText = type === "string";
  const isList = type === "array";
  const isBoolean = type === "boolean";
  const others: unknown[] = [];
  const numbers = new Float64Array(isText || isList ? 0 : list.length);
  for (const [first, end] of slicesOf(list.length, sliceValues)) {
    for (let row = first; row < end; row++) {
      const value = valueIn(feature, list[row]);
      if (isText || isList) {
        if (value !== null && (isText ? typeof value !== "string" : !Array.isArray(value))) return undefined;
        others.push(value);
      } else if (value === null) numbers[row] = Number.NaN;
      else if (typeof value === (isBoolean ? "boolean" : "number")) numbers[row] = Number(value);
      else return undefined;
    }
    yield;
  }
  return isText || isList ? (others as (string | null)[]) : numbers;
}

/** Clients that know tensors only send a column of shape [rows, 1] as a list in a list. */
function valueIn({ type }: Feature, value: unknown): unknown {
  return type !== "array" && Array.isArray(value) && value.length === 1 ? value[0] : value;
}

function* toRows(
  order: readonly Feature[],
  lists: readonly (readonly unknown[])[],
  rowCount: number,
): Generator<undefined, RowInput> {
  const rows: unknown[] = [];
  for (const [first, end] of slicesOf(rowCount, Math.ceil(sliceValues / order.length))) {
    for (let row = first; row < end; row++)
      rows.push(
        rowOfValues(
          order,
          order.map((feature, index) => valueIn(feature, lists[index]![row])),
        ),
      );
    yield;
  }
  return rows;
}
