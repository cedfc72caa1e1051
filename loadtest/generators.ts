/**
 * Closed-loop load by tools made for it. wrk, in C, takes a fraction of the CPU time that a server in JavaScript does,
 * so it measures the server. autocannon runs in this process and is slower than a fast server: it's there for machines
 * without wrk, and figures name the tool.
 */

/// <reference path="./autocannon.d.ts" />

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import autocannon, { type Result as AutocannonResult } from "autocannon";
import { machineClock } from "./clock.js";
import { runClosedLoop } from "./closed-loop.js";
import { createConnectionPool } from "./connection-pool.js";
import { packageVersion, projectRoot } from "./project.js";
import { requestBytes, type Target, targetUrl } from "./target.js";
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

/** What autocannon tells beyond that. */
export interface AutocannonRun extends Saturation {
  /** Replies in each second. */
  readonly perSecond: readonly number[];
  readonly percentiles: readonly CurvePoint[];
  readonly errorsByKind: Readonly<Record<string, number>>;
}

export interface Autocannon extends Generator {
  saturate(target: Target, connections: number, durationS: number): Promise<AutocannonRun>;
}

const run = promisify(execFile);

/**
 * @param rowsFile - JSON lines; they are sent in turn.
 * @returns wrk with rows.lua, or undefined where wrk isn't installed.
 */
export async function createWrk(rowsFile: string): Promise<Generator | undefined> {
  // wrk says its version with exit code 1.
  const said = await run("wrk", ["-v"]).catch((reason: { code: unknown; stdout?: string }) =>
    reason.code === 1 ? { stdout: reason.stdout ?? "" } : undefined,
  );
  if (said === undefined) return undefined;
  const script = join(projectRoot, "loadtest", "rows.lua");
  return {
    name: /^wrk \S+/.exec(said.stdout)?.[0] ?? "wrk",
    saturate: async (target, connections, durationS) => {
      const args = ["-t1", `-c${connections}`, `-d${durationS}s`, "-s", script, targetUrl(target)];
      const { stdout } = await run("wrk", args, { env: { ...process.env, PLUMB_ROWS: rowsFile } });
      return parseWrk(stdout);
    },
  };
}

/**
 * wrk where it is installed, else autocannon.
 *
 * @param rowsFile - Holds `rows`, as JSON lines.
 */
export async function createGenerator(rowsFile: string, rows: readonly string[]): Promise<Generator> {
  return (await createWrk(rowsFile)) ?? withOwnClientAtOne(createAutocannon(rows, packageVersion("autocannon")), rows);
}

/** @param output - What wrk printed; rows.lua puts one JSON line at the end. */
export function parseWrk(output: string): Saturation {
  const line = output.trim().split("\n").at(-1)!;
  if (!line.startsWith("{")) throw new Error(`wrk ended without a summary: ${output.trim().slice(-300)}`);
  const { requests, duration_us, p50_us, p99_us, errors } = JSON.parse(line) as Record<
    "requests" | "duration_us" | "p50_us" | "p99_us" | "errors",
    number
  >;
  return {
    requests,
    requestsPerSecond: (requests * 1e6) / duration_us,
    p50Ms: p50_us / 1000,
    p99Ms: p99_us / 1000,
    errors,
  };
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

/**
 * The generator, but with our own client where there is one connection: autocannon counts whole milliseconds, and there
 * a request takes a tenth of one.
 */
export function withOwnClientAtOne(generator: Generator, rows: readonly string[]): Generator {
  return {
    name: `${generator.name}, at one connection by the load test's own client`,
    saturate: async (target, connections, durationS) => {
      if (connections > 1) return await generator.saturate(target, connections, durationS);
      const transport = createConnectionPool({ host: target.host, port: target.port, connectionsMax: 1 });
      const requests = rows.map((row) => requestBytes(target, row));
      const run = { requests, connections, durationS, transport, clock: machineClock, drainMs: 5000 };
      const { summary, okPerSecond } = await runClosedLoop(run).finally(() => transport.close());
      const { p50 = Number.NaN, p99 = Number.NaN } = summary.latencyMs ?? {};
      return {
        requests: summary.ok,
        requestsPerSecond: okPerSecond,
        p50Ms: p50,
        p99Ms: p99,
        errors: summary.requests - summary.ok,
      };
    },
  };
}
