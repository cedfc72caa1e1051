/**
 * A PredictRequest in protobuf's binary form, straight to columns: no object is made of a row.
 *
 * The top level is passed over first, since columns are as long as there are rows, and the context, which each row gets,
 * may stand behind them. Fields of unknown numbers are skipped, of a repeated scalar the last counts; one of another wire
 * type than the schema's is refused, because a value that silently isn't there would be answered as a missing one.
 */

import type { Buffer } from "node:buffer";
import { emptyLists } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";
import { takeWhole } from "../../path/sliced-work.js";
import type { ProtocolContract } from "../protocol.js";
import { type Defaults, type FieldPlan, RowColumns, type RowPlan, rowPlanOf } from "./columns.js";
import { checkExtras, checkRowCount, type TypedRequest, unknownList } from "./request.js";
import { WireReader, wireBytes, wireFixed64, wireVarint } from "./wire.js";

/** Bytes of one slice: 20 to 100 us. */
const sliceBytes = 8192;
const emptyTag = emptyLists.number * 8 + wireBytes;

/** Tags of PredictRequest. */
const tags = { context: 10, rows: 18, partial: 24, fields: 34, requestId: 42 } as const;

/** @throws {@link ServeError} malformed_body, schema_mismatch (no rows), too_many_rows, invalid_request. */
export function decodeBinary(body: Buffer, contract: ProtocolContract): TypedRequest {
  return takeWhole(decodeBinaryInSlices(body, contract));
}

/** As {@link decodeBinary}, in slices. */
export function* decodeBinaryInSlices(body: Buffer, contract: ProtocolContract): Generator<undefined, TypedRequest> {
  const plan = rowPlanOf(contract);
  const reader = new WireReader(body);
  const sent: Sent = { begins: [], ends: [], contexts: [], partial: false, fields: 0, requestId: "" };
  while (!scan(reader, sent, reader.pos + sliceBytes)) yield;
  const { begins, ends, partial, requestId } = sent;
  const rowCount = begins.length;
  checkExtras(requestId, new Array(sent.fields));
  checkRowCount(rowCount, contract);
  const columns = new RowColumns(plan, rowCount, readContext(reader, sent.contexts, plan));
  let sliceEnd = sliceBytes;
  let done = 0;
  for (let row = 0; row < rowCount; row++) {
    reader.pos = begins[row]!;
    reader.end = ends[row]!;
    for (;;) {
      const first = reader.pos;
      const isWhole = readRow(reader, plan, columns, row, first + sliceBytes);
      done += reader.pos - first;
      if (done >= sliceEnd) {
        sliceEnd = done + sliceBytes;
        yield;
      }
      if (isWhole) break;
    }
  }
  const rows = columns.take();
  return requestId === "" ? { rows, partial, isJson: false } : { rows, partial, isJson: false, requestId };
}

interface Sent {
  /** Where each row's bytes begin and end. */
  readonly begins: number[];
  readonly ends: number[];
  readonly contexts: (readonly [begin: number, end: number])[];
  partial: boolean;
  fields: number;
  requestId: string;
}

/** Passes over the top level up to about `until`. @returns Whether it came to the end. */
function scan(reader: WireReader, sent: Sent, until: number): boolean {
  while (reader.pos < reader.end) {
    if (reader.pos >= until) return false;
    const tag = reader.tag();
    switch (tag) {
      case tags.rows: {
        const end = reader.span();
        sent.begins.push(reader.pos);
        sent.ends.push(end);
        reader.pos = end;
        break;
      }
      case tags.context: {
        const end = reader.span();
        sent.contexts.push([reader.pos, end]);
        reader.pos = end;
        break;
      }
      case tags.partial:
        sent.partial = reader.bool();
        break;
      case tags.fields:
        reader.skip(tag);
        sent.fields++;
        break;
      case tags.requestId:
        sent.requestId = reader.string();
        break;
      default:
        if (tag >>> 3 <= 5) throw reader.fault("a field of PredictRequest", `field ${tag >>> 3} of another wire type`);
        reader.skip(tag);
    }
  }
  return true;
}

const noDefaults: Defaults = [];

/** Messages that stand several times are merged. */
function readContext(reader: WireReader, contexts: Sent["contexts"], plan: RowPlan): Defaults {
  if (contexts.length === 0) return noDefaults;
  const columns = new RowColumns(plan, 1);
  for (const [begin, end] of contexts) {
    reader.pos = begin;
    reader.end = end;
    readRow(reader, plan, columns, 0, end);
  }
  return columns.row(0);
}

/** Reads fields of a row, up to about `until`. @returns Whether it came to the row's end. */
function readRow(reader: WireReader, plan: RowPlan, columns: RowColumns, row: number, until: number): boolean {
  const { near, far } = plan;
  while (reader.pos < reader.end) {
    if (reader.pos >= until) return false;
    const tag = reader.tag();
    const number = tag >>> 3;
    const field = number < near.length ? near[number] : far.get(number);
    if (field === undefined) {
      if (tag === emptyTag) readEmptyList(reader, plan, columns, row);
      else reader.skip(tag);
    } else if (field.isList) readItems(reader, field, columns.list(field, row), tag & 7, row);
    else if (field.kind === "string") {
      if ((tag & 7) !== wireBytes) throw wrongType(field, row);
      (columns.of(field) as (string | null)[])[row] = reader.string();
    } else {
      const values = columns.of(field) as Float64Array;
      if ((tag & 7) !== (field.kind === "double" ? wireFixed64 : wireVarint)) throw wrongType(field, row);
      if (field.kind === "double") values[row] = reader.double();
      else values[row] = field.kind === "int64" ? reader.int64() : reader.bool() ? 1 : 0;
    }
  }
  return true;
}

/** Items come one by one, or many together. */
function readItems(reader: WireReader, field: FieldPlan, items: unknown[], wire: number, row: number): void {
  const { kind } = field;
  if (kind === "string") {
    if (wire !== wireBytes) throw wrongType(field, row);
    items.push(reader.string());
    return;
  }
  if (wire === (kind === "double" ? wireFixed64 : wireVarint)) {
    items.push(readNumber(reader, kind));
    return;
  }
  if (wire !== wireBytes) throw wrongType(field, row);
  const rest = reader.end;
  reader.end = reader.span();
  while (reader.pos < reader.end) items.push(readNumber(reader, kind));
  reader.end = rest;
}

function readNumber(reader: WireReader, kind: "double" | "int64" | "bool"): number | boolean {
  return kind === "double" ? reader.double() : kind === "int64" ? reader.int64() : reader.bool();
}

function readEmptyList(reader: WireReader, { byName }: RowPlan, columns: RowColumns, row: number): void {
  const name = reader.string();
  const field = byName.get(name);
  if (!field?.isList) throw unknownList(name);
  columns.empty(field, row);
}

function wrongType({ name, kind, isList }: FieldPlan, row: number): ServeError {
  const expected = isList ? `repeated ${kind}` : kind;
  return new ServeError("malformed_body", `row ${row}, field ${name}: expected ${expected}, got another wire type`);
}
