/**
 * `/predict`'s JSON for large calls: what `json.ts` does, in slices. The plain codec is the reference, a property test
 * holds this one to it.
 */

import { Buffer } from "node:buffer";
import type { Answer } from "../../preprocessing/index.js";
import {
  type AnsweredCall,
  type AnswerFrame,
  type DecodedBody,
  type DecodeLimits,
  duplicateMember,
  emptyBody,
  encodeFallback,
  encodeJson,
  encodePredictions,
  encodeProbabilities,
  findDuplicateKey,
  placesOfRows,
  takeMembers,
  takeObject,
} from "./json.js";
import { SlicedText } from "./parse-slices.js";
import { ByteScan } from "./scan-slices.js";

export interface DecodeSlices {
  /** Bytes that are looked at in one slice. */
  readonly scanBytes: number;
  /** Bytes of text that are parsed in one slice; a row or a string that is longer is parsed as a whole. */
  readonly parseBytes: number;
}

/** 60-80 us each. */
const usualSlices: DecodeSlices = { scanBytes: 65_536, parseBytes: 8192 };

/**
 * Decodes a body.
 *
 * @throws {@link ServeError} as `decodeJson` does, for the same bodies and with the same words; and schema_mismatch for
 *   an object of more members than `limits` say.
 */
export function* decodeJsonInSlices(
  body: Uint8Array,
  limits: DecodeLimits,
  { scanBytes, parseBytes } = usualSlices,
): Generator<undefined, DecodedBody> {
  if (body.length === 0) throw emptyBody();
  const scan = new ByteScan(body, limits, parseBytes);
  while (!scan.ended) {
    scan.take(scanBytes);
    yield;
  }
  const text = new SlicedText(body, scan);
  yield* text.checkUtf8();
  const { value, duplicate } = yield* text.parse();
  const members = takeObject(value);
  if (duplicate) throw duplicateMember(yield* findDuplicateKey(text.texts()));
  return takeMembers(members, limits);
}

/**
 * Encodes an answer.
 *
 * @param sliceRows - Rows that are encoded in one slice.
 * @returns Bytes: the text of a large answer would be copied once more to become bytes.
 */
export function* encodeJsonInSlices(
  frame: AnswerFrame,
  call: AnsweredCall,
  answer: Answer,
  sliceRows: number,
): Generator<undefined, string | Buffer> {
  if (call.single) return encodeJson(frame, call, answer);
  const places = placesOfRows(call, answer);
  const { predictions, probabilities } = answer;
  const pieces: Buffer[] = [];
  function* addList(
    begin: string,
    length: number,
    write: (first: number, end: number) => string,
  ): Generator<undefined, void> {
    pieces.push(Buffer.from(begin));
    for (let first = 0; first < length; first += sliceRows) {
      pieces.push(Buffer.from(`${first === 0 ? "" : ","}${write(first, Math.min(first + sliceRows, length))}`));
      yield;
    }
  }
  const { length } = call.rows;
  yield* addList('{"predictions":[', length, (first, end) => encodePredictions(predictions, places, first, end));
  if (probabilities) {
    yield* addList('],"probabilities":[', length, (first, end) =>
      encodeProbabilities(frame, probabilities, places, first, end),
    );
  }
  if (call.partial) {
    const { rowErrors = [] } = call;
    yield* addList('],"errors":[', rowErrors.length, (first, end) =>
      JSON.stringify(rowErrors.slice(first, end)).slice(1, -1),
    );
  }
  pieces.push(Buffer.from(`]${encodeFallback(call)}${frame.tail}${call.requestId}"}`));
  return Buffer.concat(pieces);
}
