/**
 * The same steps for calls that are too large for one turn of the event loop: each as a generator that yields after a
 * slice of its work.
 *
 * A slice is some tens of microseconds: so many bytes, or so many rows that their features and labels are as many
 * values. `slices.ts` takes several of them in a turn, as its time allows, and before each the call may have been given
 * up (`predict.ts`).
 */

import { Buffer } from "node:buffer";
import type { Answer, Prediction, RowInput } from "../../preprocessing/index.js";
import type { ServeError } from "../errors.js";
import type { Encoded } from "../protocol/protocol.js";
import { newBlocks } from "./blocks.js";
import type { Call } from "./call.js";
import { setDeadline } from "./deadline.js";
import { answerByFallback } from "./fallback.js";
import { AnswerCheck, RowCheck, RowRefusals, takeRows } from "./rows.js";
import type { ServingVersion } from "./serving-version.js";
import { slicesOf } from "./sliced-work.js";

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

/** Whether a body is decoded in slices, if its protocol can. */
export function isLargeBody(bodyBytes: number): boolean {
  return bodyBytes > wholeBytesMax;
}

/** Whether a call whose rows are there goes on in slices. */
export function isLargeCall({ rows, version }: Call): boolean {
  return rows.length > 1 && rows.length * valuesPerRow(version!) > wholeValuesMax;
}

function valuesPerRow({ rowSchema, postprocessor }: ServingVersion): number {
  return rowSchema.features.length + (postprocessor.names?.length ?? 1) + (postprocessor.labels?.length ?? 0);
}

function rowsPerSlice({ rows, bodyBytes, version }: Call): number {
  const byValues = Math.floor(sliceValues / valuesPerRow(version!));
  const byBytes = Math.floor((sliceBytes * rows.length) / bodyBytes);
  return Math.max(1, Math.min(sliceRowsMax, byValues, byBytes));
}

/**
 * Decodes, then prepares. A body that its transport takes back is copied before this returns.
 *
 * @param assignByRow - Gives an undecided call its version; false where that has to decode the body itself.
 * @throws {@link ServeError} unsupported_media_type.
 */
export function decodeInSlices(
  call: Call,
  sliced: NonNullable<Call["protocol"]["sliced"]>,
  now: () => number,
  assignByRow: (call: Call, rows: RowInput) => boolean,
): Generator<undefined, void> {
  const version = call.version!;
  if (!call.bodyLasts) call.body = Buffer.from(call.body);
  const decoding = sliced.decode(call.body, call.head, version);
  // Until its rows are counted, a call has the time of the most rows that it may have.
  setDeadline(call, version, version.bodyLimits.decode.rowsMax);
  return (function* () {
    let request = yield* decoding;
    if (call.undecided !== undefined && !assignByRow(call, request.rows))
      request = yield* sliced.decode(call.body, call.head, call.version!);
    takeRows(call, call.version!, request, now());
    yield* prepareInSlices(call, now);
  })();
}

/** Validates and preprocesses a call whose rows are there. */
export function* prepareInSlices(call: Call, now: () => number): Generator<undefined, void> {
  const version = call.version!;
  const { rowSchema, preprocessor, fallback } = version;
  const sliceRows = rowsPerSlice(call);
  const check = new RowCheck(call, rowSchema);
  yield* inSlices(call.rows.length, sliceRows, (first, end) => check.take(first, end));
  check.end();
  call.validatedMs = now();
  const { rowCount, goodRows } = call;
  const blocks = newBlocks(rowCount, preprocessor.outputs);
  call.blocks = blocks;
  const refusals = new RowRefusals(call, version);
  yield* inSlices(rowCount, sliceRows, (first, end) =>
    refusals.take(first, end, preprocessor.run(goodRows, blocks, first, first, end)),
  );
  refusals.end();
  if (fallback === undefined || !fallback.needsRows) letGo(call);
  call.preprocessedMs = now();
}

/**
 * Lets go of the rows, all but their number: the blocks hold what runs. While a run lasts, ten thousand rows are thirty
 * thousand objects that the garbage collector would move, and the event loop stands still while it does.
 */
function letGo(call: Call): void {
  call.request = { ...call.request, rows: new Array(call.rows.length) };
  call.goodRows = [];
}

/** Takes a call whose rows ran: postprocesses and encodes. */
export function* answerInSlices(call: Call, now: () => number): Generator<undefined, Encoded> {
  if (call.error) throw call.error;
  const { postprocessor } = call.version!;
  const { rowCount, rawFirstRow } = call;
  const check = new AnswerCheck(call);
  // Of a partial request without a single good row nothing ran; its answer has the form of the others.
  const raw = rowCount === 0 ? newBlocks(0, postprocessor.inputs) : call.raw;
  const answer = yield* gather(call, (first, end) => {
    const part = postprocessor.run(raw, rawFirstRow + first, end - first);
    check.take(first, part);
    return part;
  });
  check.end();
  call.answer = answer;
  call.postprocessedMs = now();
  return yield* encode(call, answer);
}

/** Answers a call by its version's fallback. @throws The error itself where the fallback has no answer. */
export function* fallBackInSlices(call: Call, error: ServeError): Generator<undefined, Encoded> {
  const answer = yield* gather(call, (first, end) => answerByFallback(call, error, first, end));
  call.answer = answer;
  return yield* encode(call, answer);
}

/** One answer from those of slices of rows. */
function* gather(call: Call, answerRows: (first: number, end: number) => Answer): Generator<undefined, Answer> {
  const { rowCount } = call;
  const predictions: Prediction[] = [];
  let probabilities: Float64Array | undefined;
  const take = (first: number, end: number) => {
    const part = answerRows(first, end);
    predictions.push(...part.predictions);
    if (part.probabilities === undefined) return;
    const width = part.probabilities.length / Math.max(1, end - first);
    probabilities ??= new Float64Array(rowCount * width);
    probabilities.set(part.probabilities, first * width);
  };
  if (rowCount === 0) take(0, 0);
  yield* inSlices(rowCount, rowsPerSlice(call), take);
  return { predictions, probabilities };
}

/** The pieces of an answer as bytes: the text of a large one would be copied once more to become them. */
function* encode(call: Call, answer: Answer): Generator<undefined, Encoded> {
  const { protocol, protocolState } = call;
  if (protocol.sliced === undefined) return protocol.encode(protocolState!.frame, call, answer);
  const { pieces, contentType, headers } = protocol.sliced.encode(
    protocolState!.frame,
    call,
    answer,
    rowsPerSlice(call),
  );
  const written: Uint8Array[] = [];
  for (const write of pieces) {
    const piece = write();
    written.push(typeof piece === "string" ? Buffer.from(piece) : piece);
    yield;
  }
  return { body: Buffer.concat(written), contentType, headers };
}

function* inSlices(
  length: number,
  sliceRows: number,
  take: (first: number, end: number) => void,
): Generator<undefined, void> {
  for (const [first, end] of slicesOf(length, sliceRows)) {
    take(first, end);
    yield;
  }
}
