/**
 * Metrics: every finished call and every batch, per version.
 *
 * Own names are `plumb_*`, in seconds, as histograms that can be added up over servers; Triton's, so that existing
 * dashboards work unchanged, come from `statistics.ts`. Label values come from closed sets only:
 * loaded models and versions, stages, executors, codes of the error table. A version that was never called has no
 * series of results, but for those whose very first event an alert is about, and no histogram is written without an
 * observation: a server of hundreds of versions would write megabytes of zeros.
 */

import { noPause, type Pause } from "../../bundle/index.js";
import { type ErrorCode, type FallbackReason, isFallbackReason, publicCodes } from "../errors.js";
import type { CallRecord } from "../path/call.js";
import { sloTargetMs } from "../path/deadline.js";
import { type ServingVersion, servedBy } from "../path/serving-version.js";
import {
  contentType,
  type Family,
  familyText,
  histogramText,
  joinLabels,
  labelText,
  type Merge,
  type Sample,
  samplesText,
} from "./exposition.js";
import { Histogram, latencyBounds, rowBounds } from "./histogram.js";
import type { Observer } from "./observer.js";
import { openProcessMetrics, type ProcessMetrics } from "./process-metrics.js";

export const stages = ["decode", "validate", "preprocess", "queue", "run", "postprocess", "reply"] as const;
const executors = ["inline", "pool"] as const;

/** How a call ended. */
type Result = ErrorCode | "ok" | "fallback" | "abandoned";

/** What is counted for one version; "no version" (a call that failed before it had one) is a series too. */
class Series {
  readonly model: string;
  /** A version has it from when it serves. */
  readonly hasFallback: () => boolean;
  /** As they are written. */
  readonly labels: string;
  readonly request = new Histogram(latencyBounds);
  readonly stages = stages.map(() => new Histogram(latencyBounds));
  readonly batchRows = executors.map(() => new Histogram(rowBounds));
  readonly batchSeconds = executors.map(() => new Histogram(latencyBounds));
  readonly results = zeros<Result>(["ok", "fallback", "abandoned", ...publicCodes]);
  readonly rowErrors = zeros<ErrorCode>(["schema_mismatch", "row_refused", "model_failed", "model_output_invalid"]);
  readonly fallbacks = zeros<FallbackReason>(publicCodes.filter(isFallbackReason));
  readonly modelFaults = zeros<ErrorCode>(["model_failed", "model_output_invalid"]);
  rows = 0;
  ignoredFields = 0;
  wasCalled = false;
  /** Calls that the SLO is about, and those of them that missed it. */
  sloCounted = 0;
  sloMissed = 0;

  constructor(model: string, version: string, hasFallback: () => boolean) {
    this.model = model;
    this.hasFallback = hasFallback;
    this.labels = labelText({ model, version });
  }
}

/**
 * A counter that isn't there until its first event has no increase when it comes: an alert would miss the very first.
 */
function zeros<Key>(keys: readonly Key[]): Map<Key, number> {
  return new Map(keys.map((key) => [key, 0]));
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function resultOf({ error, fallback, abandoned }: CallRecord): Result {
  if (error) return error.code;
  if (abandoned) return "abandoned";
  return fallback === undefined ? "ok" : "fallback";
}

/** A number that is read when a scrape comes. */
export interface GaugeSource {
  readonly name: string;
  readonly help: string;
  /** Default: each. A counter adds up. */
  readonly merge?: Merge;
  readonly read: () => readonly Sample[];
}

export interface Scrape {
  readonly contentType: string;
  readonly body: Buffer;
  readonly text: string;
  /** How each family merges with those of other processes. */
  readonly merges: Readonly<Record<string, Merge>>;
}

/** Versions whose number is written in one piece. */
const gaugesPerPiece = 32;
/** Text is turned into bytes in pieces of so many characters: a few hundredths of a millisecond. */
const encodedUnits = 16_384;

export class Metrics implements Observer {
  readonly #families: Family[] = [];
  #ofProcess: Promise<ProcessMetrics> | undefined;
  readonly #series = new Map<ServingVersion | undefined, Series>();

  constructor() {
    this.#registerHistogram("plumb_request_seconds", "From a call's arrival to its reply.", (s) => [["", s.request]]);
    this.#registerHistogram("plumb_stage_seconds", "Time of each stage of a call.", (s) =>
      stages.map((stage, i) => [`stage="${stage}"`, s.stages[i]!]),
    );
    this.#registerHistogram("plumb_batch_rows", "Rows of each batch that ran.", (s) =>
      executors.map((executor, i) => [`executor="${executor}"`, s.batchRows[i]!]),
    );
    this.#registerHistogram("plumb_batch_seconds", "Duration of each batch that ran.", (s) =>
      executors.map((executor, i) => [`executor="${executor}"`, s.batchSeconds[i]!]),
    );
    // A version that was called has all of them, and whoever adds up several of them finds each.
    const byLabel =
      (label: string, read: (series: Series) => ReadonlyMap<string, number>, always: readonly string[] = []) =>
      (s: Series) =>
        [...read(s)]
          .filter(([key, count]) => count > 0 || s.wasCalled || always.includes(key))
          .map(([key, value]) => ({ labels: { [label]: key }, value }));
    this.#registerCounter(
      "plumb_requests_total",
      "Calls that ended, by result: ok, fallback, abandoned (the caller left), or the code of the error.",
      byLabel("result", (s) => s.results, ["ok", "internal"]),
    );
    this.#registerCounter("plumb_rows_total", "Rows that were answered.", (s) => [{ value: s.rows }]);
    this.#registerCounter(
      "plumb_ignored_fields_total",
      "Fields of answered rows that nobody reads, of versions whose schema lets them pass.",
      (s) => (s.ignoredFields > 0 ? [{ value: s.ignoredFields }] : []),
    );
    this.#registerCounter(
      "plumb_row_errors_total",
      "Rows of answered partial requests that have an error instead, by its code.",
      byLabel("code", (s) => s.rowErrors),
    );
    this.#registerCounter(
      "plumb_fallbacks_total",
      "Calls that the version's fallback answered, in whole or in part, by what the model failed with.",
      // A version that has a fallback has all of them: the share of its very first one is to be seen.
      (s) =>
        [...s.fallbacks]
          .filter(([, count]) => count > 0 || s.model === "" || s.hasFallback())
          .map(([reason, value]) => ({ labels: { reason }, value })),
    );
    this.#registerCounter(
      "plumb_model_faults_total",
      "Calls in which the model failed or answered no finite number, whatever the caller was told.",
      byLabel("code", (s) => s.modelFaults, ["model_failed", "model_output_invalid"]),
    );
    const ofVersions = (read: (series: Series) => number) => (s: Series) =>
      s.model === "" ? [] : [{ value: read(s) }];
    this.#registerCounter(
      "plumb_slo_counted_total",
      "Calls that the SLO is about: all but those refused for what the caller sent.",
      ofVersions((s) => s.sloCounted),
    );
    this.#registerCounter(
      "plumb_slo_missed_total",
      "Of these, calls that were answered later than the SLO says, or with an error.",
      ofVersions((s) => s.sloMissed),
    );
  }

  /** Begins to count for a version, so that its counters are there from the first scrape on. */
  addVersion(version: ServingVersion): void {
    this.#series.set(version, new Series(version.name, String(version.number), () => version.fallback !== undefined));
  }

  /** Of a version that is gone: all its series end. */
  removeVersion(version: ServingVersion): void {
    this.#series.delete(version);
  }

  /** Families that others keep. */
  addFamilies(families: readonly Family[]): void {
    this.#families.push(...families);
  }

  addGauge({ name, help, merge = "each", read }: GaugeSource, type: "gauge" | "counter" = "gauge"): void {
    const pieces = function* () {
      const samples = read();
      for (let first = 0; first < samples.length; first += gaugesPerPiece) {
        yield samplesText(name, "", samples.slice(first, first + gaugesPerPiece));
      }
    };
    this.#families.push({ name, help, type, merge: type === "counter" ? "sum" : merge, pieces });
  }

  onCall(call: CallRecord): void {
    const series = this.#of(call.version && servedBy(call.version));
    series.wasCalled = true;
    count(series.results, resultOf(call));
    series.request.observe((call.finishedMs - call.arrivedMs) / 1000);
    if (call.version) countForSlo(series, call, call.version);
    if (call.modelFault) count(series.modelFaults, call.modelFault);
    if (call.error || call.abandoned) return;
    if (call.fallback) count(series.fallbacks, call.fallback);
    series.rows += call.rowCount - (call.unanswered?.size ?? 0);
    series.ignoredFields += call.ignoredFields;
    if (call.rowErrors) for (const { code } of call.rowErrors) count(series.rowErrors, code);
    // A fallback for the whole of a call came instead of stages.
    if (call.fellBack) return;
    const [decode, validate, preprocess, queue, run, postprocess, reply] = series.stages;
    decode!.observe((call.decodedMs - call.startedMs) / 1000);
    validate!.observe((call.validatedMs - call.decodedMs) / 1000);
    if (call.cached) {
      reply!.observe((call.finishedMs - call.validatedMs) / 1000);
      return;
    }
    preprocess!.observe((call.preprocessedMs - call.validatedMs) / 1000);
    // Of a partial request without a single good row nothing ran.
    const runStartedMs = call.rowCount > 0 ? call.runStartedMs : call.preprocessedMs;
    const runEndedMs = call.rowCount > 0 ? call.runEndedMs : call.preprocessedMs;
    queue!.observe((runStartedMs - call.preprocessedMs) / 1000);
    run!.observe((runEndedMs - runStartedMs) / 1000);
    postprocess!.observe((call.postprocessedMs - runEndedMs) / 1000);
    reply!.observe((call.finishedMs - call.postprocessedMs) / 1000);
  }

  /** What it holds is read, not delivered. */
  async close(): Promise<boolean> {
    return true;
  }

  /** A request that was refused before it became a call: no address, verb or framing of ours. */
  countRefusal(code: ErrorCode): void {
    const series = this.#of(undefined);
    series.wasCalled = true;
    count(series.results, code);
  }

  observeBatch(version: ServingVersion, executor: "inline" | "pool", rowCount: number, durationUs: number): void {
    const series = this.#of(version);
    const index = executor === "inline" ? 0 : 1;
    series.batchRows[index]!.observe(rowCount);
    series.batchSeconds[index]!.observe(durationUs / 1e6);
  }

  /**
   * Begins to watch the process itself; a scrape that comes before does it. @param pause - Called between short steps.
   */
  begin(pause: Pause = noPause): Promise<ProcessMetrics> {
    this.#ofProcess ??= openProcessMetrics(pause);
    return this.#ofProcess;
  }

  /**
   * Writes everything.
   *
   * @param pause - Called between pieces of a few lines. Series of one version are one piece each, so a histogram's are
   *   of one moment.
   */
  async scrape(pause: Pause = noPause): Promise<Scrape> {
    const ofProcess = await this.begin(pause);
    const encoded: Buffer[] = [];
    let text = "";
    const encode = () => {
      encoded.push(Buffer.from(text));
      text = "";
    };
    for await (const piece of ofProcess.text(pause)) text += piece;
    for (const family of this.#families) {
      for (const piece of familyText(family)) {
        text += piece;
        if (text.length >= encodedUnits) encode();
        await pause();
      }
    }
    encode();
    const body = Buffer.concat(encoded);
    return {
      contentType,
      body,
      merges: Object.fromEntries([
        ...ofProcess.names.map((name) => [name, "each"] as const),
        ...this.#families.map(({ name, merge }) => [name, merge] as const),
      ]),
      get text() {
        return body.toString();
      },
    };
  }

  #of(version: ServingVersion | undefined): Series {
    let series = this.#series.get(version);
    if (series === undefined) {
      series = new Series(
        version?.name ?? "",
        version === undefined ? "" : String(version.number),
        () => version?.fallback !== undefined,
      );
      this.#series.set(version, series);
    }
    return series;
  }

  #registerCounter(name: string, help: string, read: (series: Series) => readonly Sample[]): void {
    this.#register(name, help, "counter", (series) => samplesText(name, series.labels, read(series)));
  }

  /** @param read - Labels of its own, as they are written, and the histogram. */
  #registerHistogram(
    name: string,
    help: string,
    read: (series: Series) => readonly (readonly [string, Histogram])[],
  ): void {
    this.#register(name, help, "histogram", (series) =>
      read(series)
        .map(([own, histogram]) => histogramText(name, joinLabels(series.labels, own), histogram))
        .join(""),
    );
  }

  #register(name: string, help: string, type: Family["type"], write: (series: Series) => string): void {
    const ofSeries = this.#series;
    const pieces = function* () {
      for (const series of ofSeries.values()) yield write(series);
    };
    this.#families.push({ name, help, type, merge: "sum", pieces });
  }
}

/** Of a caller that left, only lateness counts: no error was its reason. */
function countForSlo(series: Series, call: CallRecord, version: ServingVersion): void {
  const status = call.error?.status ?? 200;
  if (status >= 400 && status < 500) return;
  series.sloCounted++;
  if (status >= 500 || call.finishedMs - call.arrivedMs > sloTargetMs(version, call.rows.length)) series.sloMissed++;
}
