/**
 * The path of a call, on one screen.
 *
 * admit -> route -> decode -> validate -> (cache) -> preprocess -> run (lane, batch, executor, engine) -> postprocess
 * -> encode -> reply, then record. A failure that the version's fallback can answer for goes its way instead of to an
 * error. Callbacks, not promises: `submit` returns at once and the scheduler calls `answer` when the rows ran, so that
 * calls that ran in one batch are answered in one turn of the event loop. The transports hand over a call with its
 * bytes; proof and command line take the same steps with another scheduler (`local-path.ts`). A call that would hold the
 * event loop takes the same steps in slices (`predict-large.ts`). Nothing is patched onto the path from outside:
 * metrics, logs and traces read the call once it is finished.
 */

import type { RowInput } from "../../preprocessing/index.js";
import { ServeError } from "../errors.js";
import type { Observer } from "../observe/observer.js";
import type { BodyLimits, Encoded } from "../protocol/protocol.js";
import { newBlocks } from "./blocks.js";
import type { Call } from "./call.js";
import { sloTargetMs } from "./deadline.js";
import { answerByFallback, canFallBack, takeFallback } from "./fallback.js";
import {
  answerInSlices,
  decodeInSlices,
  fallBackInSlices,
  isLargeBody,
  isLargeCall,
  prepareInSlices,
} from "./predict-large.js";
import { readAlike } from "./read-alike.js";
import { checkAnswer, preprocess, takeRows, validate } from "./rows.js";
import { protocolState, type ServingVersion } from "./serving-version.js";
import type { SlicedWork } from "./slices.js";

/** Which version a call gets where its model has a route; fills the call's arm. */
export interface Arms {
  /** Whether any model has one: otherwise nothing else is asked. */
  readonly isUsed: boolean;
  /** By the call's head, in place of the routes' `find`. @throws {@link ServeError} for an arm that can't be forced. */
  find(call: Call): ServingVersion | undefined;
  /** For a call that is `undecided`, once its rows are decoded. */
  findByRow(call: Call, rows: RowInput): ServingVersion;
}

/** What the path is made of. */
export interface PathParts {
  readonly admission: { enter(call: Call): void; leave(call: Call): void };
  readonly routes: {
    /** The version that answers; undefined where `choose` throws why there is none. */
    find(
      modelName: string | undefined,
      versionName: string | undefined,
      takesBlocks?: boolean,
    ): ServingVersion | undefined;
    choose(modelName: string | undefined, versionName: string | undefined, takesBlocks?: boolean): ServingVersion;
    limits(modelName: string | undefined, versionName: string | undefined): BodyLimits;
  };
  /**
   * Keeps a call for whose version nothing is loaded yet, and then goes on with it; returns whether it does, by the key
   * of the version. @throws {@link ServeError} not_ready.
   */
  readonly hold?: ((call: Call, goOn: () => void) => string | undefined) | undefined;
  /** Arms of models that have a route; without it no model has one. */
  readonly arms?: Arms;
  readonly scheduler: {
    submit(call: Call): void;
    /** Whether calls were refused lately; while they aren't, nobody asks about small ones before they are decoded. */
    isRefusing(nowMs: number): boolean;
    /** Why a call of so many rows at least can't be answered in time; undefined if it may be. */
    refusal(version: ServingVersion, rowCount: number, targetMs: number): ServeError | undefined;
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
  /** Each reads the record of each finished call, in this order. */
  readonly observers: readonly Pick<Observer, "onCall">[];
}

/** What a transport, and whoever watches deadlines, may do with a call. Each call is answered once, or had left. */
export interface PredictPath {
  /**
   * Takes a call by its head, before its body is read: chooses its version, and refuses it if it can't be in time.
   *
   * @param bodyBytes - As announced; -1 if nothing is.
   * @returns Bytes that the body may have; undefined if the call is answered.
   */
  announce(call: Call, bodyBytes: number): number | undefined;
  /** Takes a call whose body is complete, up to the queue. It is answered in any case: now with an error, or later. */
  predict(call: Call): void;
  /** Answers with an error, whatever was thrown; by the version's fallback where it has one for such a case. */
  fail(call: Call, reason: unknown): void;
  /** Fails a call whose deadline has passed. */
  giveUp(call: Call): void;
  /** The caller has left: nothing is sent, but the place is freed and the record is kept. */
  abandon(call: Call): void;
}

export function createPath({
  admission,
  routes,
  arms,
  hold,
  scheduler,
  slices,
  now,
  observers,
}: PathParts): PredictPath {
  function find(call: Call): ServingVersion | undefined {
    if (arms?.isUsed === true) return arms.find(call);
    return routes.find(call.modelName, call.versionName, call.protocol.takesBlocks);
  }

  function announce(call: Call, bodyBytes: number): number | undefined {
    const { modelName, versionName, protocol } = call;
    const { takesBlocks } = protocol;
    try {
      // Of a small call without a version the body is read first, as of one that is let in.
      const version =
        find(call) ??
        (isLargeBody(bodyBytes) && hold === undefined ? routes.choose(modelName, versionName, takesBlocks) : undefined);
      if (version === undefined) return routes.limits(modelName, versionName).bodyBytesMax;
      version.retain();
      call.found = version;
      const { bodyBytesMax } = version.bodyLimits;
      // The error of one that is too large is another one: to come again later wouldn't help.
      if (bodyBytes < 1 || bodyBytes > bodyBytesMax || !mayBeRefused(call, bodyBytes)) return bodyBytesMax;
      call.announcedBytes = bodyBytes;
      const refusal = refuseEarly(call, version, bodyBytes);
      if (refusal === undefined) return bodyBytesMax;
      call.version = version;
      fail(call, refusal);
    } catch (error) {
      fail(call, error);
    }
    return undefined;
  }

  function predict(call: Call): void {
    try {
      call.startedMs = now();
      admission.enter(call);
      if (!waits(call)) take(call);
    } catch (error) {
      fail(call, error);
    }
  }

  /** Whether the call's version has to be loaded first. */
  function waits(call: Call): boolean {
    if (hold === undefined || call.found !== undefined) return false;
    const version = find(call);
    version?.retain();
    call.found = version;
    call.waitsFor = undefined;
    if (version !== undefined) return false;
    const goOn = () => {
      try {
        if (call.deadlineMs <= now()) return giveUp(call);
        // What it waited for may be gone again.
        if (!waits(call)) take(call);
      } catch (error) {
        fail(call, error);
      }
    };
    call.waitsFor = hold(call, goOn);
    if (call.waitsFor === undefined) return false;
    call.wasCold = true;
    if (!call.bodyLasts) call.body = Buffer.from(call.body);
    call.bodyLasts = true;
    return true;
  }

  function take(call: Call): void {
    try {
      let version = call.found ?? chooseNow(call);
      const { protocol } = call;
      call.version = version;
      call.protocolState = protocolState(version, protocol);
      // Asked already where the length was announced.
      const isAsked = call.announcedBytes !== call.bodyBytes && mayBeRefused(call, call.bodyBytes);
      const refusal = isAsked ? refuseEarly(call, version, call.bodyBytes) : undefined;
      if (refusal !== undefined) {
        fail(call, refusal);
        return;
      }
      if (isLargeBody(call.bodyBytes) && protocol.sliced !== undefined) {
        scheduler.expect(call, call.protocolState.rowBytes.rowsIn(call.bodyBytes)?.least ?? 0);
        takeSlices(call, decodeInSlices(call, protocol.sliced, now, assignByRow), () => queue(call, answerLarge));
        return;
      }
      let request = protocol.decode(call.body, call.head, version);
      if (call.undecided !== undefined) {
        const isReadAlike = assignByRow(call, request.rows);
        version = call.version;
        if (!isReadAlike) request = protocol.decode(call.body, call.head, version);
      }
      takeRows(call, version, request, now());
      if (isLargeCall(call)) {
        takeSlices(call, prepareInSlices(call, now), () => queue(call, answerLarge));
        return;
      }
      validate(call, version);
      call.validatedMs = now();
      const known = version.cache?.find(call);
      if (known !== undefined) {
        call.answer = known;
        send(call, protocol.encode(call.protocolState.frame, call, known));
        return;
      }
      preprocess(call, version);
      call.preprocessedMs = now();
      queue(call, answer);
    } catch (error) {
      fail(call, error);
    }
  }

  /** For a call whose version wasn't ready yet, or known, when its head came. */
  function chooseNow(call: Call): ServingVersion {
    const version = find(call) ?? routes.choose(call.modelName, call.versionName, call.protocol.takesBlocks);
    version.retain();
    call.found = version;
    return version;
  }

  /** @returns Whether its rows stay as they were decoded: false for another version that reads requests otherwise. */
  function assignByRow(call: Call, rows: RowInput): boolean {
    const from = call.version!;
    const version = arms!.findByRow(call, rows);
    if (version === from) return true;
    const { expectedRows } = call;
    scheduler.expectNoMore(call);
    version.retain();
    from.release();
    call.found = version;
    call.version = version;
    call.protocolState = protocolState(version, call.protocol);
    if (expectedRows > 0) scheduler.expect(call, expectedRows);
    return readAlike(from, version);
  }

  /** To ask costs a small call as much again as being let in. */
  function mayBeRefused({ arrivedMs }: Call, bodyBytes: number): boolean {
    return isLargeBody(bodyBytes) || scheduler.isRefusing(arrivedMs);
  }

  /**
   * A call that can't be answered in time whatever its rows are is refused before they are decoded, unless something
   * else can answer for them.
   */
  function refuseEarly(call: Call, version: ServingVersion, bodyBytes: number): ServeError | undefined {
    if (version.fallback !== undefined || version.cache !== undefined) return undefined;
    const rows = protocolState(version, call.protocol).rowBytes.rowsIn(bodyBytes);
    if (rows === undefined) return undefined;
    const timeMs = call.callerTimeoutMs > 0 ? call.callerTimeoutMs : sloTargetMs(version, rows.most);
    return scheduler.refusal(version, rows.least, call.wasCold ? call.deadlineMs : call.arrivedMs + timeMs);
  }

  /**
   * @param onRun - Takes the call once its rows ran; at once if it has none to run: a partial request without a single
   *   good row.
   */
  function queue(call: Call, onRun: (call: Call) => void): void {
    call.onRun = onRun;
    scheduler.expectNoMore(call);
    if (call.rowCount === 0) onRun(call);
    else scheduler.submit(call);
  }

  /** Takes a call whose rows ran, to its reply. */
  function answer(call: Call): void {
    if (call.finished || call.fellBack) return;
    try {
      if (call.error) throw call.error;
      const version = call.version!;
      const { postprocessor } = version;
      // Of a partial request without a single good row nothing ran; its answer has the form of the others.
      const raw = call.rowCount === 0 ? newBlocks(0, postprocessor.inputs) : call.raw;
      const result = postprocessor.run(raw, call.rawFirstRow, call.rowCount);
      checkAnswer(call, result);
      version.cache?.keep(call, result);
      call.postprocessedMs = now();
      call.answer = result;
      send(call, call.protocol.encode(call.protocolState!.frame, call, result));
    } catch (error) {
      fail(call, error);
    }
  }

  function answerLarge(call: Call): void {
    if (call.finished || call.fellBack) return;
    takeSlices(call, answerInSlices(call, now), (reply) => send(call, reply));
  }

  /**
   * Takes steps a slice at a time and goes on with what they give; a call that is given up meanwhile is dropped at the
   * next slice.
   */
  function takeSlices<T>(call: Call, steps: Iterator<unknown, T>, goOn: (given: T) => void): void {
    const { fellBack } = call;
    function* untilGivenUp(): Generator<undefined, void> {
      try {
        while (!call.finished && call.fellBack === fellBack) {
          const slice = steps.next();
          if (slice.done) return goOn(slice.value);
          yield;
        }
      } catch (error) {
        fail(call, error);
      }
    }
    slices.add(untilGivenUp(), call.arrivedMs);
  }

  function fail(call: Call, reason: unknown): void {
    if (call.finished) return;
    const error = ServeError.from(reason);
    if (error.code === "model_failed" || error.code === "model_output_invalid") call.modelFault = error.code;
    if (canFallBack(call, error)) {
      fallBack(call, error);
      return;
    }
    call.error = error;
    call.answer = undefined;
    call.fallback = undefined;
    call.finished = true;
    call.reply.refuse(error);
    end(call);
  }

  function giveUp(call: Call): void {
    const { waitsFor } = call;
    if (waitsFor === undefined) {
      fail(call, new ServeError("deadline_exceeded", "the deadline passed before the answer was ready"));
      return;
    }
    const cold = `${waitsFor} is cold, and wasn't loaded before the call's deadline; it is being loaded: try again`;
    fail(call, new ServeError("not_ready", cold));
  }

  /** A fallback that fails is the plain error. */
  function fallBack(call: Call, error: ServeError): void {
    try {
      takeFallback(call, error);
      if (isLargeCall(call)) {
        takeSlices(call, fallBackInSlices(call, error), (reply) => send(call, reply));
        return;
      }
      call.answer = answerByFallback(call, error);
      send(call, call.protocol.encode(call.protocolState!.frame, call, call.answer));
    } catch {
      fail(call, error);
    }
  }

  function send(call: Call, reply: Encoded): void {
    if (call.finished) return;
    call.finished = true;
    call.reply.send(reply);
    end(call);
  }

  function abandon(call: Call): void {
    call.abandoned = true;
    if (call.finished) return;
    call.answer = undefined;
    call.finished = true;
    end(call);
  }

  function end(call: Call): void {
    call.finishedMs = now();
    scheduler.ended(call);
    admission.leave(call);
    for (let i = 0; i < observers.length; i++) observers[i]!.onCall(call);
    call.found?.release();
  }

  return { announce, predict, fail, giveUp, abandon };
}
