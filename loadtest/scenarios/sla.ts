/**
 * Does the server keep its promise? Load at a fixed rate, in an open loop, judged by the 95th percentile and by any
 * error.
 */

import { machineClock } from "../clock.js";
import { createConnectionPool } from "../connection-pool.js";
import { type OpenLoopResult, runOpenLoop } from "../open-loop.js";
import type { Random } from "../random.js";
import { RequestLog } from "../request-log.js";
import { manyRowsBody, type RowSource } from "../rows.js";
import { type Arrivals, planRequests } from "../schedule.js";
import { figure, textTable } from "../table.js";
import type { TallySummary } from "../tally.js";
import { requestBytes, type Target } from "../target.js";
import { type Timeline, timelineOf } from "../timeline.js";

export interface SlaSettings {
  /** Plain rows per second. */
  readonly rate: number;
  readonly durationS: number;
  readonly arrivals: Arrivals;
  readonly connections: number;
  readonly p95MsMax: number;
  /** Beside the plain rows, a request with `rowCount` rows every `everyS` seconds; undefined for none. */
  readonly big: { readonly rowCount: number; readonly everyS: number } | undefined;
  /** How long to wait for the last replies. */
  readonly drainMs: number;
}

export interface SlaReport extends OpenLoopResult {
  readonly scenario: string;
  readonly settings: SlaSettings;
  /** Plain rows: as planned, and answered with 200, per second. */
  readonly ratePlanned: number;
  readonly rateAchieved: number;
  readonly timeline: Timeline;
  /** Why the run fails; empty where it passes. */
  readonly failures: readonly string[];
  readonly passed: boolean;
}

// Large bodies are made before the run, since making one takes a millisecond or two in which no reply would be read.
const bigBodies = 16;

export async function runSla(
  scenario: string,
  target: Target,
  settings: SlaSettings,
  rows: RowSource,
  random: Random,
): Promise<SlaReport> {
  const { rate, durationS, arrivals, connections, big, drainMs } = settings;
  const plan = planRequests({ rate, durationS, arrivals }, random, big);
  const bigRequests = big
    ? Array.from({ length: bigBodies }, () => requestBytes(target, manyRowsBody(rows, big.rowCount)))
    : [];
  let nextBig = 0;
  const requestFor = (rowCount: number) =>
    rowCount === 1 ? requestBytes(target, rows()) : bigRequests[nextBig++ % bigBodies]!;
  const transport = createConnectionPool({ host: target.host, port: target.port, connectionsMax: connections });
  const log = new RequestLog(plan);
  const result = await runOpenLoop({ plan, requestFor, transport, clock: machineClock, drainMs, log }).finally(() =>
    transport.close(),
  );
  const failures = judge(result, settings.p95MsMax);
  return {
    scenario,
    settings,
    ...result,
    ratePlanned: result.plain.requests / durationS,
    rateAchieved: result.plain.ok / Math.max(durationS, result.elapsedS),
    timeline: timelineOf(log, durationS),
    failures,
    passed: failures.length === 0,
  };
}

/** The breaches of the agreement in a run: errors of any kind, and a P95 over the bound. */
export function judge({ plain, big }: Pick<OpenLoopResult, "plain" | "big">, p95MsMax: number): string[] {
  const failures = [...errorsOf("one-row requests", plain), ...errorsOf("large requests", big)];
  const p95 = plain.latencyMs?.p95;
  if (p95 === undefined) failures.push("no row was answered");
  else if (p95 > p95MsMax) failures.push(`P95 is ${figure(p95)} ms, over the bound of ${figure(p95MsMax)} ms`);
  return failures;
}

export function slaText({
  settings,
  plain,
  big,
  ratePlanned,
  rateAchieved,
  sendLagMs,
  failures,
  passed,
}: SlaReport): string {
  const lines: (readonly string[])[] = [
    ["latency, ms", "requests", "ok", "P50", "P95", "P99", "P99.9", "max"],
    summaryLine("one row", plain),
  ];
  if (settings.big) lines.push(summaryLine(`${settings.big.rowCount} rows`, big));
  return [
    textTable(lines),
    "",
    `planned ${figure(ratePlanned)} rows/s (${settings.arrivals} arrivals), answered ${figure(rateAchieved)} rows/s`,
    `the generator itself was late by ${figure(sendLagMs.p99)} ms (P99), ${figure(sendLagMs.max)} ms (max)`,
    passed ? `PASS: no errors, P95 within ${figure(settings.p95MsMax)} ms` : `FAIL: ${failures.join("; ")}`,
  ].join("\n");
}

function summaryLine(name: string, { requests, ok, latencyMs }: TallySummary): string[] {
  const latencies = latencyMs
    ? [latencyMs.p50, latencyMs.p95, latencyMs.p99, latencyMs.p99_9, latencyMs.max].map(figure)
    : Array(5).fill("-");
  return [name, String(requests), String(ok), ...latencies];
}

function errorsOf(what: string, { errors }: TallySummary): string[] {
  return Object.entries(errors).map(([kind, count]) => `${what}: ${count} ended in ${kind}`);
}
