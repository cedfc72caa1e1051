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
import { WireReader, wireTypes } from "../protobuf/wire.js";
import type { ProtocolContract } from "../protocol.js";
import { type Defaults, type FieldPlan, RowColumns, type RowPlan, rowPlanOf } from "./columns.js";
import { checkRequestId, checkRowCount, chosenFields, type TypedRequest, unknownList } from "./request.js";

/** Bytes of one slice: 20 to 100 us. */
const sliceBytes = 8192;
const { varint, fixed64, bytes } = wireTypes;
const emptyTag = emptyLists.number * 8 + bytes;
/** Begins the message of an error. */
const what = "the body isn't a PredictRequest";

/** Tags of PredictRequest. */
const tags = { context: 10, rows: 18, partial: 24, fields: 34, requestId: 42 } as const;

/** @throws {@link ServeError} malformed_body, schema_mismatch (no rows), too_many_rows, invalid_request. */
export function decodeBinary(body: Buffer, contract: ProtocolContract): TypedRequest {
  const reader = new WireReader(body, what);
  const sent: Sent = { spans: [], contexts: undefined, partial: false, fields: [], requestId: "" };
  scan(reader, sent, Number.POSITIVE_INFINITY);
  const plan = rowPlanOf(contract);
  const columns = open(reader, sent, plan, contract);
  const { spans } = sent;
  for (let at = 0; at < spans.length; at += 2) {
    reader.pos = spans[at]!;
    reader.end = spans[at + 1]!;
    readRow(reader, plan, columns, at >> 1, Number.POSITIVE_INFINITY);
  }
  return conclude(sent, columns, contract);
}

/** As {@link decodeBinary}, in slices. */
export function* decodeBinaryInSlices(body: Buffer, contract: ProtocolContract): Generator<undefined, TypedRequest> {
  const reader = new WireReader(body, what);
  const sent: Sent = { spans: [], contexts: undefined, partial: false, fields: [], requestId: "" };
  while (!scan(reader, sent, reader.pos + sliceBytes)) yield;
  const plan = rowPlanOf(contract);
  const columns = open(reader, sent, plan, contract);
  const { spans } = sent;
  let sliceEnd = sliceBytes;
  let done = 0;
  for (let at = 0; at < spans.length; at += 2) {
    reader.pos = spans[at]!;
    reader.end = spans[at + 1]!;
    for (;;) {
      const first = reader.pos;
      const isWhole = readRow(reader, plan, columns, at >> 1, first + sliceBytes);
      // An empty row costs something too.
      done += reader.pos - first + 1;
      if (done >= sliceEnd) {
        sliceEnd = done + sliceBytes;
        yield;
      }
      if (isWhole) break;
    }
  }
  return conclude(sent, columns, contract);
}

interface Sent {
  /** Where each row's bytes begin and end, in turn. */
  readonly spans: number[];
  /** The same of each context. */
  contexts: number[] | undefined;
  partial: boolean;
  readonly fields: string[];
  requestId: string;
}

/** The columns that the rows go to, with what the context has for each. */
function open(reader: WireReader, sent: Sent, plan: RowPlan, contract: ProtocolContract): RowColumns {
  checkRequestId(sent.requestId);
  const rowCount = sent.spans.length / 2;
  checkRowCount(rowCount, contract);
  return new RowColumns(plan, rowCount, readContext(reader, sent.contexts, plan));
}

function conclude({ partial, requestId, fields: sent }: Sent, columns: RowColumns, contract: ProtocolContract) {
  const fields = chosenFields(sent, contract);
  const rows = columns.take();
  const request: TypedRequest =
    requestId === "" ? { rows, partial, isJson: false } : { rows, partial, isJson: false, requestId };
  return fields === undefined ? request : { ...request, fields };
}

/** Passes over the top level up to about `until`. @returns Whether it came to the end. */
function scan(reader: WireReader, sent: Sent, until: number): boolean {
  while (reader.pos < reader.end) {
    if (reader.pos >= until) return false;
    const tag = reader.tag();
    switch (tag) {
      case tags.rows: {
        const end = reader.span();
        sent.spans.push(reader.pos, end);
        reader.pos = end;
        break;
      }
      case tags.context: {
        const end = reader.span();
        sent.contexts ??= [];
        sent.contexts.push(reader.pos, end);
        reader.pos = end;
        break;
      }
      case tags.partial:
        sent.partial = reader.readBool();
        break;
      case tags.fields:
        sent.fields.push(reader.readText());
        break;
      case tags.requestId:
        sent.requestId = reader.readText();
        break;
      default:
        if (tag >>> 3 <= 5) throw reader.fault("a field of PredictRequest", `field ${tag >>> 3} of another wire type`);
        reader.skip();
    }
  }
  return true;
}

const noDefaults: Defaults = [];

/** Messages that stand several times are merged. */
function readContext(reader: WireReader, contexts: Sent["contexts"], plan: RowPlan): Defaults {
  if (contexts === undefined) return noDefaults;
  const columns = new RowColumns(plan, 1);
  for (let at = 0; at < contexts.length; at += 2) {
    reader.pos = contexts[at]!;
    reader.end = contexts[at + 1]!;
    readRow(reader, plan, columns, 0, Number.POSITIVE_INFINITY);
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
      else reader.skip();
    } else if (field.isList) readItems(reader, field, columns.list(field, row), tag & 7, row);
    else if (field.kind === "string") {
      if ((tag & 7) !== bytes) throw wrongType(field, row);
      (columns.of(field) as (string | null)[])[row] = reader.readText();
    } else {
      const values = columns.of(field) as Float64Array;
      if ((tag & 7) !== (field.kind === "double" ? fixed64 : varint)) throw wrongType(field, row);
      if (field.kind === "double") values[row] = reader.readDouble();
      else values[row] = field.kind === "int64" ? reader.readInteger() : reader.readBool() ? 1 : 0;
    }
  }
  return true;
}

/** Items come one by one, or many together. */
function readItems(reader: WireReader, field: FieldPlan, items: unknown[], wire: number, row: number): void {
  const { kind } = field;
  if (kind === "string") {
    if (wire !== bytes) throw wrongType(field, row);
    items.push(reader.readText());
    return;
  }
  if (wire === (kind === "double" ? fixed64 : varint)) {
    items.push(readNumber(reader, kind));
    return;
  }
  if (wire !== bytes) throw wrongType(field, row);
  const rest = reader.end;
  reader.end = reader.span();
  while (reader.pos < reader.end) items.push(readNumber(reader, kind));
  reader.end = rest;
}

function readNumber(reader: WireReader, kind: "double" | "int64" | "bool"): number | boolean {
  return kind === "double" ? reader.readDouble() : kind === "int64" ? reader.readInteger() : reader.readBool();
}

function readEmptyList(reader: WireReader, { byName }: RowPlan, columns: RowColumns, row: number): void {
  const name = reader.readText();
  const field = byName.get(name);
  if (!field?.isList) throw unknownList(name);
  columns.empty(field, row);
}

function wrongType({ name, kind, isList }: FieldPlan, row: number): ServeError {
  const expected = isList ? `repeated ${kind}` : kind;
  return new ServeError("malformed_body", `row ${row}, field ${name}: expected ${expected}, got another wire type`);
}
