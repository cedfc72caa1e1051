/** Rows that a body holds in a list, each as an object or as a list of values without names. */

import { type Feature, type Issue, listWords, quote } from "../../../bundle/index.js";
import type { RowInput } from "../../../preprocessing/index.js";
import { ServeError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import type { DecodeLimits, ProtocolContract } from "../protocol.js";
import { checkRowCount } from "./row-count.js";
import { kindOf } from "./text.js";

/** Rows that are read in one slice: 30 us. */
const sliceRows = 128;

/** What a body of rows, lists of values or columns may hold: of each row a list, and one for each of its values. */
export function tableLimits({ rowSchema, bodyLimits }: ProtocolContract): DecodeLimits {
  const { rowsMax, membersMax } = bodyLimits.decode;
  return { rowsMax, membersMax, containersMax: (rowSchema.features.length + 1) * (rowsMax + 4) + 100 };
}

/**
 * Reads rows, in slices. A row that is neither an object nor a list stays as it is, for the schema to refuse; so do
 * all objects. Where the model has one feature, a row may be its value.
 *
 * @param at - Where the list stands, for messages: `"instances"`.
 * @throws {@link ServeError} malformed_body, schema_mismatch, too_many_rows.
 */
export function* readRows(
  at: string,
  list: unknown,
  { rowSchema: { features }, bodyLimits }: ProtocolContract,
): Generator<undefined, RowInput> {
  if (!Array.isArray(list))
    throw new ServeError("malformed_body", `${at}: expected a list of rows, got ${kindOf(list)}`);
  checkRowCount(at, list.length, bodyLimits.decode.rowsMax);
  const only = features.length === 1 ? features[0]! : undefined;
  const read = (item: unknown, row: number) => {
    if (only !== undefined && isValueOf(only, item)) return rowOfValues(features, [item]);
    return Array.isArray(item) ? rowOfList(at, features, item, row) : item;
  };
  const rows: unknown[] = [];
  for (const [first, end] of slicesOf(list.length, sliceRows)) {
    for (let row = first; row < end; row++) rows.push(read(list[row], row));
    yield;
  }
  return rows;
}

function isValueOf({ type }: Feature, item: unknown): boolean {
  if (!Array.isArray(item)) return item === null || typeof item !== "object";
  return type === "array" && !(item.length === 1 && Array.isArray(item[0]));
}

/**
 * Reads lists of values in the order of these features, in slices.
 *
 * @throws {@link ServeError} schema_mismatch for a list of another length.
 */
export function* readLists(
  at: string,
  order: readonly Feature[],
  lists: readonly unknown[],
): Generator<undefined, RowInput> {
  const rows: unknown[] = [];
  for (const [first, end] of slicesOf(lists.length, sliceRows)) {
    for (let row = first; row < end; row++) {
      const list = lists[row];
      if (!Array.isArray(list))
        throw new ServeError("malformed_body", `${at}, row ${row}: expected a list of values, got ${kindOf(list)}`);
      rows.push(rowOfList(at, order, list, row));
    }
    yield;
  }
  return rows;
}

function rowOfList(at: string, order: readonly Feature[], values: readonly unknown[], row: number): object {
  if (values.length === order.length) return rowOfValues(order, values);
  const names = listWords(
    order.map(({ name }) => quote(name)),
    { last: "and" },
  );
  const expected = `${order.length} values, in the order ${names}`;
  const issue: Issue = { row, feature: "", expected, got: String(values.length) };
  throw new ServeError("schema_mismatch", `${at}, row ${row}: expected ${expected}, got ${values.length}`, {
    issues: [issue],
  });
}

/** A row of values without names: null is a missing value, also of a feature that may only be absent. */
export function rowOfValues(order: readonly Feature[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [at, { name, nullable, required }] of order.entries()) {
    const value = values[at];
    if (value === undefined || (value === null && !nullable && !required)) continue;
    row[name] = value;
  }
  return row;
}

/**
 * The features that a table's columns are, in their order.
 *
 * @throws {@link ServeError} malformed_body, schema_mismatch for a name that no feature has.
 */
export function readOrder(at: string, names: unknown, features: readonly Feature[]): readonly Feature[] {
  if (!Array.isArray(names))
    throw new ServeError("malformed_body", `${at}: expected a list of names, got ${kindOf(names)}`);
  const known = new Map(features.map((feature) => [feature.name, feature]));
  const order = names.map((name) => {
    if (typeof name !== "string")
      throw new ServeError("malformed_body", `${at}: expected a list of names, got ${kindOf(name)} in it`);
    return known.get(name) ?? refuseName(at, name, features);
  });
  const twice = order.find((feature, index) => order.indexOf(feature) < index);
  if (twice !== undefined)
    throw new ServeError("malformed_body", `${at}: expected each name once, got ${quote(twice.name)} again`);
  return order;
}

export function refuseName(at: string, name: string, features: readonly Feature[]): never {
  const names = listWords(
    features.map((feature) => quote(feature.name)),
    { last: "and" },
  );
  const expected = `the names of features, ${names}`;
  const issue: Issue = { row: 0, feature: name.slice(0, 256), expected, got: "an unknown name" };
  throw new ServeError("schema_mismatch", `${at}: expected ${expected}, got ${quote(name)}`, { issues: [issue] });
}
