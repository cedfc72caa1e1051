/**
 * The process's own metrics (`process_*`, `nodejs_*`): prom-client's. Its only importer.
 *
 * To load it takes 40 ms in one go (measured with prom-client 15.1), so it is done before a listener is open, while the pool's threads start. It
 * writes them one by one, so that a scrape can be cut into short turns; our own families, of which some have thousands of lines, are written by
 * exposition.ts.
 */

import type { Pause } from "../../bundle/index.js";

export interface ProcessMetrics {
  /** @param pause - Called between two metrics. */
  text(pause: Pause): AsyncGenerator<string, void>;
}

/** Begins to watch the event loop and the garbage collector. */
export async function openProcessMetrics(): Promise<ProcessMetrics> {
  const { collectDefaultMetrics, Registry } = await import("prom-client");
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    async *text(pause) {
      for (const { name } of registry.getMetricsAsArray()) {
        yield `${await registry.getSingleMetricAsString(name)}\n`;
        await pause();
      }
    },
  };
}
