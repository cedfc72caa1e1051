/**
 * The process's own metrics (`process_*`, `nodejs_*`): prom-client's. Its only importer.
 *
 * Its index loads OpenTelemetry, HTTP and much else that isn't needed here, in one step of 40 ms (measured with
 * prom-client 15.1, as are the names of its files, which a test holds to its own list). So its parts are loaded one by
 * one, and its metrics written one by one: both in short turns. Our own families, of which some have thousands of
 * lines, are written by exposition.ts.
 */

import { createRequire } from "node:module";
import type { Counter, Registry } from "prom-client";
import type { Pause } from "../../bundle/index.js";

/** Parts that the collectors are made of, smallest first: each is loaded in less than a step. */
const parts = ["util", "validation", "registry", "metric", "exemplar", "counter", "gauge", "histogram"];
/** All but processCpuTotal, which loads OpenTelemetry. */
const collectors = [
  "processStartTime",
  "osMemoryHeap",
  "processOpenFileDescriptors",
  "processMaxFileDescriptors",
  "eventLoopLag",
  "processResources",
  "processHandles",
  "processRequests",
  "heapSizeAndUsed",
  "heapSpacesSizeAndUsed",
  "version",
  "gc",
];
/** As prom-client's index has it. */
const lagResolutionMs = 10;

type Collector = (registry: Registry, config: { readonly eventLoopMonitoringPrecision: number }) => void;

export interface ProcessMetrics {
  readonly names: readonly string[];
  /** @param pause - Called between two metrics. */
  text(pause: Pause): AsyncGenerator<string, void>;
}

/**
 * Begins to watch the event loop and the garbage collector.
 *
 * @param pause - Called between the parts.
 */
export async function openProcessMetrics(pause: Pause): Promise<ProcessMetrics> {
  const require = createRequire(import.meta.url);
  for (const part of parts) {
    require(`prom-client/lib/${part}.js`);
    await pause();
  }
  const registry: Registry = new (require("prom-client/lib/registry.js") as typeof Registry)();
  countProcessorTime(registry, require("prom-client/lib/counter.js") as typeof Counter);
  for (const collector of collectors) {
    const collect = require(`prom-client/lib/metrics/${collector}.js`) as Collector;
    await pause();
    collect(registry, { eventLoopMonitoringPrecision: lagResolutionMs });
    await pause();
  }
  return {
    names: registry.getMetricsAsArray().map(({ name }) => name),
    async *text(pause) {
      for (const { name } of registry.getMetricsAsArray()) {
        yield `${await registry.getSingleMetricAsString(name)}\n`;
        await pause();
      }
    },
  };
}

function countProcessorTime(registry: Registry, CounterClass: typeof Counter): void {
  const count = (name: string, help: string, read: (usage: NodeJS.CpuUsage) => number) => {
    let countedUs = 0;
    new CounterClass({
      name,
      help,
      registers: [registry],
      collect() {
        const us = read(process.cpuUsage());
        this.inc((us - countedUs) / 1e6);
        countedUs = us;
      },
    });
  };
  count("process_cpu_user_seconds_total", "Total user CPU time spent in seconds.", ({ user }) => user);
  count("process_cpu_system_seconds_total", "Total system CPU time spent in seconds.", ({ system }) => system);
  count(
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
    ({ user, system }) => user + system,
  );
}
