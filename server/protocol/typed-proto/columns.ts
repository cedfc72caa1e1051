/**
 * Rows of a typed proto on their way to columns: where the value of a field goes, and what stands where none comes.
 *
 * A column is made when the first value for it comes, or at the end if the schema wants it, so that a body of many rows
 * of nothing fills no memory.
 */

import { defaultJsonName, type Feature, planProtoFields } from "../../../bundle/index.js";
import { Columns, type ColumnValues } from "../../../preprocessing/index.js";
import type { ProtocolContract } from "../protocol.js";
import { mayMiss, type ScalarKind, scalarOf } from "./messages.js";

/** A field of a row, as the decoder asks it. */
export interface FieldPlan {
  readonly number: number;
  readonly name: string;
  readonly feature: Feature;
  readonly kind: ScalarKind;
  readonly isList: boolean;
  /** Which column it fills. */
  readonly column: number;
}

export interface RowPlan {
  readonly fields: readonly FieldPlan[];
  /** By number, for small ones; `find` knows the others. */
  readonly near: readonly (FieldPlan | undefined)[];
  readonly far: ReadonlyMap<number, FieldPlan>;
  /** By every name that JSON may have for it. */
  readonly byName: ReadonlyMap<string, FieldPlan>;
}

const nearMax = 4096;
const plans = new WeakMap<ProtocolContract["rowSchema"], RowPlan>();

/** The fields of a version's rows; planned once. */
export function rowPlanOf({ rowSchema, protoNumbers }: ProtocolContract): RowPlan {
  let plan = plans.get(rowSchema);
  if (plan === undefined) {
    plan = planRow(rowSchema.features, protoNumbers);
    plans.set(rowSchema, plan);
  }
  return plan;
}

function planRow(features: readonly Feature[], numbers: ProtocolContract["protoNumbers"]): RowPlan {
  const fields = planProtoFields(features, numbers).flatMap(({ number, name, feature }): FieldPlan[] => {
    if (feature === undefined) return [];
    const isList = feature.type === "array";
    return [{ number, name, feature, kind: scalarOf(feature), isList, column: features.indexOf(feature) }];
  });
  const near: (FieldPlan | undefined)[] = new Array(Math.min(nearMax, 1 + Math.max(...fields.map((f) => f.number))));
  near.fill(undefined);
  const far = new Map<number, FieldPlan>();
  for (const field of fields) {
    if (field.number < near.length) near[field.number] = field;
    else far.set(field.number, field);
  }
  const byName = new Map(fields.map((field) => [defaultJsonName(field.name), field]));
  for (const field of fields) byName.set(field.name, field);
  for (const field of fields) byName.set(field.feature.name, field);
  return { fields, near, far, byName };
}

type List = unknown[];
/** A column while it fills. */
type Filling = Float64Array | (string | null)[] | (List | null)[];

/** What rows that bring no value of their own get: one for each field, undefined for none. */
export type Defaults = readonly unknown[];

export class RowColumns {
  readonly #fields: readonly FieldPlan[];
  readonly #defaults: Defaults;
  readonly #rowCount: number;
  readonly #columns: (Filling | undefined)[];

  /** @param defaults - By column. */
  constructor({ fields }: RowPlan, rowCount: number, defaults: Defaults = []) {
    this.#fields = fields;
    this.#rowCount = rowCount;
    this.#defaults = defaults;
    this.#columns = new Array(fields.length);
  }

  /** Numbers and truth values as float64, texts, lists; made if it isn't there. */
  of(field: FieldPlan): Filling {
    const column = this.#columns[field.column];
    return column === undefined ? this.#make(field) : column;
  }

  /** The row's own list; another's stays what it is. */
  list(field: FieldPlan, row: number): List {
    const lists = this.of(field) as (List | null)[];
    const list = lists[row];
    if (list !== null && list !== this.#defaultOf(field)) return list!;
    const own: List = [];
    lists[row] = own;
    return own;
  }

  /** The list of the row has no items. */
  empty(field: FieldPlan, row: number): void {
    (this.of(field) as (List | null)[])[row] = [];
  }

  take(): Columns {
    const values = new Map<string, ColumnValues>();
    for (let at = 0; at < this.#fields.length; at++) {
      const field = this.#fields[at]!;
      let filled = this.#columns[field.column];
      if (filled === undefined && this.#isNeeded(field)) filled = this.#make(field);
      if (filled !== undefined) values.set(field.feature.name, filled);
    }
    return new Columns(this.#rowCount, values);
  }

  /** What a row has, as defaults of others. */
  row(at: number): Defaults {
    return this.#columns.map((column) => {
      const value = column?.[at];
      return value === null || Number.isNaN(value) ? undefined : value;
    });
  }

  #isNeeded(field: FieldPlan): boolean {
    const { nullable, required } = field.feature;
    if (this.#defaults[field.column] !== undefined) return true;
    return required && (nullable || field.isList);
  }

  #make(field: FieldPlan): Filling {
    const { kind, isList, column } = field;
    const value = this.#defaultOf(field);
    const rowCount = this.#rowCount;
    let made: Filling;
    if (isList || kind === "string") made = new Array<string | null>(rowCount).fill(value as string | null);
    else {
      made = new Float64Array(rowCount);
      const number = value === null ? Number.NaN : (value as number);
      // Of one row, a call would cost more than the loop.
      for (let row = 0; row < rowCount; row++) made[row] = number;
    }
    this.#columns[column] = made;
    return made;
  }

  #defaultOf({ feature, isList, column }: FieldPlan): unknown {
    return this.#defaults[column] ?? (isList && !mayMiss(feature) ? noItems : null);
  }
}

/** Never filled: a row that has items gets a list of its own. */
const noItems: List = Object.freeze([]) as unknown as List;
