/**
 * The access log: a line for every error, every slow call and a sample of the others. A row's values never stand in it.
 */

import type { ServeError } from "../errors.js";
import type { CallRecord } from "../path/call.js";
import type { Logs } from "./logs.js";
import type { Observer } from "./observer.js";
import type { SpanIds } from "./traces.js";

export type LoggedCalls = "all" | "sampled" | "off";

export interface AccessLogOptions {
  readonly logs: Pick<Logs, "event">;
  readonly accessLog: LoggedCalls;
  /** Share of ordinary calls that are logged when `accessLog` is "sampled". */
  readonly sampleShare: number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  /** The call's own span, if it is traced. */
  readonly spanOf: (call: CallRecord) => SpanIds | undefined;
}

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

export class AccessLog implements Observer {
  readonly #options: AccessLogOptions;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  onCall(call: CallRecord): void {
    const { accessLog, sampleShare, random, logs, spanOf } = this.#options;
    const slow = call.version !== undefined && call.finishedMs - call.arrivedMs > call.version.sloMs;
    const wrong = call.error !== undefined;
    const fellBack = call.fallback !== undefined;
    if (wrong && accessLog !== "all" && this.#onlyCounts(call.error!)) return;
    if (!wrong && !slow && !fellBack) {
      if (accessLog === "off") return;
      if (accessLog === "sampled" && random() >= sampleShare) return;
    }
    const serverFault = wrong && call.error!.status >= 500;
    const level = serverFault ? "error" : wrong || slow || fellBack ? "warn" : "info";
    const message = wrong
      ? withoutValues(call.error!)
      : fellBack
        ? "answered by the fallback"
        : slow
          ? "slow call"
          : "call";
    logs.event(level, message, {
      request_id: call.requestId,
      ...traceFields(call.traceparent, spanOf(call)),
      model: call.version?.name ?? call.modelName,
      version: call.version?.number,
      arm: call.arm?.name,
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

  onRefusal({ requestId, error, method, address }: Refusal): void {
    const { accessLog, logs } = this.#options;
    if (accessLog !== "all" && this.#misdirected.onlyCounts()) return;
    logs.event("warn", error.message, {
      request_id: requestId,
      result: error.code,
      status: error.status,
      method: method.slice(0, 20),
      address,
    });
  }

  readonly #overload = new LineBudget((count) =>
    this.#options.logs.event("error", "more calls were refused, without a line for each", {
      result: "overloaded",
      status: 503,
      count,
    }),
  );
  /** Of requests to what isn't there: a scanner's, or those of a client with a wrong address. */
  readonly #misdirected = new LineBudget((count) =>
    this.#options.logs.event(
      "warn",
      "more requests were refused for their address, verb or framing, without a line for each",
      {
        count,
      },
    ),
  );

  #onlyCounts({ code }: ServeError): boolean {
    if (code === "overloaded") return this.#overload.onlyCounts();
    return code === "model_not_found" && this.#misdirected.onlyCounts();
  }

  async close(): Promise<boolean> {
    this.#overload.tell();
    this.#misdirected.tell();
    return true;
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
