/** Answers as the Open Inference Protocol has them: JSON, and behind it the elements of outputs that are binary data. */

import { Buffer } from "node:buffer";
import type { Answer } from "../../../preprocessing/index.js";
import { slicesOf } from "../../path/sliced-work.js";
import type { AnsweredCall, Encoded, EncodedPieces, ProtocolContract } from "../protocol.js";
import { writeBinary } from "./binary.js";
import { lengthHeader, type OpenInferenceRequest } from "./decode.js";
import { type ChosenOutput, writeJson } from "./json.js";
import { classify, outputValues } from "./outputs.js";
import { elementBytes } from "./tensor.js";

/** `{"model_name":"demand","model_version":"1"` */
export type OpenInferenceFrame = string;

const json = "application/json";
const noHeaders: readonly string[] = Object.freeze([]);

export function createFrame({ name, number }: ProtocolContract): OpenInferenceFrame {
  return `{"model_name":${JSON.stringify(name)},"model_version":"${number}"`;
}

export function encodeAnswer(
  frame: OpenInferenceFrame,
  call: AnsweredCall<OpenInferenceRequest>,
  answer: Answer,
): Encoded {
  const { pieces, contentType, headers } = encodeAnswerInPieces(frame, call, answer, call.request.rows.length);
  const written = pieces.map((write) => write());
  const body = contentType === json ? written.join("") : Buffer.concat(written as Buffer[]);
  return { body, contentType, headers };
}

/**
 * The JSON, and behind it the binary data. Where there are any, the JSON is written at once, because a header says how
 * long it is.
 */
export function encodeAnswerInPieces(
  frame: OpenInferenceFrame,
  { request, fallback }: AnsweredCall<OpenInferenceRequest>,
  answer: Answer,
  sliceRows: number,
): EncodedPieces {
  const idText = request.id === undefined ? "" : `,"id":${JSON.stringify(request.id)}`;
  const fallbackText = fallback === undefined ? "" : `,"parameters":{"fallback":"${fallback}"}`;
  const texts: Piece[] = [() => `${frame}${idText}${fallbackText},"outputs":[`];
  const binary: Piece[] = [];
  for (const [index, chosen] of request.outputs.entries()) {
    if (index > 0) texts.push(() => ",");
    const output = encodeOutput(chosen, request.rows.length, answer, sliceRows);
    texts.push(...output.texts);
    binary.push(...output.binary);
  }
  texts.push(() => "]}");
  if (binary.length === 0) return { pieces: texts, contentType: json, headers: noHeaders };
  const head = Buffer.from(texts.map((write) => write()).join(""));
  const headers = [lengthHeader, String(head.length)];
  return { pieces: [() => head, ...binary], contentType: "application/octet-stream", headers };
}

type Piece = () => string | Buffer;

function encodeOutput(
  { output, isBinary, classCount }: ChosenOutput,
  rowCount: number,
  answer: Answer,
  sliceRows: number,
): { texts: Piece[]; binary: Piece[] } {
  const datatype = classCount > 0 ? "BYTES" : output.datatype;
  const dims = classCount > 0 ? [classCount] : output.dims;
  const valuesOf = (first: number, end: number) => {
    const values = outputValues(output, answer, first, end);
    return classCount > 0 ? classify(values, output, classCount) : values;
  };
  const slices = [...slicesOf(rowCount, sliceRows)];
  const shape = [rowCount, ...dims];
  const begin = `{"name":${JSON.stringify(output.name)},"datatype":"${datatype}","shape":[${shape}],`;
  if (!isBinary) {
    const lists = slices.map(
      ([first, end]) =>
        () =>
          `${first === 0 ? "" : ","}${writeJson(valuesOf(first, end))}`,
    );
    return { texts: [() => `${begin}"data":[`, ...lists, () => "]}"], binary: [] };
  }
  // Texts have to be written to know how long they are.
  const written = datatype === "BYTES" ? slices.map(([first, end]) => writeBinary(datatype, valuesOf(first, end))) : [];
  const size =
    written.length > 0
      ? written.reduce((sum, { length }) => sum + length, 0)
      : rowCount * output.width * elementBytes(datatype);
  const write =
    ([first, end]: readonly [number, number], index: number) =>
    () =>
      written[index] ?? writeBinary(datatype, valuesOf(first, end));
  return { texts: [() => `${begin}"parameters":{"binary_data_size":${size}}}`], binary: slices.map(write) };
}
