/**
 * The same steps for calls that are too large for one turn of the event loop: each as a generator that yields after a
 * slice of its work.
 *
 * A slice is some tens of microseconds: so many bytes, or so many rows that their features and labels are as many
 * values. `slices.ts` takes several of them in a turn, as its time allows, and before each the call may have been given
 * up (`predict.ts`).
 */

import { Buffer } from "node:buffer";
import type { Answer, Block, Prediction } from "../../preprocessing/index.js";
import { checkContentType } from "../codec/json.js";
import { decodeJsonInSlices, encodeJsonInSlices } from "../codec/json-slices.js";
import type { ServeError } from "../errors.js";
import { newBlocks } from "./blocks.js";
import type { Call } from "./call.js";
import { setDeadline } from "./deadline.js";
import { answerByFallback } from "./fallback.js";
import { AnswerCheck, RowCheck, RowRefusals, takeRows } from "./rows.js";
import type { ServingVersion } from "./serving-version.js";

/** Bodies up to here are decoded in one go, bytes: about 0.3 ms. */
const wholeBytesMax = 32_768;
/**
 * Calls up to here are validated, preprocessed and answered in one go, values of rows and answers: 0.2 ms, and 1 ms if
 * every row is bad.
 */
const wholeValuesMax = 2048;
/** A slice of rows: so many values, */
const sliceValues = 512;
/** so many rows, however short they are, */
const sliceRowsMax = 128;
/** and so many bytes of the body, for rows that hold more than their features. */
const sliceBytes = 8192;

/** Whether a body is decoded in slices. */
export function isLargeBody(bodyBytes: number): boolean {
  return bodyBytes > wholeBytesMax;
}

/** Whether a call whose rows are there goes on in slices. */
export function isLargeCall({ rows, version }: Call): boolean {
  return rows.length > 1 && rows.length * valuesPerRow(version!) > wholeValuesMax;
}

function valuesPerRow({ rowSchema, postprocessor, answerFrame }: ServingVersion): number {
  return rowSchema.features.length + (postprocessor.names?.length ?? 1) + answerFrame.labelKeys.length;
}

function rowsPerSlice({ rows, bodyBytes, version }: Call): number {
  const byValues = Math.floor(sliceValues / valuesPerRow(version!));
  const byBytes = Math.floor((sliceBytes * rows.length) / bodyBytes);
  return Math.max(1, Math.min(sliceRowsMax, byValues, byBytes));
}

/**
 * Decodes, then prepares. A body that its transport takes back is copied before this returns.
 *
 * @throws {@link ServeError} unsupported_media_type.
 */
export function decodeInSlices(call: Call, now: () => number): Generator<undefined, void> {
  checkContentType(call.contentType);
  const body = call.bodyLasts ? call.body : Buffer.from(call.body);
  call.body = body;
  const version = call.version!;
  const limits = version.bodyLimits.decode;
  // Until its rows are counted, a call has the time of the most rows that it may have.
  setDeadline(call, version, limits.rowsMax);
  return (function* () {
    takeRows(call, version, yield* decodeJsonInSlices(body, limits), now());
    yield* prepareInSlices(call, now);
  })();
}

/** Validates and preprocesses a call whose rows are there. */
export function* prepareInSlices(call: Call, now: () => number): Generator<undefined, void> {
  const version = call.version!;
  const sliceRows = rowsPerSlice(call);
  yield* validateInSlices(call, version, sliceRows);
  call.validatedMs = now();
  yield* preprocessInSlices(call, version, sliceRows);
  if (version.fallback === undefined || !version.fallback.needsRows) letGo(call);
  call.preprocessedMs = now();
}

/**
 * Lets go of the rows, all but their number: the blocks hold what runs. While a run lasts, ten thousand rows are thirty
 * thousand objects that the garbage collector would move, and the event loop stands still while it does.
 */
function letGo(call: Call): void {
  call.rows = new Array(call.rows.length);
  call.goodRows = [];
}

function* validateInSlices(call: Call, { rowSchema }: ServingVersion, sliceRows: number): Generator<undefined, void> {
  const check = new RowCheck(call, rowSchema);
  for (const [first, end] of slicesOf(call.rows.length, sliceRows)) {
    check.take(first, end);
    yield;
  }
  check.end();
}

function* preprocessInSlices(call: Call, version: ServingVersion, sliceRows: number): Generator<undefined, void> {
  const { preprocessor } = version;
  const { rowCount, goodRows } = call;
  const blocks = newBlocks(rowCount, preprocessor.outputs);
  call.blocks = blocks;
  const refusals = new RowRefusals(call, version);
  for (const [first, end] of slicesOf(rowCount, sliceRows)) {
    const parts = blocks.map((block, i) => rowsOf(block, first, end, preprocessor.outputs[i]!.width));
    refusals.take(first, end, preprocessor.run(goodRows.slice(first, end), parts));
    yield;
  }
  refusals.end();
}

function rowsOf(block: Block, first: number, end: number, width: number): Block {
  return block.subarray(first * width, end * width);
}

/** Takes a call whose rows ran: postprocesses and encodes. */
export function* answerInSlices(call: Call, now: () => number): Generator<undefined, string | Buffer> {
  if (call.error) throw call.error;
  const version = call.version!;
  const sliceRows = rowsPerSlice(call);
  const answer = yield* postprocessInSlices(call, version, sliceRows);
  call.answer = answer;
  call.postprocessedMs = now();
  return yield* encodeJsonInSlices(version.answerFrame, call, answer, sliceRows);
}

function* postprocessInSlices(
  call: Call,
  { postprocessor }: ServingVersion,
  sliceRows: number,
): Generator<undefined, Answer> {
  const { rowCount, rawFirstRow } = call;
  // Of a partial request without a single good row nothing ran; its answer has the form of the others.
  if (rowCount === 0) return postprocessor.run(newBlocks(0, postprocessor.inputs), 0, 0);
  const check = new AnswerCheck(call);
  const answer = yield* gather(rowCount, sliceRows, (first, end) => {
    const part = postprocessor.run(call.raw, rawFirstRow + first, end - first);
    check.take(first, part);
    return part;
  });
  check.end();
  return answer;
}

/** Answers a call by its version's fallback. @throws The error itself where the fallback has no answer. */
export function* fallBackInSlices(call: Call, error: ServeError): Generator<undefined, string | Buffer> {
  const sliceRows = rowsPerSlice(call);
  const answer = yield* gather(call.rowCount, sliceRows, (first, end) => answerByFallback(call, error, first, end));
  call.answer = answer;
  return yield* encodeJsonInSlices(call.version!.answerFrame, call, answer, sliceRows);
}

/** One answer from those of slices of rows. */
function* gather(
  rowCount: number,
  sliceRows: number,
  answerRows: (first: number, end: number) => Answer,
): Generator<undefined, Answer> {
  const predictions: Prediction[] = [];
  let probabilities: Float64Array | undefined;
  for (const [first, end] of slicesOf(rowCount, sliceRows)) {
    const part = answerRows(first, end);
    predictions.push(...part.predictions);
    if (part.probabilities) {
      const width = part.probabilities.length / (end - first);
      probabilities ??= new Float64Array(rowCount * width);
      probabilities.set(part.probabilities, first * width);
    }
    yield;
  }
  return { predictions, probabilities };
}

function* slicesOf(length: number, sliceLength: number): Generator<readonly [number, number], void> {
  for (let first = 0; first < length; first += sliceLength) yield [first, Math.min(first + sliceLength, length)];
}
