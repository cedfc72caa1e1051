/**
 * The process's own metrics, under the names that Node's Prometheus clients have made customary (`process_*`, `nodejs_*`).
 *
 * Written here and not by such a client, because loading one holds the event loop for 40 ms (measured with prom-client 15.1), and a scrape by it can't
 * be cut into short turns.
 */

import { readdirSync, readFileSync } from "node:fs";
import { constants, monitorEventLoopDelay, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import { type Family, histogramText, type Sample, samplesText } from "./exposition.js";
import { Histogram } from "./histogram.js";

/** How finely the event loop's lag is measured, milliseconds: what an idle one shows. */
const lagResolutionMs = 10;
const gcKinds = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);
/** What Node's typings don't know of an entry of the collector. */
type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };
const gcBounds = Float64Array.of(0.001, 0.01, 0.1, 1, 2, 5);

/** Begins to watch the event loop and the garbage collector; what it returns reads everything else when it is asked. */
export function openProcessMetrics(): readonly Family[] {
  const family = (name: string, type: "counter" | "gauge", help: string, read: () => readonly Sample[]): Family => ({
    name,
    help,
    type,
    pieces: () => [samplesText(name, "", read())],
  });
  const gauge = (name: string, help: string, read: () => number | undefined): Family =>
    family(name, "gauge", help, () => {
      const value = read();
      return value === undefined ? [] : [{ value }];
    });
  const cpu = (name: string, help: string, read: (usage: NodeJS.CpuUsage) => number) =>
    family(name, "counter", help, () => [{ value: read(process.cpuUsage()) / 1e6 }]);
  const counted = (name: string, help: string, read: () => readonly string[]): Family[] => [
    family(name, "gauge", help, () => countByName(read())),
    gauge(`${name}_total`, `${help.split(",")[0]}, in all.`, () => read().length),
  ];
  const startedS = Math.round(performance.timeOrigin / 1000);
  return [
    cpu("process_cpu_user_seconds_total", "Total user CPU time spent in seconds.", ({ user }) => user),
    cpu("process_cpu_system_seconds_total", "Total system CPU time spent in seconds.", ({ system }) => system),
    cpu("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", ({ user, system }) => user + system),
    gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", () => startedS),
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => statusBytes("VmRSS") ?? process.memoryUsage.rss()),
    gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", () => statusBytes("VmSize")),
    gauge("process_heap_bytes", "Process heap size in bytes.", () => statusBytes("VmData")),
    gauge("process_open_fds", "Number of open file descriptors.", openFiles),
    gauge("process_max_fds", "Maximum number of open file descriptors.", openFilesMax),
    ...lagFamilies(gauge),
    ...counted("nodejs_active_resources", "Number of active resources that keep the event loop alive, by their type.", () =>
      process.getActiveResourcesInfo(),
    ),
    ...counted("nodejs_active_handles", "Number of active libuv handles, by their type.", () => activeNames("_getActiveHandles")),
    ...counted("nodejs_active_requests", "Number of active libuv requests, by their type.", () => activeNames("_getActiveRequests")),
    gauge("nodejs_heap_size_total_bytes", "Process heap size from Node.js in bytes.", () => process.memoryUsage().heapTotal),
    gauge("nodejs_heap_size_used_bytes", "Process heap size used from Node.js in bytes.", () => process.memoryUsage().heapUsed),
    gauge("nodejs_external_memory_bytes", "Node.js external memory size in bytes.", () => process.memoryUsage().external),
    ...heapSpaceFamilies(family),
    family("nodejs_version_info", "gauge", "Node.js version info.", () => [{ labels: versionLabels(), value: 1 }]),
    gcFamily(),
  ];
}

function lagFamilies(gauge: (name: string, help: string, read: () => number | undefined) => Family): Family[] {
  const delays = monitorEventLoopDelay({ resolution: lagResolutionMs });
  delays.enable();
  let lagS = 0;
  const lag = gauge("nodejs_eventloop_lag_seconds", "Lag of event loop in seconds.", () => {
    // Of the scrape before: this one's is known when it is written.
    const askedMs = performance.now();
    setImmediate(() => {
      lagS = (performance.now() - askedMs) / 1000;
    });
    return lagS;
  });
  const recorded = (name: string, help: string, read: () => number) =>
    gauge(`nodejs_eventloop_lag_${name}_seconds`, help, () => read() / 1e9);
  return [
    lag,
    recorded("min", "The minimum recorded event loop delay.", () => (delays.count === 0 ? 0 : delays.min)),
    recorded("max", "The maximum recorded event loop delay.", () => delays.max),
    recorded("mean", "The mean of the recorded event loop delays.", () => (delays.count === 0 ? 0 : delays.mean)),
    recorded("stddev", "The standard deviation of the recorded event loop delays.", () => (delays.count === 0 ? 0 : delays.stddev)),
    recorded("p50", "The 50th percentile of the recorded event loop delays.", () => delays.percentile(50)),
    recorded("p90", "The 90th percentile of the recorded event loop delays.", () => delays.percentile(90)),
    recorded("p99", "The 99th percentile of the recorded event loop delays.", () => {
      const p99 = delays.percentile(99);
      // The last of them: what was recorded is about the time between two scrapes.
      delays.reset();
      return p99;
    }),
  ];
}

function heapSpaceFamilies(family: (name: string, type: "gauge", help: string, read: () => readonly Sample[]) => Family): Family[] {
  const kinds = [
    ["total", "space_size"],
    ["used", "space_used_size"],
    ["available", "space_available_size"],
  ] as const;
  return kinds.map(([kind, member]) =>
    family(`nodejs_heap_space_size_${kind}_bytes`, "gauge", `Process heap space size ${kind} from Node.js in bytes.`, () =>
      getHeapSpaceStatistics().map((space) => ({ labels: { space: space.space_name.replace(/_space$/, "") }, value: space[member] })),
    ),
  );
}

function gcFamily(): Family {
  const durations = new Map([...gcKinds.values()].map((kind) => [kind, new Histogram(gcBounds)]));
  new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries() as unknown as readonly GcEntry[]) {
      durations.get(gcKinds.get(detail.kind) ?? "")?.observe(duration / 1000);
    }
  }).observe({ entryTypes: ["gc"] });
  const name = "nodejs_gc_duration_seconds";
  return {
    name,
    help: "Garbage collection duration by kind, one of major, minor, incremental or weakcb.",
    type: "histogram",
    pieces: () => [...durations].map(([kind, histogram]) => histogramText(name, `kind="${kind}"`, histogram)),
  };
}

function countByName(names: readonly string[]): Sample[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([type, value]) => ({ labels: { type }, value }));
}

/** Neither is a documented function of Node; a version without it has no such numbers. */
function activeNames(list: "_getActiveHandles" | "_getActiveRequests"): string[] {
  const read = (process as unknown as Record<typeof list, (() => object[]) | undefined>)[list];
  return read === undefined ? [] : read.call(process).map((one) => one?.constructor?.name ?? "Object");
}

/** A line of Linux's /proc/self/status; undefined elsewhere. */
function statusBytes(line: "VmRSS" | "VmSize" | "VmData"): number | undefined {
  try {
    const found = new RegExp(`^${line}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"));
    return found === null ? undefined : Number(found[1]) * 1024;
  } catch {
    return undefined;
  }
}

function openFiles(): number | undefined {
  try {
    // One is the folder itself, while it is read.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

function openFilesMax(): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
}

function versionLabels(): Record<string, string> {
  const [major = "", minor = "", patch = ""] = process.versions.node.split(".");
  return { version: process.version, major, minor, patch };
}
