/**
 * The closed loop of the comparisons, by a tool made for it: wrk, in C, takes a fraction of the processor time that a
 * server in JavaScript does, so it measures the server. Without wrk, autocannon; figures name the tool.
 */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { saturate } from "../loadtest/closed-loop.js";
import { createAutocannon, type Generator, type Saturation } from "../loadtest/generators.js";
import { packageVersion, projectRoot } from "../loadtest/project.js";
import { requestBytes, targetUrl } from "../loadtest/target.js";

const run = promisify(execFile);

/**
 * @param rowsFile - JSON lines; they are sent in turn.
 * @returns wrk with rows.lua, or undefined where wrk isn't installed.
 */
export async function createWrk(rowsFile: string): Promise<Generator | undefined> {
  // wrk prints its version with exit code 1.
  const said = await run("wrk", ["-v"]).catch((reason: { code: unknown; stdout?: string }) =>
    reason.code === 1 ? { stdout: reason.stdout ?? "" } : undefined,
  );
  if (said === undefined) return undefined;
  const script = join(projectRoot, "bench", "rows.lua");
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

/**
 * The generator, but with our own client where there is one connection: autocannon counts whole milliseconds, and there
 * a request takes a tenth of one.
 */
export function withOwnClientAtOne(generator: Generator, rows: readonly string[]): Generator {
  return {
    name: `${generator.name}, at one connection by the load test's own client`,
    saturate: async (target, connections, durationS) => {
      if (connections > 1) return await generator.saturate(target, connections, durationS);
      const requests = rows.map((row) => requestBytes(target, row));
      const { summary, okPerSecond } = await saturate(target, { requests, connections, durationS, drainMs: 5000 });
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
