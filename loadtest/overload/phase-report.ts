/** The report of a phase, counted from its ledger. */

import { figure } from "../table.js";
import type { Ledger } from "./ledger.js";
import { connectionLost, noReply } from "./ledger.js";
import type { GeneratorFacts } from "./send-plan.js";
import type { ServerCounts } from "./server-side.js";

export interface Latencies {
  readonly count: number;
  /** Milliseconds from when a call was meant to leave; absent where there is no call. */
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly max?: number;
}

export interface StatusReport extends Latencies {
  readonly status: number;
}

/** A piece of the phase, by when calls were due. */
export interface Slice {
  readonly startS: number;
  readonly lengthS: number;
  readonly offered: number;
  readonly good: number;
  /** 200, but too late. */
  readonly late: number;
  /** Any other status. */
  readonly refused: number;
  /** The client left, the connection was lost, or no reply came. */
  readonly failed: number;
}

/** Counts the calls that were due while the phase's own load was on; each retry counts as a call. */
export interface PhaseCounts {
  readonly calls: number;
  /** How many of `calls` are retries. */
  readonly retries: number;
  readonly offeredPerSecond: number;
  /** Answered 200 within the objective, and within the call's own deadline. */
  readonly good: number;
  readonly goodPerSecond: number;
  /** Answered 200, at any time. */
  readonly accepted: Latencies;
  readonly late: number;
  /** Every other status, in order. */
  readonly statuses: readonly StatusReport[];
  /** 429 and 503 together. */
  readonly refused: Latencies;
  readonly leftByClient: number;
  readonly lost: number;
  readonly unanswered: number;
  /** Refusals by their Retry-After, seconds. */
  readonly retryAfter: readonly { readonly seconds: number; readonly count: number }[];
}

export interface CountRule {
  readonly untilMs: number;
  /** The objective, or the call's own deadline where that is shorter. */
  readonly withinMs: number;
}

export function countPhase(ledger: Ledger, { untilMs, withinMs }: CountRule): PhaseCounts {
  const accepted: number[] = [];
  const byStatus = new Map<number, number[]>();
  const retryAfter = new Map<number, number>();
  let [calls, retries, good, leftByClient, lost, unanswered] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < ledger.count; i++) {
    // A try again belongs to the phase of the call that it repeats.
    if (!(ledger.dueMs[ledger.callOf[i]!]! < untilMs)) continue;
    calls++;
    if (ledger.tries[i]! > 0) retries++;
    const status = ledger.status[i]!;
    if (ledger.gaveUp[i] === 1) leftByClient++;
    else if (status === noReply) unanswered++;
    else if (status === connectionLost) lost++;
    else if (status === 200) {
      accepted.push(ledger.latencyMs(i));
      if (ledger.isGood(i, withinMs)) good++;
    } else {
      const latencies = byStatus.get(status) ?? [];
      byStatus.set(status, latencies);
      latencies.push(ledger.latencyMs(i));
      const seconds = ledger.retryAfterS[i]!;
      if (seconds >= 0) retryAfter.set(seconds, (retryAfter.get(seconds) ?? 0) + 1);
    }
  }
  const seconds = untilMs / 1000;
  return {
    calls,
    retries,
    offeredPerSecond: calls / seconds,
    good,
    goodPerSecond: good / seconds,
    accepted: latenciesOf(accepted),
    late: accepted.length - good,
    statuses: [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, latencies]) => ({ status, ...latenciesOf(latencies) })),
    refused: latenciesOf([...(byStatus.get(429) ?? []), ...(byStatus.get(503) ?? [])]),
    leftByClient,
    lost,
    unanswered,
    retryAfter: [...retryAfter].sort(([a], [b]) => a - b).map(([after, count]) => ({ seconds: after, count })),
  };
}

/** Nearest-rank percentiles. */
function latenciesOf(values: number[]): Latencies {
  if (values.length === 0) return { count: 0 };
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1)! };
}

/** The whole run of a phase, what came after its own load included, in slices of equal length. */
export function slicesOf(ledger: Ledger, withinMs: number, lengthMs: number): Slice[] {
  const count = Math.floor(ledger.lastDueMs() / lengthMs) + 1;
  const slices = Array.from({ length: count }, (_, i) => ({
    startS: (i * lengthMs) / 1000,
    lengthS: lengthMs / 1000,
    offered: 0,
    good: 0,
    late: 0,
    refused: 0,
    failed: 0,
  }));
  for (let i = 0; i < ledger.count; i++) {
    if (Number.isNaN(ledger.dueMs[i]!)) continue;
    const slice = slices[Math.floor(ledger.dueMs[i]! / lengthMs)]!;
    const status = ledger.status[i]!;
    slice.offered++;
    if (status < 100) slice.failed++;
    else if (status !== 200) slice.refused++;
    else if (ledger.isGood(i, withinMs)) slice.good++;
    else slice.late++;
  }
  return slices;
}

export interface RowsForNobody {
  readonly rowsRun: number;
  /** Ran, and no client got them answered while it waited and before its deadline. */
  readonly rowsForNobody: number;
  readonly share: number;
}

/** Over the whole run of a phase, since the server's counts are read before and after it. */
export function rowsForNobody(ledger: Ledger, rowsRun: number, rowsPerCall: number, deadlineMs: number): RowsForNobody {
  let used = 0;
  for (let i = 0; i < ledger.count; i++) if (ledger.isGood(i, deadlineMs)) used += rowsPerCall;
  const unused = Math.max(0, rowsRun - used);
  return { rowsRun, rowsForNobody: unused, share: rowsRun === 0 ? 0 : unused / rowsRun };
}

/**
 * How late calls leave, or how much of a processor the generator takes, before its figures are its own and not the
 * server's.
 */
const lagMsMax = 5;
const lagShareMax = 0.05; // of the objective
const processorShareMax = 0.9;

export interface BottleneckRule {
  /**
   * Whether there are as many connections as calls would be open if each took as long as it may. If not, calls that
   * found none free waited for the generator; if there are, the server held them all for longer than it may.
   */
  readonly connectionsEnough: boolean;
  readonly objectiveMs: number;
}

/** @returns Why the generator was the slow part, in words; undefined where it wasn't. */
export function bottleneckOf(
  generator: GeneratorFacts,
  { connectionsEnough, objectiveMs }: BottleneckRule,
): string | undefined {
  const { lagMsP99, processorShare, waitedForConnection } = generator;
  if (processorShare > processorShareMax) return `it took ${Math.round(processorShare * 100)} % of a processor`;
  if (lagMsP99 > Math.max(lagMsMax, lagShareMax * objectiveMs))
    return `one in a hundred calls left ${figure(lagMsP99)} ms late or later`;
  if (waitedForConnection > 0 && !connectionsEnough)
    return `${waitedForConnection} calls found no free connection, see --connections`;
  return undefined;
}

export interface PhaseReport extends PhaseCounts {
  readonly id: string;
  readonly title: string;
  /** Of the peak, as planned. */
  readonly factor: number;
  readonly durationS: number;
  readonly goodShareOfPeak: number;
  /** Undefined where the phase has no end of an overload; null where answers weren't normal again before it ended. */
  readonly recoveryS: number | null | undefined;
  readonly rows: RowsForNobody | undefined;
  /** Processor time of the server, over the phase with what came after its own load; answers and refusals in it. */
  readonly server: (ServerCounts & { readonly answers: number; readonly refusals: number }) | undefined;
  /** Of the machine's processors, by everything but the server and the generator; undefined where that isn't known. */
  readonly othersShare: number | undefined;
  readonly generator: GeneratorFacts;
  readonly bottleneck: string | undefined;
  readonly slices: readonly Slice[];
}
