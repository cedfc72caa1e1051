/**
 * A PredictRequest in protobuf's JSON form: rows as objects by feature.
 *
 * A field may have its JSON name, which is the feature's, or its name in the proto. What protobuf takes for absent (null,
 * a list without items) is made what the schema has for it; a value of another type goes to the check of rows as it came.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */

import type { Buffer } from "node:buffer";
import { defaultJsonName, describeValue, emptyLists, quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import type { ChosenFields } from "../json/fields.js";
import { parseObjectInSlices } from "../json/parse-slices.js";
import { parseObject } from "../json/text.js";
import type { DecodeLimits, ProtocolContract } from "../protocol.js";
import { type FieldPlan, type RowPlan, rowPlanOf } from "./columns.js";
import { mayMiss } from "./messages.js";
import { checkRequestId, checkRowCount, chosenFields, type TypedRequest, unknownList } from "./request.js";

const expected = 'a PredictRequest as {"rows": [{...}, ...]}';
const sliceRows = 128;
const emptyNames = [emptyLists.name, defaultJsonName(emptyLists.name)];

/** @throws {@link ServeError} malformed_body, schema_mismatch (no rows), too_many_rows, invalid_request. */
export function decodeJson(body: Buffer, contract: ProtocolContract): TypedRequest {
  const sent = readMembers(parseObject(body, jsonLimits(contract), expected), contract);
  const { rows, take } = sent;
  return conclude(sent, rows.map(take));
}

/** As {@link decodeJson}, in slices. */
export function* decodeJsonInSlices(body: Buffer, contract: ProtocolContract): Generator<undefined, TypedRequest> {
  const sent = readMembers(yield* parseObjectInSlices(body, jsonLimits(contract), expected), contract);
  const { rows, take } = sent;
  const taken: unknown[] = [];
  for (const [first, end] of slicesOf(rows.length, sliceRows)) {
    for (let row = first; row < end; row++) taken.push(take(rows[row]));
    yield;
  }
  return conclude(sent, taken);
}

/** Each row has a list more than in `/predict`, and there may be a context. */
function jsonLimits({ bodyLimits, rowSchema }: ProtocolContract): DecodeLimits {
  const { rowsMax, containersMax, membersMax } = bodyLimits.decode;
  return { rowsMax, membersMax, containersMax: containersMax + rowsMax + rowSchema.features.length + 4 };
}

interface SentJson {
  readonly rows: readonly unknown[];
  readonly take: (row: unknown) => unknown;
  readonly partial: boolean;
  readonly requestId: string;
  readonly fields: ChosenFields | undefined;
}

function conclude({ partial, requestId, fields }: SentJson, rows: readonly unknown[]): TypedRequest {
  return { rows, partial, isJson: true, ...(requestId !== "" && { requestId }), ...(fields && { fields }) };
}

function readMembers(members: Record<string, unknown>, contract: ProtocolContract): SentJson {
  const { context, rows, partial, fields, requestId, request_id, ...others } = members;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    const known = "context, rows, partial, fields and requestId";
    throw malformed("the body", `only the members ${known}`, quote(unknown));
  }
  if (!isAbsent(rows) && !Array.isArray(rows)) throw malformed('"rows"', "a list of rows", describeValue(rows));
  if (!isAbsent(partial) && typeof partial !== "boolean")
    throw malformed('"partial"', "true or false", describeValue(partial));
  if (!isAbsent(fields) && !Array.isArray(fields)) throw malformed('"fields"', "a list", describeValue(fields));
  const id = requestId ?? request_id ?? "";
  if (typeof id !== "string") throw malformed('"requestId"', "a string", describeValue(id));
  checkRequestId(id);
  const list = (rows ?? []) as unknown[];
  checkRowCount(list.length, contract);
  const plan = rowPlanOf(contract);
  const shared = isAbsent(context) ? new Map() : readContext(context, plan);
  const take = (row: unknown) => (isObject(row) ? takeRow(row, plan, shared) : row);
  const chosen = chosenFields((fields ?? []) as unknown[], contract);
  return { rows: list, take, partial: partial === true, requestId: id, fields: chosen };
}

type Values = Map<FieldPlan, unknown>;

function readContext(context: unknown, plan: RowPlan): Values {
  if (!isObject(context)) throw malformed('"context"', "an object", describeValue(context));
  const values: Values = new Map();
  const unknown = readFields(context, plan, values)[0];
  if (unknown !== undefined) throw malformed('"context"', "only fields of a row", quote(unknown));
  return values;
}

/** A row by feature; what the schema doesn't know stays what it is, and is refused by its name. */
function takeRow(row: Record<string, unknown>, plan: RowPlan, shared: ReadonlyMap<FieldPlan, unknown>): unknown {
  const values: Values = new Map(shared);
  const taken: Record<string, unknown> = {};
  for (const name of readFields(row, plan, values))
    Object.defineProperty(taken, name, { value: row[name], enumerable: true });
  for (const field of plan.fields) {
    const { name, nullable, required } = field.feature;
    const value = values.get(field);
    if (value !== undefined) taken[name] = value;
    else if (field.isList && !mayMiss(field.feature)) taken[name] = [];
    else if (required && nullable) taken[name] = null;
  }
  return taken;
}

/** Fills `values` with what an object brings. @returns Names that aren't known. */
function readFields(from: Record<string, unknown>, plan: RowPlan, values: Values): string[] {
  const unknown: string[] = [];
  const seen = new Set<FieldPlan>();
  for (const name of Object.keys(from)) {
    const value = from[name];
    const field = plan.byName.get(name);
    if (field === undefined) {
      if (!emptyNames.includes(name)) unknown.push(name);
      continue;
    }
    if (seen.has(field)) throw malformed(quote(field.feature.name), "it once, by one of its names", quote(name));
    seen.add(field);
    if (isAbsent(value) || (field.isList && Array.isArray(value) && value.length === 0)) continue;
    const read = field.isList || field.kind === "string" ? readList(value, field) : readNumber(value, field);
    if (read !== undefined) values.set(field, read);
  }
  for (const name of namesOfEmpty(from, plan)) {
    const field = plan.byName.get(name);
    if (!field?.isList) throw unknownList(name);
    values.set(field, []);
  }
  return unknown;
}

function namesOfEmpty(from: Record<string, unknown>, { byName }: RowPlan): readonly string[] {
  const [sent] = emptyNames.filter((name) => !isAbsent(from[name]) && !byName.has(name));
  const names = sent === undefined ? [] : from[sent];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw malformed(quote(sent!), "a list of names", describeValue(names));
}

function readList(value: unknown, field: FieldPlan): unknown {
  return Array.isArray(value) && field.kind !== "string" ? value.map((item) => readNumber(item, field) ?? null) : value;
}

/** Numbers may come as texts, as 64-bit integers do; NaN is a missing value. */
function readNumber(value: unknown, { kind }: FieldPlan): unknown {
  if (typeof value !== "string" || kind === "bool") return value;
  if (kind === "double" && value === "NaN") return undefined;
  return /^-?\d{1,20}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?$/.test(value) ? Number(value) : value;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(where: string, wanted: string, got: string): ServeError {
  return new ServeError("malformed_body", `${where}: expected ${wanted}, got ${got}`);
}
