/** What a scrape reads off the server's parts at its own time, beside what the calls left behind (`metrics.ts`). */

import type { PredictionCache } from "../path/cache.js";
import type { ListedVersion } from "../versions/registry.js";
import type { Servable } from "../versions/servable.js";
import type { Metrics } from "./metrics.js";

export interface WorkerCounts {
  readonly alive: number;
  readonly idle: number;
  /** Threads that were written off and still run. */
  readonly stuck: number;
  /** Runs of a version, by its key, that were given up. */
  stuckRuns(key: string): number;
}

/** The parts; what isn't there yet when the listeners begin is looked at when a scrape comes. */
export interface GaugedServer {
  readonly ready: boolean;
  readonly pools: WorkerCounts | undefined;
  /** Those that were read. */
  readonly versions: readonly Servable[];
  /** All that the store names. */
  readonly listed: readonly ListedVersion[];
  readonly admission: { readonly calls: number; readonly bytes: number; readonly bytesMax: number };
  readonly listener: { readonly connections: number };
  readonly logs: { readonly dropped: number };
  readonly traces: { readonly dropped: number };
  readonly queuedRows: (version: Servable) => number;
}

export function addGauges(metrics: Metrics, server: GaugedServer): void {
  type Type = "gauge" | "counter";
  const ofServer = (name: string, type: Type, help: string, read: () => number) =>
    metrics.addGauge({ name, help, read: () => [{ value: read() }] }, type);
  const ofVersions = (name: string, type: Type, help: string, read: (version: Servable) => number) =>
    metrics.addGauge(
      {
        name,
        help,
        read: () => server.versions.map((version) => ({ labels: labelsOf(version), value: read(version) })),
      },
      type,
    );
  const labelsOf = ({ name, number }: ListedVersion) => ({ model: name, version: String(number) });
  const ofCaches = (name: string, type: Type, help: string, read: (cache: PredictionCache) => number) =>
    metrics.addGauge(
      {
        name,
        help,
        // Nothing of versions that keep no answers.
        read: () =>
          server.versions.flatMap((version) =>
            version.cache ? [{ labels: labelsOf(version), value: read(version.cache) }] : [],
          ),
      },
      type,
    );

  const { admission, listener, logs, traces, queuedRows } = server;
  ofServer("plumb_ready", "gauge", "1 when every model is proved and warm and the server isn't draining.", () =>
    Number(server.ready),
  );
  ofServer("plumb_calls_in_flight", "gauge", "Calls that aren't answered yet.", () => admission.calls);
  ofServer("plumb_bytes_in_flight", "gauge", "Bytes of the bodies of calls in flight.", () => admission.bytes);
  ofServer("plumb_bytes_in_flight_max", "gauge", "As many bytes of bodies as are let in.", () => admission.bytesMax);
  ofServer("plumb_connections", "gauge", "Open connections of the public listener.", () => listener.connections);
  ofServer("plumb_pool_workers", "gauge", "Workers of the pool that are alive.", () => server.pools?.alive ?? 0);
  ofServer(
    "plumb_pool_idle_workers",
    "gauge",
    "Workers of the pool that wait for a batch.",
    () => server.pools?.idle ?? 0,
  );
  const stuckHelp = "Threads of the pool whose run didn't end: they were written off, and hold a processor each.";
  ofServer("plumb_pool_stuck_workers", "gauge", stuckHelp, () => server.pools?.stuck ?? 0);
  ofServer(
    "plumb_log_lines_dropped_total",
    "counter",
    "Log lines that their reader didn't take in time.",
    () => logs.dropped,
  );
  ofServer(
    "plumb_trace_spans_dropped_total",
    "counter",
    "Spans of sampled calls that no collector took.",
    () => traces.dropped,
  );

  const stuckRunsHelp = "Runs that didn't end in time and were given up, with their worker.";
  ofVersions("plumb_stuck_runs_total", "counter", stuckRunsHelp, ({ key }) => server.pools?.stuckRuns(key) ?? 0);
  ofVersions("plumb_queue_rows", "gauge", "Rows that wait for an executor.", queuedRows);
  ofVersions("nv_inference_pending_request_count", "gauge", "Rows awaiting execution.", queuedRows);
  metrics.addGauge({
    name: "plumb_version_ready",
    help: "1 for a version that serves, 0 for one that doesn't: it is loading, incomplete, damaged, refused or failed.",
    // One that nobody needs, since enough newer ones are loaded, is neither.
    read: () =>
      server.listed
        .filter(({ state }) => state !== "unloaded")
        .map((version) => ({ labels: labelsOf(version), value: Number(version.state === "ready") })),
  });
  metrics.addGauge(
    {
      name: "plumb_engine_info",
      help: "1 for the engine that runs a version's models: tree, onnxruntime, or mixed where its models have different ones.",
      read: () =>
        server.versions
          .filter(({ engine }) => engine !== undefined)
          .map(({ name, number, engine }) => ({
            labels: { model: name, version: String(number), engine: engine! },
            value: 1,
          })),
    },
    "gauge",
  );
  const sloHelp = "The bundle's SLO: 95 of 100 calls are answered within this time.";
  ofVersions("plumb_slo_seconds", "gauge", sloHelp, ({ sloMs }) => sloMs / 1000);
  ofCaches(
    "plumb_cache_hits_total",
    "counter",
    "Calls whose rows were all answered from the cache.",
    ({ hits }) => hits,
  );
  ofCaches("plumb_cache_misses_total", "counter", "Calls that the cache couldn't answer.", ({ misses }) => misses);
  ofCaches("plumb_cache_bytes", "gauge", "What the kept answers take.", ({ bytes }) => bytes);
  ofCaches("plumb_cache_entries", "gauge", "Rows whose answers are kept.", ({ entries }) => entries);
}
