/**
 * Answers as `{"predictions": [...]}`: of each row its prediction, or an object of the fields that were asked for. Model
 * and version stand in the reply's headers.
 */

import type { Answer } from "../../../preprocessing/index.js";
import { slicesOf } from "../../path/sliced-work.js";
import {
  type LabelTexts,
  labelTexts,
  placesOfRows,
  writePrediction,
  writePredictions,
  writeRows,
} from "../json/answer-text.js";
import { type ChosenFields, writeProbabilities, writeTop } from "../json/fields.js";
import type { AnsweredCall, Encoded, EncodedPieces, ProtocolContract } from "../protocol.js";
import type { TableRequest } from "./decode.js";

const contentType = "application/json";
const headers: readonly string[] = Object.freeze([]);

export function createTableFrame({ postprocessor }: ProtocolContract): LabelTexts {
  return labelTexts(postprocessor.labels);
}

export function encodeTable(frame: LabelTexts, call: AnsweredCall<TableRequest>, answer: Answer): Encoded {
  const { pieces } = encodeTableInPieces(frame, call, answer, call.request.rows.length);
  return { body: pieces.map((write) => write()).join(""), contentType, headers };
}

export function encodeTableInPieces(
  frame: LabelTexts,
  call: AnsweredCall<TableRequest>,
  answer: Answer,
  sliceRows: number,
): EncodedPieces {
  const { rows, fields, partial, answersKey } = call.request;
  const { rowErrors = [] } = call;
  const places = placesOfRows(call, answer);
  const pieces: (() => string)[] = [];
  const addList = (length: number, write: (first: number, end: number) => string) => {
    for (const [first, end] of slicesOf(length, sliceRows))
      pieces.push(() => `${first === 0 ? "" : ","}${write(first, end)}`);
  };
  pieces.push(() => `{"${answersKey}":[`);
  addList(rows.length, (first, end) =>
    fields === undefined
      ? writePredictions(answer.predictions, places, first, end)
      : writeRows(places, first, end, (place) => writeFields(frame, answer, place, fields)),
  );
  if (partial) {
    pieces.push(() => '],"errors":[');
    addList(rowErrors.length, (first, end) => JSON.stringify(rowErrors.slice(first, end)).slice(1, -1));
  }
  pieces.push(() => "]}");
  return { pieces, contentType, headers };
}

function writeFields(frame: LabelTexts, answer: Answer, place: number, { prediction, classes, top }: ChosenFields) {
  const { predictions, probabilities } = answer;
  const members = [
    ...(prediction ? [`"prediction":${writePrediction(predictions[place]!)}`] : []),
    ...(classes === undefined ? [] : [`"probabilities":${writeProbabilities(frame, probabilities, place, classes)}`]),
    ...(top === 0 ? [] : [`"top":${writeTop(frame, probabilities, place, top)}`]),
  ];
  return `{${members.join(",")}}`;
}
