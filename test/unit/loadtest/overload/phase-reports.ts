/** Reports of phases in which all went well, to be changed where a test is about a fault. */

import type { PhaseReport } from "../../../../loadtest/overload/phase-report.js";
import type { Phase } from "../../../../loadtest/overload/phases.js";

export function phaseReport(phase: Phase, change: Partial<PhaseReport> = {}): PhaseReport {
  const { id, title, factor, durationS, recovers } = phase;
  const offered = 1000 * factor * durationS;
  const good = Math.min(offered, 1000 * durationS);
  return {
    id,
    title,
    factor,
    durationS,
    calls: offered,
    retries: 0,
    offeredPerSecond: 1000 * factor,
    good,
    goodPerSecond: good / durationS,
    goodShareOfPeak: good / durationS / 1000,
    accepted: { count: good, p50: 50, p95: 90, p99: 100, max: 150 },
    late: 0,
    statuses: offered === good ? [] : [{ status: 503, count: offered - good, p50: 1, p95: 2, p99: 3, max: 4 }],
    refused: offered === good ? { count: 0 } : { count: offered - good, p50: 1, p95: 2, p99: 3, max: 4 },
    leftByClient: 0,
    lost: 0,
    unanswered: 0,
    retryAfter: [],
    recoveryS: recovers ? 0 : undefined,
    rows: { rowsRun: good, rowsForNobody: 0, share: 0 },
    server: { rowsRun: good, processorS: 1, othersS: 0, atS: durationS, answers: good, refusals: offered - good },
    othersShare: 0,
    generator: { lagMsP99: 1, lagMsMax: 4, processorShare: 0.2, waitedForConnection: 0 },
    bottleneck: undefined,
    slices: [{ startS: 0, lengthS: durationS, offered, good, late: 0, refused: offered - good, failed: 0 }],
    ...change,
  };
}
