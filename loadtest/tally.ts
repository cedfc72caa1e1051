/** Counts the requests of one kind: a latency histogram in microseconds, and the errors by kind. */

import { build, type Histogram } from "hdr-histogram-js";

/** How a request ended: with a reply, or without one for a reason (a socket error's code or a short sentence). */
export type Outcome = { readonly status: number } | { readonly failure: string };

/** The kind of error of an outcome, e.g. "status 503", "ECONNREFUSED"; undefined for a 200. */
export function errorKind(outcome: Outcome): string | undefined {
  if ("failure" in outcome) return outcome.failure;
  return outcome.status === 200 ? undefined : `status ${outcome.status}`;
}

/** The kind of a request without an answer when the run ended. */
export const unanswered = "unanswered";

export interface LatencyMs {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly max: number;
}

export interface TallySummary {
  readonly requests: number;
  /** Replies with status 200. */
  readonly ok: number;
  /** Everything else, by kind: "status 503", "ECONNREFUSED", "unanswered". */
  readonly errors: Readonly<Record<string, number>>;
  /** Absent where no request has a latency. */
  readonly latencyMs: LatencyMs | undefined;
}

const latencyUsMax = 3_600_000_000;

export class Tally {
  readonly #latencyUs: Histogram = build({ highestTrackableValue: latencyUsMax, numberOfSignificantValueDigits: 3 });
  readonly #errors = new Map<string, number>();
  #ok = 0;
  #failed = 0;

  /**
   * A reply or a failure after `latencyMs`. Only a 200 counts into the latency: a quick refusal must not make the
   * server look fast.
   */
  record(outcome: Outcome, latencyMs: number): void {
    const kind = errorKind(outcome);
    if (kind !== undefined) {
      this.#recordError(kind);
    } else {
      this.#ok++;
      this.#recordLatency(latencyMs);
    }
  }

  /**
   * A request without an answer when the run ended: an error, and `waitedMs` is a lower bound of its latency, so it
   * counts there too.
   */
  recordUnanswered(waitedMs: number): void {
    this.#recordError(unanswered);
    this.#recordLatency(waitedMs);
  }

  summary(): TallySummary {
    const at = (percentile: number) => this.#latencyUs.getValueAtPercentile(percentile) / 1000;
    const known = this.#latencyUs.totalCount > 0;
    return {
      requests: this.#ok + this.#failed,
      ok: this.#ok,
      errors: Object.fromEntries([...this.#errors].sort(([, a], [, b]) => b - a)),
      latencyMs: known
        ? { p50: at(50), p95: at(95), p99: at(99), p99_9: at(99.9), max: this.#latencyUs.maxValue / 1000 }
        : undefined,
    };
  }

  #recordLatency(latencyMs: number): void {
    this.#latencyUs.recordValue(Math.min(latencyUsMax, Math.max(1, Math.round(latencyMs * 1000))));
  }

  #recordError(kind: string): void {
    this.#failed++;
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
  }
}
