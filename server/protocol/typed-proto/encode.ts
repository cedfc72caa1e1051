/**
 * A PredictReply, in protobuf's binary form and in its JSON form. Large ones are written in pieces of some rows each,
 * with the same bytes.
 */

import { Buffer } from "node:buffer";
import type { Answer, Prediction, Scalar } from "../../../preprocessing/index.js";
import type { RowError } from "../../errors.js";
import { slicesOf } from "../../path/sliced-work.js";
import { jsonType, protoType } from "../connect/head.js";
import { type Places, placesOfRows, writePrediction } from "../json/answer-text.js";
import type { ChosenFields } from "../json/fields.js";
import { varintBytes, WireWriter, writeVarint } from "../protobuf/wire.js";
import type { AnsweredCall, Encoded, EncodedPieces } from "../protocol.js";
import { chosenPrediction, chosenPredictionJson } from "./chosen-fields.js";
import { labelBytes, type TypedFrame } from "./frame.js";
import type { TypedRequest } from "./request.js";

const noHeaders: readonly string[] = Object.freeze([]);

type TypedCall = AnsweredCall<TypedRequest>;

export function encodeReply(frame: TypedFrame, call: TypedCall, answer: Answer): Encoded {
  const { isJson, rows, fields } = call.request;
  const isPlain = !isJson && fields === undefined && call.rowErrors === undefined && call.fallback === undefined;
  if (isPlain && rows.length === 1)
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
  const { isJson, rows, fields } = call.request;
  const places = placesOfRows(call, answer);
  const slices = [...slicesOf(rows.length, sliceRows)];
  if (!isJson) {
    const pieces = slices.map(
      ([first, end]) =>
        () =>
          fields === undefined
            ? writeRows(frame, answer, places, first, end)
            : writeChosen(frame, fields, answer, places, first, end),
    );
    return { pieces: [...pieces, () => endOf(frame, call)], contentType: protoType, headers: noHeaders };
  }
  const lists = slices.map(
    ([first, end]) =>
      () =>
        `${first === 0 ? "" : ","}${jsonRows(frame, fields, answer, places, first, end)}`,
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

function writeChosen(
  frame: TypedFrame,
  fields: ChosenFields,
  answer: Answer,
  places: Places,
  first: number,
  end: number,
): Buffer {
  const to = new WireWriter();
  for (let row = first; row < end; row++) {
    const place = places ? places[row]! : row;
    to.message(1, place < 0 ? new WireWriter() : chosenPrediction(frame, fields, answer, place));
  }
  return to.finish();
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

function jsonRows(
  frame: TypedFrame,
  fields: ChosenFields | undefined,
  answer: Answer,
  places: Places,
  first: number,
  end: number,
): string {
  const show = (place: number) =>
    fields === undefined ? jsonPrediction(frame, answer, place) : chosenPredictionJson(frame, fields, answer, place);
  let text = "";
  for (let row = first; row < end; row++) {
    const place = places ? places[row]! : row;
    text += `${row === first ? "" : ","}${place < 0 ? "{}" : show(place)}`;
  }
  return text;
}

function jsonPrediction({ valueType, labelKeys }: TypedFrame, answer: Answer, place: number): string {
  const value = answer.predictions[place]!;
  const shown = valueType === "string" ? JSON.stringify(String(value)) : writePrediction(value);
  if (labelKeys.length === 0) return `{"value":${shown}}`;
  const first = place * labelKeys.length;
  const entries = labelKeys.map((key, k) => `${key}${writePrediction(answer.probabilities![first + k]!)}`);
  return `{"value":${shown},"probabilities":{${entries.join(",")}}}`;
}

function jsonEnd({ jsonTail }: TypedFrame, call: TypedCall): string {
  const { requestId, rowErrors = [], fallback } = call;
  const errors = rowErrors.length === 0 ? "" : `,"errors":${JSON.stringify(rowErrors)}`;
  const rows = fallbackRowsOf(call);
  const fell = fallback && { reason: fallback, ...(rows.length > 0 && { rows }) };
  return `${jsonTail}${requestId}"${errors}${fell ? `,"fallback":${JSON.stringify(fell)}` : ""}}`;
}
