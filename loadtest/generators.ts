/**
 * Closed-loop load by a tool. autocannon runs in this process and is slower than a fast server; bench/wrk.ts has a
 * faster tool, where it is installed.
 */

/// <reference path="./autocannon.d.ts" />

import autocannon, { type Result as AutocannonResult } from "autocannon";
import { type Target, targetUrl } from "./target.js";
import type { CurvePoint } from "./timeline.js";

export interface Saturation {
  /** Requests that were answered. */
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** wrk and our own client: to the microsecond; autocannon: whole milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Replies other than 2xx, failed connections, timeouts. */
  readonly errors: number;
}

export interface Generator {
  readonly name: string;
  /** Sends rows on `connections` connections for `durationS`, each as soon as the last one is answered. */
  saturate(target: Target, connections: number, durationS: number): Promise<Saturation>;
}

/** autocannon reports more than the other tools. */
export interface AutocannonRun extends Saturation {
  /** Replies in each second. */
  readonly perSecond: readonly number[];
  readonly percentiles: readonly CurvePoint[];
  readonly errorsByKind: Readonly<Record<string, number>>;
}

export interface Autocannon extends Generator {
  saturate(target: Target, connections: number, durationS: number): Promise<AutocannonRun>;
}

export function createAutocannon(rows: readonly string[], version: string): Autocannon {
  const rowsPerClient = 256;
  return {
    name: `autocannon ${version}`,
    saturate: async (target, connections, durationS) => {
      let client = 0;
      const running = autocannon({
        url: targetUrl(target),
        connections,
        duration: durationS,
        pipelining: 1,
        method: "POST",
        // Each connection sends other rows than its neighbours.
        setupClient: (connection) => {
          const first = client++ * rowsPerClient;
          connection.setRequests(
            Array.from({ length: rowsPerClient }, (_, i) => ({
              method: "POST",
              headers: { "content-type": "application/json" },
              body: rows[(first + i) % rows.length]!,
            })),
          );
        },
      });
      const perSecond: number[] = [];
      running.on("tick", ({ counter }) => perSecond.push(counter));
      const result = await running;
      return {
        requests: result["2xx"],
        requestsPerSecond: result["2xx"] / result.duration,
        p50Ms: result.latency.p50,
        p99Ms: result.latency.p99,
        errors: result.errors + result.non2xx,
        perSecond: perSecond.slice(0, -1), // the last tick comes after the end and counts nothing
        percentiles: percentiles.map(([percentile, key]) => ({ percentile, ms: result.latency[key] })),
        errorsByKind: errorKinds(result),
      };
    },
  };
}

const percentiles = [
  [50, "p50"],
  [75, "p75"],
  [90, "p90"],
  [97.5, "p97_5"],
  [99, "p99"],
  [99.9, "p99_9"],
  [99.99, "p99_99"],
] as const;

/** autocannon counts a timeout among the errors too. */
function errorKinds({ errors, timeouts, statusCodeStats }: AutocannonResult): Record<string, number> {
  const counts: [string, number][] = Object.entries(statusCodeStats)
    .filter(([status]) => !status.startsWith("2"))
    .map(([status, { count }]) => [`status ${status}`, count]);
  counts.push(["timeout", timeouts], ["failed connection", errors - timeouts]);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
