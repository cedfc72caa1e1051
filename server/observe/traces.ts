/**
 * Traces: which calls are sampled, and their way out to OpenTelemetry, of which nothing is loaded before a collector is
 * named.
 *
 * Spans are made of the record of a finished call (`call-spans.ts`), so a call that isn't sampled costs one random
 * number, or one look at its caller's flag. A collector that is slow, wrong or gone costs spans, which are counted, and
 * never an answer.
 */

import type { CallRecord } from "../path/call.js";
import type { Observer } from "./observer.js";
import type { TraceSettings } from "./trace-settings.js";

/** What a call's span is known by, as hexadecimal digits. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** Takes the spans of sampled calls. */
export interface SpanOutput {
  /** @returns Undefined if there was no room for the call's spans. */
  record(call: CallRecord): SpanIds | undefined;
  /** Spans that were not delivered. */
  readonly dropped: number;
  /**
   * Delivers what is there.
   *
   * @returns False if the time ran out: what was begun goes on in the background.
   */
  close(timeoutMs: number): Promise<boolean>;
}

export interface TracesOptions {
  /** Undefined: no traces. */
  readonly settings: TraceSettings | undefined;
  /** Loads OpenTelemetry. */
  readonly open: (settings: TraceSettings, onTrouble: (message: string) => void) => Promise<SpanOutput>;
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  readonly log: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}

/** A collector that is gone fails many times a second: it is told once in so many milliseconds. */
const troubleEveryMs = 60_000;

export class Traces implements Observer {
  readonly #options: TracesOptions;
  #output: SpanOutput | undefined;
  /** The last call, if it is traced, and its span. */
  #traced: CallRecord | undefined;
  #span: SpanIds | undefined;
  #troubleToldMs = Number.NEGATIVE_INFINITY;

  constructor(options: TracesOptions) {
    this.#options = options;
  }

  /** Spans that were made, or would have been made, and weren't delivered. */
  get dropped(): number {
    return this.#output?.dropped ?? 0;
  }

  /**
   * Loads OpenTelemetry, if traces are wanted. Calls before that aren't sampled; a failure is told, and there are no
   * traces.
   */
  async begin(): Promise<void> {
    const { settings, open, log } = this.#options;
    if (settings === undefined) return;
    try {
      this.#output = await open(settings, (message) => this.#tell(message));
      log("info", "traces are on", { share: settings.share, parent_based: settings.parentBased });
    } catch (error) {
      log("error", `there are no traces: ${(error as Error).message}`, {});
    }
  }

  onCall(call: CallRecord): void {
    const output = this.#output;
    if (output === undefined) return;
    this.#traced = undefined;
    if (!this.#samples(call.traceparent)) return;
    try {
      this.#span = output.record(call);
      this.#traced = call;
    } catch (error) {
      this.#tell(`a call's spans couldn't be made: ${(error as Error).stack}`);
    }
  }

  /** The span of the call that was read last, for its log line; undefined if it isn't sampled. */
  spanOf(call: CallRecord): SpanIds | undefined {
    return call === this.#traced ? this.#span : undefined;
  }

  async close(timeoutMs: number): Promise<boolean> {
    const output = this.#output;
    if (output === undefined) return true;
    const delivered = await output.close(timeoutMs);
    if (!delivered)
      this.#options.log("warn", "traces: the last spans weren't taken in time", { spans_dropped: this.dropped });
    return delivered;
  }

  #samples(traceparent: string): boolean {
    const { settings, random } = this.#options;
    if (traceparent !== "" && settings!.parentBased) return isSampled(traceparent);
    return random() < settings!.share;
  }

  #tell(message: string): void {
    const { now, log } = this.#options;
    const nowMs = now();
    if (nowMs - this.#troubleToldMs < troubleEveryMs) return;
    this.#troubleToldMs = nowMs;
    log("warn", `traces: ${message}`, { spans_dropped: this.dropped });
  }
}

/** The lowest bit of the flags, which are the last two hexadecimal digits. */
function isSampled(traceparent: string): boolean {
  return "13579bdf".includes(traceparent.charAt(54));
}
