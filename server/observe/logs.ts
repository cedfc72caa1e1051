/**
 * Logs: one JSON line per event on standard error, and one per call for every error, every slow call and a sample of
 * the others.
 *
 * Lines are gathered and written by one asynchronous write at a time, because a pipe whose reader is slow or gone would
 * otherwise stop the event loop. What doesn't fit into the buffer is dropped and counted. A row's values never stand in
 * a log.
 */

import { write } from "node:fs";
import type { ServeError } from "../errors.js";
import type { CallRecord } from "../path/call.js";
import type { SpanIds } from "./traces.js";

export type AccessLog = "all" | "sampled" | "off";

export interface LogOptions {
  readonly accessLog: AccessLog;
  /** Share of ordinary calls that are logged when `accessLog` is "sampled". */
  readonly sampleShare: number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  /** Wall clock, for the `time` of a line. */
  readonly wallClock: () => Date;
  /** Writes bytes and tells whether they were taken; by default standard error. */
  readonly sink?: (bytes: Buffer, done: (taken: boolean) => void) => void;
}

/** Beyond this the reader is too slow, bytes. */
const bufferedBytesMax = 1_048_576;
/** How long lines are gathered before they are written, milliseconds. */
const gatherMs = 20;
/** Refusals may be thousands a second: so many a second of a kind get a line each, the others are counted in one. */
const refusalLinesMax = 20;
const refusalPeriodMs = 1000;

/** A request that was refused before it became a call. */
export interface Refusal {
  readonly requestId: string;
  readonly error: ServeError;
  readonly method: string;
  /** Bounded already. */
  readonly address: string;
}

export class Logs {
  readonly #options: LogOptions;
  readonly #sink: (bytes: Buffer, done: (taken: boolean) => void) => void;
  #lines: string[] = [];
  #bufferedBytes = 0;
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  #onFlushed: (() => void) | undefined;
  dropped = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#sink = options.sink ?? writeToStandardError;
  }

  event(level: "info" | "warn" | "error", message: string, fields: Record<string, unknown> = {}): void {
    this.#line({ time: this.#options.wallClock().toISOString(), level, message, ...fields });
  }

  /**
   * Reads the record of a finished call.
   *
   * @param span - The call's own, if it is traced.
   */
  observeCall(call: CallRecord, span: SpanIds | undefined = undefined): void {
    const { accessLog, sampleShare, random } = this.#options;
    const slow = call.version !== undefined && call.finishedMs - call.arrivedMs > call.version.sloMs;
    const wrong = call.error !== undefined;
    const fellBack = call.fallback !== undefined;
    if (wrong && accessLog !== "all" && this.#onlyCounts(call.error!)) return;
    if (!wrong && !slow && !fellBack) {
      if (accessLog === "off") return;
      if (accessLog === "sampled" && random() >= sampleShare) return;
    }
    const serverFault = wrong && call.error!.status >= 500;
    this.#line({
      time: this.#options.wallClock().toISOString(),
      level: serverFault ? "error" : wrong || slow || fellBack ? "warn" : "info",
      message: wrong ? withoutValues(call.error!) : fellBack ? "answered by the fallback" : slow ? "slow call" : "call",
      request_id: call.requestId,
      ...traceFields(call.traceparent, span),
      model: call.version?.name ?? call.modelName,
      version: call.version?.number,
      result: wrong ? call.error!.code : call.abandoned ? "abandoned" : fellBack ? "fallback" : "ok",
      fallback: call.fallback,
      cached: call.cached || undefined,
      status: wrong ? call.error!.status : call.abandoned ? undefined : 200,
      rows: call.rowCount,
      bytes: call.bodyBytes,
      executor: call.executor,
      batch_rows: call.batchRows || undefined,
      ms: milliseconds(call.arrivedMs, call.finishedMs),
      queue_ms: milliseconds(call.preprocessedMs, call.runStartedMs),
      run_ms: milliseconds(call.runStartedMs, call.runEndedMs),
      ...(serverFault && call.error!.cause !== undefined ? { cause: causeText(call.error!.cause) } : {}),
    });
  }

  observeRefusal({ requestId, error, method, address }: Refusal): void {
    if (this.#options.accessLog !== "all" && this.#misdirected.onlyCounts()) return;
    this.#line({
      time: this.#options.wallClock().toISOString(),
      level: "warn",
      message: error.message,
      request_id: requestId,
      result: error.code,
      status: error.status,
      method: method.slice(0, 20),
      address,
    });
  }

  readonly #overload = new LineBudget((count) =>
    this.event("error", "more calls were refused, without a line for each", {
      result: "overloaded",
      status: 503,
      count,
    }),
  );
  /** Of requests to what isn't there: a scanner's, or those of a client with a wrong address. */
  readonly #misdirected = new LineBudget((count) =>
    this.event("warn", "more requests were refused for their address, verb or framing, without a line for each", {
      count,
    }),
  );

  #onlyCounts({ code }: ServeError): boolean {
    if (code === "overloaded") return this.#overload.onlyCounts();
    return code === "model_not_found" && this.#misdirected.onlyCounts();
  }

  /**
   * Resolves when everything logged so far was handed to the system, or after `timeoutMs` if its reader doesn't take
   * it.
   */
  async flush(timeoutMs: number): Promise<void> {
    this.#overload.tell();
    this.#misdirected.tell();
    if (!this.#writing && this.#lines.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onFlushed = () => {
        clearTimeout(timer);
        resolve();
      };
      if (!this.#writing) this.#write();
    });
  }

  #line(fields: Record<string, unknown>): void {
    const line = `${JSON.stringify(fields)}\n`;
    if (this.#bufferedBytes + line.length > bufferedBytesMax) {
      this.dropped++;
      return;
    }
    this.#lines.push(line);
    this.#bufferedBytes += line.length;
    // Not at once: at 30,000 calls a second one write per sampled line costs 2 % of the event loop.
    if (!this.#writing) this.#timer ??= setTimeout(() => this.#write(), gatherMs);
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bytes = Buffer.from(this.#lines.join(""));
    const lineCount = this.#lines.length;
    this.#lines = [];
    this.#bufferedBytes = 0;
    this.#writing = true;
    this.#sink(bytes, (taken) => {
      if (!taken) this.dropped += lineCount;
      this.#writing = false;
      if (this.#lines.length > 0) this.#write();
      else this.#onFlushed?.();
    });
  }
}

/** Lines of one kind in a second, and one line that counts the others. */
class LineBudget {
  readonly #tell: (count: number) => void;
  #events = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (count: number) => void) {
    this.#tell = tell;
  }

  /** @returns Whether this event gets no line of its own. */
  onlyCounts(): boolean {
    this.#timer ??= setTimeout(() => this.tell(), refusalPeriodMs).unref();
    return ++this.#events > refusalLinesMax;
  }

  /** Ends the period. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const count = this.#events - refusalLinesMax;
    this.#events = 0;
    if (count > 0) this.#tell(count);
  }
}

function traceFields(traceparent: string, span: SpanIds | undefined): Record<string, unknown> {
  const parent =
    traceparent === "" ? undefined : { trace_id: traceparent.slice(3, 35), parent_span_id: traceparent.slice(36, 52) };
  return span === undefined ? { ...parent } : { ...parent, trace_id: span.traceId, span_id: span.spanId };
}

function milliseconds(fromMs: number, toMs: number): number | undefined {
  return fromMs > 0 && toMs > 0 ? Math.round((toMs - fromMs) * 1000) / 1000 : undefined;
}

/** What a caller hears of a bad row repeats what it sent; the log says only where, and what was expected. */
function withoutValues({ message, issues = [] }: ServeError): string {
  const [first] = issues;
  if (first === undefined) return message;
  const others = issues.length > 1 ? ` (and ${issues.length - 1} more issues)` : "";
  return `row ${first.row}, feature ${JSON.stringify(first.feature)}: expected ${first.expected}${others}`;
}

function causeText(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

/** Writes all of it, or gives up on a reader that is gone and on a disk that is full: there is nobody left to tell. */
function writeToStandardError(bytes: Buffer, done: (taken: boolean) => void): void {
  write(2, bytes, 0, bytes.length, null, (error, written) => {
    if (error?.code === "EAGAIN") setTimeout(() => writeToStandardError(bytes, done), 10);
    else if (!error && written < bytes.length) writeToStandardError(bytes.subarray(written), done);
    else done(!error);
  });
}
