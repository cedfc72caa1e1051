/**
 * Statistics of inference as Triton counts them: what `/v2/models/{m}/stats` answers, and the counters `nv_inference_*`.
 * Both read the same numbers, so they are in step.
 *
 * A success is a call that was answered. It is computed if the model ran for it: not where the cache or a fallback
 * answered for all of it. Times of calls that failed count for `fail` alone.
 */

import type { CallRecord } from "../path/call.js";
import { type ServingVersion, servedBy } from "../path/serving-version.js";
import type { Sample } from "./exposition.js";
import type { GaugeSource } from "./metrics.js";
import type { Observer } from "./observer.js";

/** How often something happened, and how long it took in all, milliseconds. */
export interface Total {
  readonly count: number;
  readonly ms: number;
}

class Sum implements Total {
  count = 0;
  ms = 0;

  add(ms: number): void {
    this.count++;
    this.ms += ms;
  }
}

/** Triton's closed set. */
type FailureReason = "REJECTED" | "CANCELED" | "BACKEND" | "OTHER";

/** What is counted of a version; times are milliseconds. */
export interface InferenceCounts {
  /** Milliseconds since 1970 when a batch ended last; 0 before the first. */
  readonly lastInferenceMs: number;
  /** Rows of computed calls. */
  readonly rows: number;
  /** Batches that ran. */
  readonly executions: number;
  readonly success: Total;
  readonly fail: Total;
  /** Of each success; nothing for one that never waited. */
  readonly queue: Total;
  /** Of each computed call: decode, validate, preprocess. */
  readonly input: Total;
  readonly infer: Total;
  /** Postprocess and reply. */
  readonly output: Total;
  readonly cacheHit: Total;
  /** How many computed calls a cache didn't know. */
  readonly cacheMisses: number;
  /** By rows of a batch; times of input and output are those of calls whose last rows ran in it. */
  readonly batches: ReadonlyMap<number, BatchCounts>;
}

export interface BatchCounts {
  readonly count: number;
  readonly inputMs: number;
  readonly inferMs: number;
  readonly outputMs: number;
}

class VersionCounts implements InferenceCounts {
  /** As they are written. */
  readonly labels: { readonly model: string; readonly version: string };
  lastInferenceMs = 0;
  rows = 0;
  executions = 0;
  readonly success = new Sum();
  readonly fail = new Sum();
  readonly queue = new Sum();
  readonly input = new Sum();
  readonly infer = new Sum();
  readonly output = new Sum();
  readonly cacheHit = new Sum();
  cacheMisses = 0;
  readonly batches = new Map<number, { -readonly [Key in keyof BatchCounts]: BatchCounts[Key] }>();
  readonly failures: Record<FailureReason, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };

  constructor({ name, number }: ServingVersion) {
    this.labels = { model: name, version: String(number) };
  }

  batch(rowCount: number) {
    let counts = this.batches.get(rowCount);
    if (counts === undefined) {
      counts = { count: 0, inputMs: 0, inferMs: 0, outputMs: 0 };
      this.batches.set(rowCount, counts);
    }
    return counts;
  }
}

export class Statistics implements Observer {
  readonly #wallMs: () => number;
  readonly #counts = new Map<ServingVersion, VersionCounts>();

  /** @param wallMs - Milliseconds since 1970. */
  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  /** Begins to count for a version, so that its counters are there from the first scrape on. */
  addVersion(version: ServingVersion): void {
    this.#counts.set(version, new VersionCounts(version));
  }

  removeVersion(version: ServingVersion): void {
    this.#counts.delete(version);
  }

  /** Of a version or of a view of it; undefined for one that is gone. */
  of(version: ServingVersion): InferenceCounts | undefined {
    return this.#counts.get(servedBy(version));
  }

  onCall(call: CallRecord): void {
    const counts = call.version && this.#counts.get(servedBy(call.version));
    if (counts === undefined) return;
    const tookMs = call.finishedMs - call.arrivedMs;
    if (call.error || call.abandoned) {
      counts.fail.add(tookMs);
      counts.failures[reasonOf(call)]++;
      return;
    }
    counts.success.add(tookMs);
    if (call.cached) counts.cacheHit.add(call.finishedMs - call.validatedMs);
    // Of a partial request without a single good row nothing ran.
    if (call.cached || call.fellBack || call.rowCount === 0) counts.queue.add(0);
    else countComputed(counts, call);
  }

  observeBatch(version: ServingVersion, rowCount: number, durationUs: number): void {
    const counts = this.#counts.get(version);
    if (counts === undefined) return;
    counts.lastInferenceMs = this.#wallMs();
    counts.executions++;
    const batch = counts.batch(rowCount);
    batch.count++;
    batch.inferMs += durationUs / 1000;
  }

  /** What it holds is read, not delivered. */
  async close(): Promise<boolean> {
    return true;
  }

  /** Triton's counters, microseconds where the name says so. */
  get counters(): readonly GaugeSource[] {
    const counter = (name: string, help: string, read: (counts: VersionCounts) => number): GaugeSource => ({
      name: `nv_inference_${name}`,
      help,
      read: () => [...this.#counts.values()].map((counts) => ({ labels: counts.labels, value: read(counts) })),
    });
    const duration = (what: "request" | "queue" | "compute_input" | "compute_infer" | "compute_output") => {
      const read = { request: "success", queue: "queue", compute_input: "input", compute_infer: "infer" } as const;
      const total = what === "compute_output" ? "output" : read[what];
      const help = `Cumulative ${what.replace("_", " ")} duration of successful inference requests, microseconds.`;
      return counter(`${what}_duration_us`, help, (counts) => Math.round(counts[total].ms * 1000));
    };
    return [
      counter("request_success", "Number of successful inference requests.", ({ success }) => success.count),
      {
        name: "nv_inference_request_failure",
        help: "Number of failed inference requests.",
        read: () => [...this.#counts.values()].flatMap(failuresOf),
      },
      counter("count", "Number of inferences performed (rows).", ({ rows }) => rows),
      counter("exec_count", "Number of model executions performed (batches).", ({ executions }) => executions),
      duration("request"),
      duration("queue"),
      duration("compute_input"),
      duration("compute_infer"),
      duration("compute_output"),
    ];
  }
}

function countComputed(counts: VersionCounts, call: CallRecord): void {
  const { startedMs, preprocessedMs, runStartedMs, runEndedMs, finishedMs } = call;
  const inputMs = preprocessedMs - startedMs;
  const outputMs = finishedMs - runEndedMs;
  if (call.version!.cache !== undefined) counts.cacheMisses++;
  counts.rows += call.rowCount;
  counts.queue.add(runStartedMs - preprocessedMs);
  counts.input.add(inputMs);
  counts.infer.add(runEndedMs - runStartedMs);
  counts.output.add(outputMs);
  const batch = counts.batch(call.batchRows);
  batch.inputMs += inputMs;
  batch.outputMs += outputMs;
}

function reasonOf({ error }: CallRecord): FailureReason {
  if (error === undefined) return "CANCELED";
  const { code } = error;
  if (code === "overloaded" || code === "deadline_exceeded" || code === "not_ready") return "REJECTED";
  return code === "model_failed" || code === "model_output_invalid" ? "BACKEND" : "OTHER";
}

function failuresOf({ labels, failures }: VersionCounts): Sample[] {
  return Object.entries(failures).map(([reason, value]) => ({ labels: { ...labels, reason }, value }));
}
