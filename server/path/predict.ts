/**
 * The path of a call, on one screen.
 *
 * admit -> route -> decode -> validate -> (cache) -> preprocess -> run (lane, batch, executor, engine) -> postprocess
 * -> encode -> reply, then record. A failure that the version's fallback can answer for goes its way instead of to an
 * error. Callbacks, not promises: `submit` returns at once and the scheduler calls `answer` when the rows ran, so that
 * calls that ran in one batch are answered in one turn of the event loop. The transports hand over a call with its
 * bytes; proof and command line take the same steps with another scheduler. A call that would hold the event loop takes
 * the same steps in slices (`predict-large.ts`). Nothing is patched onto the path from outside: metrics, logs and
 * traces read the call once it is finished.
 */

import type { Buffer } from "node:buffer";
import { decodeJson, encodeError, encodeJson } from "../codec/json.js";
import { ServeError } from "../errors.js";
import type { BodyLimits } from "../versions/registry.js";
import type { Version } from "../versions/version.js";
import type { Call } from "./call.js";
import { answerByFallback, canFallBack, takeFallback } from "./fallback.js";
import {
  answerInSlices,
  decodeInSlices,
  fallBackInSlices,
  isLargeBody,
  isLargeCall,
  prepareInSlices,
} from "./predict-large.js";
import { checkAnswer, newBlocks, preprocess, sloTargetMs, takeRows, validate } from "./rows.js";
import type { SlicedWork } from "./slices.js";

/** What the path needs of the rest of the server. */
export interface PredictPath {
  readonly admission: { enter(call: Call): void; leave(call: Call): void };
  readonly routes: {
    choose(modelName: string | undefined, versionName: string | undefined): Version;
    limits(modelName: string | undefined, versionName: string | undefined): BodyLimits;
  };
  readonly scheduler: {
    submit(call: Call): void;
    /** Whether calls were refused lately; while they aren't, nobody asks about small ones before they are decoded. */
    isRefusing(nowMs: number): boolean;
    /** Why a call of so many rows at least can't be answered in time; undefined if it may be. */
    refusal(version: Version, rowCount: number, targetMs: number): ServeError | undefined;
    /** Rows of a large call are being decoded: they count as waiting until the call is queued, or over. */
    expect(call: Call, rowCount: number): void;
    expectNoMore(call: Call): void;
    /** A call is over, however it ended. */
    ended(call: Call): void;
  };
  /** Takes the work of large calls, in slices. */
  readonly slices: { add(work: SlicedWork, sinceMs: number): void };
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Reads the record of a finished call; cannot throw. */
  readonly observe: (call: Call) => void;
}

/** Takes a call whose body is complete, up to the queue. It is answered in any case: now with an error, or later. */
export function predict(path: PredictPath, call: Call): void {
  try {
    call.startedMs = path.now();
    path.admission.enter(call);
    const version = path.routes.choose(call.modelName, call.versionName);
    call.version = version;
    // Asked already where the length was announced.
    const isAsked = call.announcedBytes !== call.bodyBytes && mayBeRefused(path, call, call.bodyBytes);
    const refusal = isAsked ? refuseEarly(path, call, version, call.bodyBytes) : undefined;
    if (refusal !== undefined) {
      fail(path, call, refusal);
      return;
    }
    if (isLargeBody(call.bodyBytes)) {
      path.scheduler.expect(call, version.rowBytes.rowsIn(call.bodyBytes)?.least ?? 0);
      takeSlices(path, call, decodeInSlices(call, path.now), () => queue(path, call, answerLarge));
      return;
    }
    const decoded = decodeJson(call.contentType, call.body, version.bodyLimits.decode);
    takeRows(call, version, decoded, path.now());
    if (isLargeCall(call)) {
      takeSlices(path, call, prepareInSlices(call, path.now), () => queue(path, call, answerLarge));
      return;
    }
    validate(call, version);
    call.validatedMs = path.now();
    const known = version.cache?.find(call);
    if (known !== undefined) {
      finish(path, call, 200, encodeJson(version.answerFrame, call, known));
      return;
    }
    preprocess(call, version);
    call.preprocessedMs = path.now();
    queue(path, call, answer);
  } catch (error) {
    fail(path, call, error);
  }
}

/**
 * Refuses a call by its headers, before its body is read.
 *
 * @param bodyBytes - As announced.
 * @returns Whether the call is answered.
 */
export function refuseUnread(path: PredictPath, call: Call, bodyBytes: number): boolean {
  if (bodyBytes < 1 || !mayBeRefused(path, call, bodyBytes)) return false;
  try {
    const version = path.routes.choose(call.modelName, call.versionName);
    // Its error is another one: to come again later wouldn't help.
    if (bodyBytes > version.bodyLimits.bodyBytesMax) return false;
    call.announcedBytes = bodyBytes;
    const refusal = refuseEarly(path, call, version, bodyBytes);
    if (refusal === undefined) return false;
    call.version = version;
    fail(path, call, refusal);
  } catch (error) {
    // Of a small call the body is read first, as of one that is let in.
    if (!isLargeBody(bodyBytes)) return false;
    fail(path, call, error);
  }
  return true;
}

/** To ask costs a small call as much again as being let in. */
function mayBeRefused({ scheduler }: PredictPath, { arrivedMs }: Call, bodyBytes: number): boolean {
  return isLargeBody(bodyBytes) || scheduler.isRefusing(arrivedMs);
}

/**
 * A call that can't be answered in time whatever its rows are is refused before they are decoded, unless something else
 * can answer for them.
 */
function refuseEarly(
  { scheduler }: PredictPath,
  call: Call,
  version: Version,
  bodyBytes: number,
): ServeError | undefined {
  if (version.fallback !== undefined || version.cache !== undefined) return undefined;
  const rows = version.rowBytes.rowsIn(bodyBytes);
  if (rows === undefined) return undefined;
  const timeMs = call.callerTimeoutMs > 0 ? call.callerTimeoutMs : sloTargetMs(version, rows.most);
  return scheduler.refusal(version, rows.least, call.arrivedMs + timeMs);
}

/**
 * @param onRun - Takes the call once its rows ran; at once if it has none to run: a partial request without a single
 *   good row.
 */
function queue(path: PredictPath, call: Call, onRun: (call: Call) => void): void {
  call.path = path;
  call.onRun = onRun;
  path.scheduler.expectNoMore(call);
  if (call.rowCount === 0) onRun(call);
  else path.scheduler.submit(call);
}

/** Takes a call whose rows ran, to its reply. */
function answer(call: Call): void {
  if (call.finished || call.fellBack) return;
  const path = call.path!;
  try {
    if (call.error) throw call.error;
    const version = call.version!;
    const { postprocessor } = version;
    // Of a partial request without a single good row nothing ran; its answer has the form of the others.
    const raw = call.rowCount === 0 ? newBlocks(0, postprocessor.inputs) : call.raw;
    const result = postprocessor.run(raw, call.rawFirstRow, call.rowCount);
    checkAnswer(call, result);
    version.cache?.keep(call, result);
    call.postprocessedMs = path.now();
    finish(path, call, 200, encodeJson(version.answerFrame, call, result));
  } catch (error) {
    fail(path, call, error);
  }
}

function answerLarge(call: Call): void {
  if (call.finished || call.fellBack) return;
  const path = call.path!;
  takeSlices(path, call, answerInSlices(call, path.now), (text) => finish(path, call, 200, text));
}

/**
 * Takes steps a slice at a time and goes on with what they give; a call that is given up meanwhile is dropped at the
 * next slice.
 */
function takeSlices<T>(path: PredictPath, call: Call, steps: Iterator<unknown, T>, goOn: (given: T) => void): void {
  const { fellBack } = call;
  function* untilGivenUp(): Generator<undefined, void> {
    try {
      while (!call.finished && call.fellBack === fellBack) {
        const slice = steps.next();
        if (slice.done) return goOn(slice.value);
        yield;
      }
    } catch (error) {
      fail(path, call, error);
    }
  }
  path.slices.add(untilGivenUp(), call.arrivedMs);
}

/** Answers with an error, whatever was thrown; by the version's fallback where it has one for such a case. */
export function fail(path: PredictPath, call: Call, reason: unknown): void {
  if (call.finished) return;
  const error = ServeError.from(reason);
  if (error.code === "model_failed" || error.code === "model_output_invalid") call.modelFault = error.code;
  if (canFallBack(call, error)) {
    fallBack(path, call, error);
    return;
  }
  call.error = error;
  call.fallback = undefined;
  finish(path, call, error.status, encodeError(error, call.requestId));
}

/** A fallback that fails is the plain error. */
function fallBack(path: PredictPath, call: Call, error: ServeError): void {
  try {
    takeFallback(call, error);
    if (isLargeCall(call))
      takeSlices(path, call, fallBackInSlices(call, error), (text) => finish(path, call, 200, text));
    else finish(path, call, 200, encodeJson(call.version!.answerFrame, call, answerByFallback(call, error)));
  } catch {
    fail(path, call, error);
  }
}

/** The caller has left: nothing is sent, but the place is freed and the record is kept. */
export function abandon(path: PredictPath, call: Call): void {
  call.abandoned = true;
  finish(path, call, 0, "");
}

function finish(path: PredictPath, call: Call, status: number, text: string | Buffer): void {
  if (call.finished) return;
  call.finished = true;
  if (!call.abandoned) call.reply.send(status, text, call);
  call.finishedMs = path.now();
  path.scheduler.ended(call);
  path.admission.leave(call);
  path.observe(call);
}
