/** Records of finished calls, as observers read them. */

import { type ErrorCode, ServeError } from "../../server/errors.js";
import type { Call } from "../../server/path/call.js";
import type { Servable } from "../../server/versions/servable.js";
import { makeCall } from "./calls.js";

/** The time of each stage, milliseconds. */
export interface StageTimes {
  wait: number;
  decode: number;
  validate: number;
  preprocess: number;
  queue: number;
  run: number;
  postprocess: number;
  reply: number;
}

export const quick: StageTimes = {
  wait: 1,
  decode: 2,
  validate: 3,
  preprocess: 4,
  queue: 5,
  run: 6,
  postprocess: 7,
  reply: 8,
};

export interface RecordOptions {
  version?: Servable | undefined;
  times?: Partial<StageTimes>;
  rows?: number;
  /** Rows without an answer, of a partial request. */
  unanswered?: number;
  error?: ErrorCode | ServeError;
  abandoned?: boolean;
  traceparent?: string;
}

/**
 * A call that has gone its way to the end: answered, refused by the scheduler, or left by its caller while it waited.
 */
export function makeRecord(options: RecordOptions): Call {
  const { version, rows = 1, unanswered = 0, error, abandoned = false } = options;
  const times = { ...quick, ...options.times };
  const { call } = makeCall({ traceparent: options.traceparent ?? "" });
  const after = (fromMs: number, stage: keyof StageTimes) => fromMs + times[stage];
  call.version = version;
  call.rowCount = rows;
  call.bodyBytes = 10;
  call.startedMs = after(call.arrivedMs, "wait");
  call.decodedMs = after(call.startedMs, "decode");
  call.validatedMs = after(call.decodedMs, "validate");
  call.preprocessedMs = after(call.validatedMs, "preprocess");
  if (error !== undefined || abandoned) {
    if (error !== undefined) call.error = typeof error === "string" ? new ServeError(error, "it failed") : error;
    call.abandoned = abandoned;
    call.finishedMs = call.preprocessedMs;
  } else {
    if (rows > 0) {
      call.runStartedMs = after(call.preprocessedMs, "queue");
      call.runEndedMs = after(call.runStartedMs, "run");
      call.executor = "inline";
      call.batchRows = rows;
    }
    if (unanswered > 0) call.unanswered = new Set(Array.from({ length: unanswered }, (_, i) => i));
    call.postprocessedMs = after(rows > 0 ? call.runEndedMs : call.preprocessedMs, "postprocess");
    call.finishedMs = after(call.postprocessedMs, "reply");
  }
  call.finished = true;
  return call;
}
