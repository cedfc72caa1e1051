/**
 * What travels the path of a call, from its first byte to its record.
 *
 * One mutable object per call: each step fills the fields that are named after it and leaves the others alone, so that
 * a call costs one allocation, and the observers read the same object once it is finished. Who has to do with a part of
 * it sees that part alone: {@link CallInput}, {@link CallWork}, {@link CallRecord}.
 */

import { Buffer } from "node:buffer";
import type { Answer, Block, Row, RowInput } from "../../preprocessing/index.js";
import type { FallbackReason, RowError, ServeError } from "../errors.js";
import type { DecodedRequest, Encoded, Protocol, RequestHead } from "../protocol/protocol.js";
import type { Arm, ModelRoute, Shadow } from "../routing/route-table.js";
import type { BatchRow, RequestRow, RunningRow } from "./row-index.js";
import type { ProtocolState, ServingVersion } from "./serving-version.js";

/** The transport's side of a call: takes one answer or one error. What comes after the caller has left is dropped. */
export interface Reply {
  send(reply: Encoded): void;
  /** @param error - Says with which status, and whether and when to try again. */
  refuse(error: ServeError): void;
}

/** A finished call, as observers read it. Times are milliseconds of the monotonic clock; 0 means "not reached". */
export interface CallRecord {
  readonly requestId: string;
  /** In which it was asked and answered. */
  readonly protocol: Pick<Protocol, "name">;
  /** Of the caller's span; empty without one. */
  readonly traceparent: string;
  /** As sent beside `traceparent`; told on, not read. */
  readonly tracestate: string;
  /** As the address names it; `undefined`: the default model. */
  readonly modelName: string | undefined;
  /** `undefined`: the version that the routes choose. */
  readonly versionName: string | undefined;
  readonly bodyBytes: number;
  /** The version that answered; undefined for a call that ended before its body was there, or for which there is none. */
  readonly version: ServingVersion | undefined;
  /** As its model's route has it; undefined without a route, for an address that names a version, or before it is known. */
  readonly arm: Arm | undefined;
  /** The key that its arm was drawn by; empty where it wasn't drawn. */
  readonly armKey: string;
  /** Versions that are to answer its rows too, after the reply; undefined for none. */
  readonly shadows: readonly Shadow[] | undefined;
  /**
   * All rows as decoded; in a partial request some of them may be bad. Of a large call, only their number once they are
   * in blocks.
   */
  readonly rows: RowInput;
  /** Of the rows that run: all of `rows`, or the good ones of a partial request. */
  readonly rowCount: number;
  /** The rows that run; none once they are let go, as those of a large call are. */
  readonly goodRows: RowInput<Row>;
  /** Where the rows that run stood among `rows`; undefined when all of them run. */
  readonly rowIndexes: readonly RequestRow[] | undefined;
  /** What was answered to the rows that ran, in their order; undefined where nothing was. */
  readonly answer: Readonly<Answer> | undefined;
  readonly rowErrors: readonly RowError[] | undefined;
  /** Rows that ran without a valid answer; only a partial request goes on with any. */
  readonly unanswered: ReadonlySet<RunningRow> | undefined;
  /** Why the version's fallback answers, in whole or in part. */
  readonly fallback: FallbackReason | undefined;
  /** Rows that the fallback answers; undefined when it is all of them, or none. */
  readonly fallbackRows: readonly RunningRow[] | undefined;
  /** All of it is answered by the fallback: what is still under way for it is dropped. */
  readonly fellBack: boolean;
  /** Answered from the version's cache: nothing ran. */
  readonly cached: boolean;
  /** What the model did wrong, whatever the caller is told. */
  readonly modelFault: "model_failed" | "model_output_invalid" | undefined;
  /** What it was refused with. */
  readonly error: ServeError | undefined;
  /** The caller left before the answer. */
  readonly abandoned: boolean;
  readonly executor: "inline" | "pool" | undefined;
  /** Rows of the batch that answered the call (the last one, if several). */
  readonly batchRows: number;
  /** Fields of its rows that nobody reads, where the schema lets them pass. */
  readonly ignoredFields: number;
  /** Rows that ran; fewer than `rowCount` if it ended while it ran. */
  readonly rowsDone: number;
  readonly arrivedMs: number;
  readonly startedMs: number;
  readonly decodedMs: number;
  readonly validatedMs: number;
  readonly preprocessedMs: number;
  readonly runStartedMs: number;
  readonly runEndedMs: number;
  readonly postprocessedMs: number;
  readonly finishedMs: number;
}

/** What the transport gives beside what makes a call. */
export type CallInput = Pick<Call, "requestId" | "tracestate" | "body" | "bodyLasts" | "bodyBytes" | "callerTimeoutMs">;

/** What the steps work on: all but the bookkeeping of the lane and of the admission. */
export type CallWork = Omit<
  Call,
  "reply" | "expectedRows" | "rowsTaken" | "forecastMs" | "onRun" | "previous" | "next" | "admitted"
>;

export class Call implements CallRecord {
  // Given by the transport.
  readonly protocol: Protocol;
  readonly reply: Reply;
  requestId = "";
  readonly traceparent: string;
  tracestate = "";
  readonly modelName: string | undefined;
  readonly versionName: string | undefined;
  readonly head: RequestHead;
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
  /** The version that was found when its head came; the call is that version's once the body is there. */
  found: ServingVersion | undefined = undefined;
  version: ServingVersion | undefined = undefined;
  /** The key of the version that is being loaded for it; undefined once it goes on. */
  waitsFor: string | undefined = undefined;
  /** It waited for a version to be loaded: its target is its deadline. */
  wasCold = false;
  arm: Arm | undefined = undefined;
  armKey = "";
  shadows: readonly Shadow[] | undefined = undefined;
  /** The route by which the call's rows will say its arm; until then it is the champion's. */
  undecided: ModelRoute | undefined = undefined;
  /** What the version keeps for the call's protocol. */
  protocolState: ProtocolState | undefined = undefined;
  request: DecodedRequest = noRequest;
  ignoredFields = 0;
  rowErrors: readonly RowError[] | undefined = undefined;
  goodRows: RowInput<Row> = noRows;
  /** What preprocessing made of them; the call's rows begin at `blockRow`. */
  blocks: readonly Block[] = noBlocks;
  blockRow = 0;
  rowCount = 0;
  /** The model's outputs; the call's rows begin at `rawFirstRow`. */
  raw: readonly Block[] = noBlocks;
  rawFirstRow: BatchRow = 0;
  rowIndexes: readonly RequestRow[] | undefined = undefined;
  /** Rows that the model failed on, even alone. */
  failedRows: RunningRow[] | undefined = undefined;
  unanswered: ReadonlySet<RunningRow> | undefined = undefined;
  answer: Readonly<Answer> | undefined = undefined;
  /** Of the rows, where the version keeps answers: what this one will be kept under. */
  cacheKeys: readonly string[] | undefined = undefined;
  fallback: FallbackReason | undefined = undefined;
  fallbackRows: RunningRow[] | undefined = undefined;
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

  // How it went, for its record.
  readonly arrivedMs: number;
  startedMs = 0;
  decodedMs = 0;
  validatedMs = 0;
  preprocessedMs = 0;
  runStartedMs = 0;
  runEndedMs = 0;
  postprocessedMs = 0;
  finishedMs = 0;
  batchRows = 0;
  executor: "inline" | "pool" | undefined = undefined;
  cached = false;
  modelFault: "model_failed" | "model_output_invalid" | undefined = undefined;
  error: ServeError | undefined = undefined;
  finished = false;
  abandoned = false;

  constructor(
    protocol: Protocol,
    reply: Reply,
    arrivedMs: number,
    modelName: string | undefined,
    versionName: string | undefined,
    head: RequestHead,
    traceparent: string,
  ) {
    this.protocol = protocol;
    this.reply = reply;
    this.arrivedMs = arrivedMs;
    this.modelName = modelName;
    this.versionName = versionName;
    this.head = head;
    this.traceparent = traceparent;
  }

  get rows(): RowInput {
    return this.request.rows;
  }
}

const noBytes = Buffer.alloc(0);
const noRows: readonly Row[] = Object.freeze([]);
const noRequest: DecodedRequest = Object.freeze({ rows: noRows, partial: false });
const noBlocks: readonly Block[] = Object.freeze([]);
function unset(): void {
  throw new Error("a call ran that no step waits for");
}
