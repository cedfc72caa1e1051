/** What a scrape reads off the server's parts at its own time, beside what the calls left behind (`metrics.ts`). */

import type { PredictionCache } from "../path/cache.js";
import type { ListedVersion } from "../versions/registry.js";
import type { Servable } from "../versions/servable.js";
import type { Merge, Sample } from "./exposition.js";
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
  /** With a memory budget. */
  readonly cold: { readonly loads: number; readonly evictions: number; readonly heldBytes: number } | undefined;
  readonly admission: { readonly calls: number; readonly bytes: number; readonly bytesMax: number };
  readonly listener: { readonly connections: number };
  readonly logs: { readonly dropped: number };
  readonly traces: { readonly dropped: number };
  readonly queuedRows: (version: Servable) => number;
}

export function addGauges(metrics: Metrics, server: GaugedServer): void {
  /** Of a gauge: how it merges with those of other processes. */
  type Type = Merge | "counter";
  const add = (name: string, type: Type, help: string, read: () => readonly Sample[]) =>
    type === "counter"
      ? metrics.addGauge({ name, help, read }, "counter")
      : metrics.addGauge({ name, help, merge: type, read });
  const ofServer = (name: string, type: Type, help: string, read: () => number) =>
    add(name, type, help, () => [{ value: read() }]);
  const ofVersions = (name: string, type: Type, help: string, read: (version: Servable) => number) =>
    add(name, type, help, () =>
      server.versions.map((version) => ({ labels: labelsOf(version), value: read(version) })),
    );
  const labelsOf = ({ name, number }: ListedVersion) => ({ model: name, version: String(number) });
  const ofCaches = (name: string, type: Type, help: string, read: (cache: PredictionCache) => number) =>
    // Nothing of versions that keep no answers.
    add(name, type, help, () =>
      server.versions.flatMap((version) =>
        version.cache ? [{ labels: labelsOf(version), value: read(version.cache) }] : [],
      ),
    );

  const { admission, listener, logs, traces, queuedRows } = server;
  ofServer("plumb_ready", "max", "1 when every model is proved and warm and the server isn't draining.", () =>
    Number(server.ready),
  );
  ofServer("plumb_calls_in_flight", "sum", "Calls that aren't answered yet.", () => admission.calls);
  ofServer("plumb_bytes_in_flight", "sum", "Bytes of the bodies of calls in flight.", () => admission.bytes);
  ofServer("plumb_bytes_in_flight_max", "sum", "As many bytes of bodies as are let in.", () => admission.bytesMax);
  ofServer("plumb_connections", "sum", "Open connections of the public listener.", () => listener.connections);
  ofServer("plumb_pool_workers", "sum", "Workers of the pool that are alive.", () => server.pools?.alive ?? 0);
  ofServer(
    "plumb_pool_idle_workers",
    "sum",
    "Workers of the pool that wait for a batch.",
    () => server.pools?.idle ?? 0,
  );
  const stuckHelp = "Threads of the pool whose run didn't end: they were written off, and hold a processor each.";
  ofServer("plumb_pool_stuck_workers", "sum", stuckHelp, () => server.pools?.stuck ?? 0);
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

  // Without a memory budget none of it ever changes.
  const { cold } = server;
  if (cold !== undefined) {
    ofServer(
      "plumb_versions_cold",
      "each",
      "Versions that the memory budget leaves out until they are called.",
      () => server.listed.filter(({ state }) => state === "cold").length,
    );
    ofServer("plumb_cold_loads_total", "counter", "Versions that were loaded with a memory budget.", () => cold.loads);
    ofServer("plumb_evictions_total", "counter", "Versions that gave way to others.", () => cold.evictions);
    ofServer("plumb_versions_bytes", "sum", "What loaded versions hold, by the estimate.", () => cold.heldBytes);
  }

  const stuckRunsHelp = "Runs that didn't end in time and were given up, with their worker.";
  ofVersions("plumb_stuck_runs_total", "counter", stuckRunsHelp, ({ key }) => server.pools?.stuckRuns(key) ?? 0);
  ofVersions("plumb_queue_rows", "sum", "Rows that wait for an executor.", queuedRows);
  ofVersions("nv_inference_pending_request_count", "sum", "Rows awaiting execution.", queuedRows);
  add(
    "plumb_version_ready",
    "min",
    "1 for a version that serves, 0 for one that doesn't: it is loading, incomplete, damaged, refused or failed.",
    // One that nobody needs, since enough newer ones are loaded, or nobody has called, is neither.
    () =>
      server.listed
        .filter(({ state }) => state !== "unloaded" && state !== "cold")
        .map((version) => ({ labels: labelsOf(version), value: Number(version.state === "ready") })),
  );
  add(
    "plumb_engine_info",
    "max",
    "1 for the engine that runs a version's models: tree, onnxruntime, or mixed where its models have different ones.",
    () =>
      server.versions
        .filter(({ engine }) => engine !== undefined)
        .map(({ name, number, engine }) => ({
          labels: { model: name, version: String(number), engine: engine! },
          value: 1,
        })),
  );
  const sloHelp = "The bundle's SLO: 95 of 100 calls are answered within this time.";
  ofVersions("plumb_slo_seconds", "max", sloHelp, ({ sloMs }) => sloMs / 1000);
  ofCaches(
    "plumb_cache_hits_total",
    "counter",
    "Calls whose rows were all answered from the cache.",
    ({ hits }) => hits,
  );
  ofCaches("plumb_cache_misses_total", "counter", "Calls that the cache couldn't answer.", ({ misses }) => misses);
  ofCaches("plumb_cache_bytes", "sum", "What the kept answers take.", ({ bytes }) => bytes);
  ofCaches("plumb_cache_entries", "sum", "Rows whose answers are kept.", ({ entries }) => entries);
}
