/**
 * Spans to a collector by OTLP over HTTP, in protobuf. The only importer of OpenTelemetry's SDK and exporter, and
 * itself imported only when a collector is named: it takes longer to load than the rest of the server.
 *
 * What bounds it: spans that wait or are under way count until the collector took them or the export failed, and a call
 * whose spans don't fit loses all of them, so that no trace has holes. So the SDK's own queue, which drops without
 * telling, never overflows.
 */

import { randomUUID } from "node:crypto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { CallRecord } from "../path/call.js";
import { hearDiagnostics, recordCall, stagesOf } from "./call-spans.js";
import type { TraceSettings } from "./trace-settings.js";
import type { SpanIds, SpanOutput } from "./traces.js";
import type { WallClock } from "./wall-clock.js";

export interface OtlpOptions {
  readonly settings: TraceSettings;
  /** Of Plumb itself. */
  readonly serviceVersion: string;
  readonly clock: WallClock;
  readonly onTrouble: (message: string) => void;
}

/** @throws Error if the exporter refuses its variables. */
export function openOtlp({ settings, serviceVersion, clock, onTrouble }: OtlpOptions): SpanOutput {
  hearDiagnostics(onTrouble);
  return new Otlp(new CountedExporter(new OTLPTraceExporter(), settings, onTrouble), settings, serviceVersion, clock);
}

class Otlp implements SpanOutput {
  readonly #exporter: CountedExporter;
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider["getTracer"]>;
  readonly #clock: WallClock;

  constructor(exporter: CountedExporter, settings: TraceSettings, serviceVersion: string, clock: WallClock) {
    const { queueSpansMax, batchSpansMax, gatherMs, exportTimeoutMs } = settings;
    this.#exporter = exporter;
    this.#clock = clock;
    const own = { "service.name": "plumb", "service.version": serviceVersion, "service.instance.id": randomUUID() };
    const processor = new BatchSpanProcessor({
      exporter,
      maxQueueSize: queueSpansMax,
      maxExportBatchSize: Math.min(batchSpansMax, queueSpansMax),
      scheduledDelayMillis: gatherMs,
      // Ours comes first, and counts.
      exportTimeoutMillis: exportTimeoutMs + 1000,
    });
    this.#provider = new TracerProvider({
      // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last: they win.
      resource: defaultResource()
        .merge(resourceFromAttributes(own))
        .merge(detectResources({ detectors: [envDetector] })),
      // What comes here was sampled already.
      sampler: new AlwaysOnSampler(),
      spanProcessors: [processor],
    });
    this.#tracer = this.#provider.getTracer("plumb", serviceVersion);
  }

  get dropped(): number {
    return this.#exporter.dropped;
  }

  record(call: CallRecord): SpanIds | undefined {
    const stages = stagesOf(call);
    if (!this.#exporter.reserve(1 + stages.length)) return undefined;
    return recordCall(this.#tracer, call, stages, this.#clock.offsetMs());
  }

  async close(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    // It ends with the first export that fails, which is told and counted already; the others go on.
    const flushed = this.#provider
      .shutdown()
      .catch(() => {})
      .then(() => this.#exporter.untilIdle());
    await Promise.race([flushed, timedOut]);
    clearTimeout(timer);
    return this.#exporter.idle;
  }
}

type Done = Parameters<SpanExporter["export"]>[1];
type ExportResult = Parameters<Done>[0];
/** `ExportResultCode` of the SDK's core, which isn't a dependency of ours. */
const failed = 1;

/** Counts spans from when they are made to when they are delivered or lost. */
export class CountedExporter implements SpanExporter {
  /** Spans that wait or are under way. */
  pending = 0;
  /** Spans that were lost, or not even made. */
  dropped = 0;
  readonly #exporter: SpanExporter;
  readonly #settings: TraceSettings;
  readonly #onTrouble: (message: string) => void;
  readonly #open = new Set<Done>();
  #onIdle: (() => void) | undefined;

  constructor(exporter: SpanExporter, settings: TraceSettings, onTrouble: (message: string) => void) {
    this.#exporter = exporter;
    this.#settings = settings;
    this.#onTrouble = onTrouble;
  }

  /** Whether the exporter is done, with those exports too that were given up. */
  get idle(): boolean {
    return this.pending === 0 && this.#open.size === 0;
  }

  async untilIdle(): Promise<void> {
    if (this.idle) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Takes room for as many spans, or counts them as dropped. */
  reserve(spanCount: number): boolean {
    if (this.pending + spanCount > this.#settings.queueSpansMax) {
      this.dropped += spanCount;
      return false;
    }
    this.pending += spanCount;
    return true;
  }

  export(spans: ReadableSpan[], done: Done): void {
    const { exportTimeoutMs } = this.#settings;
    let ended = false;
    const end = (result: ExportResult) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      this.pending -= spans.length;
      if (result.code === failed) {
        this.dropped += spans.length;
        this.#onTrouble(
          `${spans.length} spans couldn't be delivered: ${result.error?.message ?? "the collector refuses them"}`,
        );
      }
      done(result);
    };
    // The exporter's own time-out begins anew with each byte that a collector sends.
    const timer = setTimeout(
      () => end({ code: failed, error: new Error(`no answer in ${exportTimeoutMs} ms`) }),
      exportTimeoutMs,
    );
    timer.unref();
    const returned = (result: ExportResult) => {
      this.#open.delete(returned);
      end(result);
      if (this.idle) this.#onIdle?.();
    };
    this.#open.add(returned);
    try {
      this.#exporter.export(spans, returned);
    } catch (error) {
      returned({ code: failed, error: error as Error });
    }
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#exporter.shutdown();
  }
}
