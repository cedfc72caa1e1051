/** The figures of a simulation, and their text for a failing test. */

import { meanCapacityPerS } from "./capacity.js";
import { type Figures, type Ledger, type Percentiles, type Window, windowS } from "./ledger.js";
import type { Setup, Stream } from "./setup.js";

export interface Report {
  readonly total: Figures;
  /** In the order of `traffic`. */
  readonly streams: readonly Figures[];
  readonly lanes: readonly Figures[];
  /**
   * Sum over the lanes of goodput by what the lane could answer if it had the machine for itself and no call were
   * refused.
   */
  readonly shareOfCapacity: number;
  /** The same, by what can be answered beside refusing the others. */
  readonly shareOfAttainable: number;
  /** Rows of runs that ended. */
  readonly rowsRun: number;
  /** Those that the scheduler said had run. */
  readonly rowsRecorded: number;
  /**
   * Those of calls that got no answer from it: their callers had left, or the deadline had passed when the run ended.
   */
  readonly rowsForNobody: number;
  readonly shareForNobody: number;
  /** Share of the time in which the event loop worked. */
  readonly loopBusy: number;
  readonly windows: readonly Window[];
  /** Calls that never got an outcome, and those that were sent: over the whole simulation. */
  readonly open: number;
  readonly sent: number;
  /** What the scheduler did that it never may. */
  readonly faults: readonly string[];
}

export interface Rows {
  readonly run: number;
  readonly recorded: number;
  readonly wanted: number;
}

export function createReport(
  setup: Setup,
  ledger: Ledger,
  rows: Rows,
  loopBusy: number,
  faults: readonly string[],
): Report {
  const { traffic, lanes, measureFromS = 0, untilS } = setup;
  const durationS = untilS - measureFromS;
  const indexes = traffic.map((_, stream) => stream);
  const known = new Map<string, Figures>();
  const figures = (streams: readonly number[]): Figures => {
    const key = streams.join();
    const found = known.get(key) ?? ledger.figures(streams, durationS);
    known.set(key, found);
    return found;
  };
  let shareOfCapacity = 0;
  let shareOfAttainable = 0;
  for (const [index, { lane = 0, rows: rowsPerCall = 1 }] of traffic.entries()) {
    const offeredPerS = ledger.sent[index]! / durationS;
    const { goodputPerS } = figures([index]);
    const question = { lane, rows: rowsPerCall };
    shareOfCapacity += goodputPerS / meanCapacityPerS(setup, question, measureFromS, untilS);
    shareOfAttainable += goodputPerS / meanCapacityPerS(setup, { ...question, offeredPerS }, measureFromS, untilS);
  }
  return {
    total: figures(indexes),
    streams: indexes.map((stream) => figures([stream])),
    lanes: lanes.map((_, lane) => figures(indexes.filter((stream) => laneOf(traffic[stream]!) === lane))),
    shareOfCapacity,
    shareOfAttainable,
    rowsRun: rows.run,
    rowsRecorded: rows.recorded,
    rowsForNobody: rows.run - rows.wanted,
    shareForNobody: rows.run === 0 ? 0 : (rows.run - rows.wanted) / rows.run,
    loopBusy,
    windows: ledger.windows,
    open: ledger.sentAlways - ledger.endedAlways,
    sent: ledger.sentAlways,
    faults,
  };
}

/** In a window of normal service so many of the calls that were sent are answered in time. */
const normalShare = 0.95;

/** How long after `fromS` service is normal again, seconds: until the end of the last window that isn't. */
export function recoveryS({ windows }: Report, fromS: number, untilS: number): number {
  const abnormal = windows.findLast(
    ({ fromS: atS, sent, inTime }) => atS >= fromS && atS < untilS && inTime < normalShare * sent,
  );
  return abnormal === undefined ? 0 : abnormal.fromS + windowS - fromS;
}

/** The whole report, for people. */
export function describeReport(report: Report, { traffic }: Pick<Setup, "traffic">): string {
  const lines = [
    line("all", report.total),
    ...(traffic.length > 1 ? report.streams.map((figures, i) => line(traffic[i]!.name ?? `stream ${i}`, figures)) : []),
    `share of capacity ${report.shareOfCapacity.toFixed(3)}, of what is attainable beside refusals ${report.shareOfAttainable.toFixed(3)}; ` +
      `rows run ${report.rowsRun}, for nobody ${report.rowsForNobody} (${percent(report.shareForNobody)}); ` +
      `event loop busy ${percent(report.loopBusy)}; ${report.open} of ${report.sent} calls without an outcome`,
    ...report.faults.slice(0, 5).map((fault) => `FAULT: ${fault}`),
    `each second, in time / sent, and the longest queue: ${seconds(report.windows).join("  ")}`,
  ];
  return lines.join("\n");
}

function line(name: string, f: Figures): string {
  return (
    `${name}: sent ${f.sent}, in time ${f.inTime} (${f.goodputPerS.toFixed(1)}/s), answered ${f.answered}, refused ${f.refused}, ` +
    `shed ${f.shed}, 504 ${f.expired}, left ${f.left}, failed ${f.failed}, open ${f.open}; ` +
    `ms P50 / P95 / P99 / max: answered ${text(f.latencyMs)}, refused ${text(f.refusalMs)}, shed ${text(f.shedMs)}`
  );
}

function seconds(windows: readonly Window[]): string[] {
  const perS = Math.round(1 / windowS);
  return Array.from({ length: Math.ceil(windows.length / perS) }, (_, second) => {
    const part = windows.slice(second * perS, (second + 1) * perS);
    const sum = (of: (window: Window) => number) => part.reduce((total, window) => total + of(window), 0);
    return `${sum(({ inTime }) => inTime)}/${sum(({ sent }) => sent)} q${Math.max(...part.map(({ queuedRows }) => queuedRows))}`;
  });
}

const text = ({ p50, p95, p99, max }: Percentiles) => [p50, p95, p99, max].map((ms) => ms.toFixed(1)).join(" / ");
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const laneOf = ({ lane = 0 }: Stream) => lane;
