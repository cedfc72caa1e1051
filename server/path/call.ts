/**
 * What travels the path of a call, from its first byte to its record.
 *
 * One mutable object per call: each step fills the fields that are named after it and leaves the others alone, so that
 * a call costs one allocation, and the observers read the same object once it is finished.
 */

import { Buffer } from "node:buffer";
import type { Issue } from "../../bundle/index.js";
import type { Block, Row } from "../../preprocessing/index.js";
import type { ErrorCode, FallbackReason, ServeError } from "../errors.js";
import type { Intake } from "../inference/intake.js";
import type { Version } from "../versions/version.js";
import type { PredictPath } from "./predict.js";

/** The transport's side of a call: takes the one answer. Answering a caller that has left is harmless. */
export interface Reply {
  /**
   * @param body - JSON text, or its bytes.
   * @param call - The call that is answered; its `error` is set when `status` isn't 200, and says whether and when to
   *   try again.
   */
  send(status: number, body: string | Buffer, call: Call): void;
}

/** A row of a partial request that isn't answered. */
export interface RowError {
  row: number;
  code: ErrorCode;
  message: string;
  issues: readonly Issue[];
}

/** Times are milliseconds of the monotonic clock (`performance.now()`); 0 means "not reached". */
export class Call {
  // Given by the transport.
  readonly reply: Reply;
  /** The path that the call is on, from its first step on. */
  path: PredictPath | undefined = undefined;
  requestId = "";
  readonly traceparent: string;
  /** As sent beside `traceparent`; told on, not read. */
  tracestate = "";
  /** `undefined`: the default model. */
  readonly modelName: string | undefined;
  /** `undefined`: the version that the routes choose. */
  readonly versionName: string | undefined;
  readonly contentType: string;
  /** Empty until the body is complete; let go after decoding. */
  body: Buffer = noBytes;
  /** Whether the bytes stay as they are. Otherwise the transport takes them back when `predict` returns. */
  bodyLasts = false;
  bodyBytes = 0;
  /** Content-Length, once it was asked whether a call of that length is let in. */
  announcedBytes = -1;

  /** `x-timeout-ms`; 0 if the caller names no time. */
  callerTimeoutMs = 0;
  /** When the answer should be there: a call that can't be is refused before it is queued. */
  targetMs = Number.POSITIVE_INFINITY;
  /** When its rows were expected to have run, as it was queued. */
  forecastMs = 0;
  /** When it is given up. */
  deadlineMs = Number.POSITIVE_INFINITY;

  // Filled by the steps.
  version: Version | undefined = undefined;
  /**
   * All rows as decoded; in a partial request some of them may be bad. Of a large call, only their number once they are
   * in blocks.
   */
  rows: readonly unknown[] = noRows;
  single = true;
  partial = false;
  rowErrors: RowError[] | undefined = undefined;
  /** The rows that run: all of `rows`, or the good ones of a partial request. */
  goodRows: readonly Row[] = noRows as readonly Row[];
  /** What preprocessing made of them; the call's rows begin at `blockRow`. */
  blocks: readonly Block[] = noBlocks;
  blockRow = 0;
  /** Whose the blocks are, while they aren't the call's own. */
  intake: Intake | undefined = undefined;
  rowCount = 0;
  /** The model's outputs; the call's rows begin at `rawFirstRow`. */
  raw: readonly Block[] = noBlocks;
  rawFirstRow = 0;
  /** Where the rows that run stood among `rows`; undefined when all of them run. */
  rowIndexes: readonly number[] | undefined = undefined;
  /** Rows (of `goodRows`) that the model failed on, even alone. */
  failedRows: number[] | undefined = undefined;
  /** Rows (of `goodRows`) without a valid answer; only a partial request goes on with any. */
  unanswered: ReadonlySet<number> | undefined = undefined;
  /** Of the rows, where the version keeps answers: what this one will be kept under. */
  cacheKeys: readonly string[] | undefined = undefined;
  /** Why the version's fallback answers, in whole or in part. */
  fallback: FallbackReason | undefined = undefined;
  /** Rows (of `goodRows`) that the fallback answers; undefined when it is all of them, or none. */
  fallbackRows: number[] | undefined = undefined;
  /** All of it is answered by the fallback: what is still under way for it is dropped. */
  fellBack = false;

  // The lane's bookkeeping: rows that are still being decoded, and of a call that runs in several batches.
  expectedRows = 0;
  rowsTaken = 0;
  rowsDone = 0;
  onRun: (call: Call) => void = unset;

  // Neighbours in the admission's list of calls in flight.
  previous: Call | undefined = undefined;
  next: Call | undefined = undefined;
  admitted = false;

  // The record.
  readonly arrivedMs: number;
  startedMs = 0;
  decodedMs = 0;
  validatedMs = 0;
  preprocessedMs = 0;
  runStartedMs = 0;
  runEndedMs = 0;
  postprocessedMs = 0;
  finishedMs = 0;
  /** Rows of the batch that answered the call (the last one, if several). */
  batchRows = 0;
  executor: "inline" | "pool" | undefined = undefined;
  /** Answered from the version's cache: nothing ran. */
  cached = false;
  /** What the model did wrong, whatever the caller is told. */
  modelFault: "model_failed" | "model_output_invalid" | undefined = undefined;
  error: ServeError | undefined = undefined;
  finished = false;
  /** The caller left before the answer. */
  abandoned = false;

  constructor(
    reply: Reply,
    arrivedMs: number,
    modelName: string | undefined,
    versionName: string | undefined,
    contentType: string,
    traceparent: string,
  ) {
    this.reply = reply;
    this.arrivedMs = arrivedMs;
    this.modelName = modelName;
    this.versionName = versionName;
    this.contentType = contentType;
    this.traceparent = traceparent;
  }
}

const noBytes = Buffer.alloc(0);
const noRows: readonly unknown[] = Object.freeze([]);
const noBlocks: readonly Block[] = Object.freeze([]);
function unset(): void {
  throw new Error("a call ran that no step waits for");
}
