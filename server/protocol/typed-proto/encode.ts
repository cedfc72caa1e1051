/**
 * A PredictReply, in protobuf's binary form and in its JSON form. Large ones are written in pieces of some rows each,
 * with the same bytes.
 */

import { Buffer } from "node:buffer";
import type { Answer, Prediction, Scalar } from "../../../preprocessing/index.js";
import type { RowError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import { varintBytes, WireWriter, writeVarint } from "../protobuf/wire.js";
import type { AnsweredCall, Encoded, EncodedPieces, ProtocolContract } from "../protocol.js";
import { type ValueType, valueTypeOf } from "./messages.js";
import type { TypedRequest } from "./request.js";

export const protoType = "application/proto";
export const jsonType = "application/json";
const noHeaders: readonly string[] = Object.freeze([]);

/** What is the same in every reply of a version. */
export interface TypedFrame {
  readonly valueType: ValueType;
  readonly width: number;
  /** `value` of each label that is a text. */
  readonly labelFields: ReadonlyMap<Scalar, Buffer>;
  /** The entries of a row's probabilities, with 0 for each, and where the numbers stand. */
  readonly entries: Buffer;
  readonly numberPlaces: readonly number[];
  /** Model and version. */
  readonly tail: Buffer;
  readonly labelKeys: readonly string[];
  readonly jsonTail: string;
}

type TypedCall = AnsweredCall<TypedRequest>;

export function createFrame({ name, number, postprocessor }: ProtocolContract): TypedFrame {
  const { names, labels = [], hasProbabilities } = postprocessor;
  const valueType = valueTypeOf(postprocessor);
  const entries = hasProbabilities ? labels.map(entryOf) : [];
  const numberPlaces: number[] = [];
  let end = 0;
  for (const entry of entries) {
    end += entry.length;
    numberPlaces.push(end - 8);
  }
  const texts = valueType === "string" ? labels : [];
  return {
    valueType,
    width: names?.length ?? 1,
    labelFields: new Map(texts.map((label) => [label, labelBytes(label)])),
    entries: Buffer.concat(entries),
    numberPlaces,
    tail: new WireWriter().text(2, name).text(3, String(number)).finish(),
    labelKeys: hasProbabilities ? labels.map((label) => `${JSON.stringify(String(label))}:`) : [],
    jsonTail: `,"model":${JSON.stringify(name)},"version":"${number}","requestId":"`,
  };
}

/** The value of a map's entry: its tag, and room for the number. */
const doubleOfEntry = Buffer.from([0x11, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A map's entry: field 2 of a prediction, its key in front of 8 bytes of zeros. */
function entryOf(label: Scalar): Buffer {
  const entry = new WireWriter().item(1, String(label)).raw(doubleOfEntry);
  return new WireWriter().message(2, entry).finish();
}

function labelBytes(label: Prediction): Buffer {
  return new WireWriter().item(1, String(label)).finish();
}

export function encodeReply(frame: TypedFrame, call: TypedCall, answer: Answer): Encoded {
  const { isJson, rows } = call.request;
  if (!isJson && rows.length === 1 && call.rowErrors === undefined && call.fallback === undefined)
    return { body: encodeOne(frame, call, answer), contentType: protoType, headers: noHeaders };
  const { pieces, contentType, headers } = encodeReplyInPieces(frame, call, answer, rows.length);
  const written = pieces.map((write) => write());
  return { body: isJson ? written.join("") : Buffer.concat(written as Buffer[]), contentType, headers };
}

export function encodeReplyInPieces(
  frame: TypedFrame,
  call: TypedCall,
  answer: Answer,
  sliceRows: number,
): EncodedPieces {
  const { isJson, rows } = call.request;
  const places = placesOf(call, answer);
  const slices = [...slicesOf(rows.length, sliceRows)];
  if (!isJson) {
    const pieces = slices.map(
      ([first, end]) =>
        () =>
          writeRows(frame, answer, places, first, end),
    );
    return { pieces: [...pieces, () => endOf(frame, call)], contentType: protoType, headers: noHeaders };
  }
  const lists = slices.map(
    ([first, end]) =>
      () =>
        `${first === 0 ? "" : ","}${jsonRows(frame, answer, places, first, end)}`,
  );
  const pieces = [() => '{"predictions":[', ...lists, () => `]${jsonEnd(frame, call)}`];
  return { pieces, contentType: jsonType, headers: noHeaders };
}

/** The commonest reply, in a buffer of its own. */
function encodeOne(frame: TypedFrame, { requestId }: TypedCall, answer: Answer): Buffer {
  const { tail } = frame;
  const size = predictionBytes(frame, answer, 0);
  const rowBytes = 1 + varintBytes(size) + size;
  const body = Buffer.allocUnsafe(rowBytes + tail.length + 2 + requestId.length);
  writeRow(frame, answer, 0, size, body, 0);
  // For so few bytes a loop costs less than a call of the library.
  let at = rowBytes;
  for (let i = 0; i < tail.length; i++) body[at++] = tail[i]!;
  // An id has at most 128 characters, of ASCII.
  if (requestId.length > 127)
    return Buffer.concat([body.subarray(0, at), new WireWriter().text(4, requestId).finish()]);
  body[at++] = 0x22;
  body[at++] = requestId.length;
  for (let i = 0; i < requestId.length; i++) body[at++] = requestId.charCodeAt(i);
  return body;
}

/** For each row its place among those that ran, -1 where it isn't answered; undefined where each is in its own. */
type Places = Int32Array | undefined;

function placesOf({ request: { rows }, rowIndexes, unanswered }: TypedCall, { predictions }: Answer): Places {
  if (rowIndexes === undefined && unanswered === undefined) return undefined;
  const places = new Int32Array(rows.length).fill(-1);
  for (let i = 0; i < predictions.length; i++) if (!unanswered?.has(i)) places[rowIndexes ? rowIndexes[i]! : i] = i;
  return places;
}

function writeRows(frame: TypedFrame, answer: Answer, places: Places, first: number, end: number): Buffer {
  const sizes = new Int32Array(end - first);
  let total = 0;
  for (let row = first; row < end; row++) {
    const place = places ? places[row]! : row;
    const size = place < 0 ? 0 : predictionBytes(frame, answer, place);
    sizes[row - first] = size;
    total += 1 + varintBytes(size) + size;
  }
  const to = Buffer.allocUnsafe(total);
  let at = 0;
  for (let row = first; row < end; row++) {
    at = writeRow(frame, answer, places ? places[row]! : row, sizes[row - first]!, to, at);
  }
  return to;
}

function predictionBytes(
  { valueType, width, labelFields, entries }: TypedFrame,
  answer: Answer,
  place: number,
): number {
  if (valueType === "double") return 9 + entries.length;
  if (valueType === "bool") return 2 + entries.length;
  if (valueType === "doubles") return 1 + varintBytes(8 * width) + 8 * width;
  return labelField(labelFields, answer.predictions[place]!).length + entries.length;
}

/** A fallback's label may be none of the model's. */
function labelField(fields: TypedFrame["labelFields"], label: Prediction): Buffer {
  return fields.get(label as Scalar) ?? labelBytes(label);
}

/** @param size - Of the prediction; 0 for a row that isn't answered. */
function writeRow(frame: TypedFrame, answer: Answer, place: number, size: number, to: Buffer, begin: number): number {
  let at = begin;
  to[at++] = 0x0a;
  at = writeVarint(to, at, size);
  if (size === 0) return at;
  const { valueType, entries, numberPlaces } = frame;
  const value = answer.predictions[place]!;
  if (valueType === "double") {
    to[at++] = 0x09;
    at = to.writeDoubleLE(value as number, at);
  } else if (valueType === "bool") {
    to[at++] = 0x08;
    to[at++] = value ? 1 : 0;
  } else if (valueType === "doubles") {
    to[at++] = 0x0a;
    at = writeVarint(to, at, 8 * frame.width);
    for (const number of value as readonly number[]) at = to.writeDoubleLE(number, at);
  } else {
    const field = labelField(frame.labelFields, value);
    to.set(field, at);
    at += field.length;
  }
  if (entries.length === 0) return at;
  to.set(entries, at);
  const first = place * numberPlaces.length;
  for (let k = 0; k < numberPlaces.length; k++)
    to.writeDoubleLE(answer.probabilities![first + k]!, at + numberPlaces[k]!);
  return at + entries.length;
}

/** All of a reply but the predictions. */
function endOf({ tail }: TypedFrame, call: TypedCall): Buffer {
  const { requestId, rowErrors = [], fallback } = call;
  const end = new WireWriter().raw(tail).text(4, requestId);
  for (const error of rowErrors) end.message(5, rowErrorMessage(error));
  if (fallback !== undefined) end.message(6, new WireWriter().text(1, fallback).integers(2, fallbackRowsOf(call)));
  return end.finish();
}

/** In the request; none if it is all of them. */
function fallbackRowsOf({ fallbackRows, rowIndexes, request: { rows } }: TypedCall): readonly number[] {
  if (fallbackRows === undefined || fallbackRows.length === rows.length) return [];
  return rowIndexes ? fallbackRows.map((row) => rowIndexes[row]!) : fallbackRows;
}

function rowErrorMessage({ row, code, message, issues }: RowError): WireWriter {
  const written = new WireWriter().integer(1, row).text(2, code).text(3, message);
  for (const issue of issues) written.message(4, issueMessage(issue));
  return written;
}

export function issueMessage({ row, feature, expected, got }: RowError["issues"][number]): WireWriter {
  return new WireWriter().integer(1, row).text(2, feature).text(3, expected).text(4, got);
}

function jsonRows(frame: TypedFrame, answer: Answer, places: Places, first: number, end: number): string {
  let text = "";
  for (let row = first; row < end; row++) {
    const place = places ? places[row]! : row;
    text += `${row === first ? "" : ","}${place < 0 ? "{}" : jsonPrediction(frame, answer, place)}`;
  }
  return text;
}

function jsonPrediction({ valueType, labelKeys }: TypedFrame, answer: Answer, place: number): string {
  const value = answer.predictions[place]!;
  const shown = valueType === "string" ? JSON.stringify(String(value)) : jsonValue(value);
  if (labelKeys.length === 0) return `{"value":${shown}}`;
  const first = place * labelKeys.length;
  const entries = labelKeys.map((key, k) => `${key}${jsonValue(answer.probabilities![first + k]!)}`);
  return `{"value":${shown},"probabilities":{${entries.join(",")}}}`;
}

/** `JSON.stringify` would lose the sign of zero. */
function jsonValue(value: Prediction): string {
  if (typeof value === "object") return `[${value.map(jsonValue).join(",")}]`;
  return Object.is(value, -0) ? "-0" : JSON.stringify(value);
}

function jsonEnd({ jsonTail }: TypedFrame, call: TypedCall): string {
  const { requestId, rowErrors = [], fallback } = call;
  const errors = rowErrors.length === 0 ? "" : `,"errors":${JSON.stringify(rowErrors)}`;
  const rows = fallbackRowsOf(call);
  const fell = fallback && { reason: fallback, ...(rows.length > 0 && { rows }) };
  return `${jsonTail}${requestId}"${errors}${fell ? `,"fallback":${JSON.stringify(fell)}` : ""}}`;
}
