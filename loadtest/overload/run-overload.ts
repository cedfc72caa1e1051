/** Runs the scenario: the peak first, then each phase in terms of it. */

import { saturate } from "../closed-loop.js";
import { OptionError } from "../options.js";
import type { Random } from "../random.js";
import { manyRowsBody, type RowSource } from "../rows.js";
import { sendTimesMs } from "../schedule.js";
import { requestBytes, type Target } from "../target.js";
import { judge, type Verdict } from "./judge.js";
import type { Ledger } from "./ledger.js";
import { findPeak, type Peak, type PeakSearch } from "./peak.js";
import { bottleneckOf, countPhase, type PhaseReport, rowsForNobody, slicesOf } from "./phase-report.js";
import { calmFactor, type Phase, type PhaseSettings, phasesOf } from "./phases.js";
import { type ProcessorTime, processorTimeOf } from "./processor-time.js";
import { recoverySeconds } from "./recovery.js";
import { type Sent, sendPlan } from "./send-plan.js";
import { difference, othersShare, type ServerCounts, type ServerSide } from "./server-side.js";

export interface OverloadSettings extends PhaseSettings {
  readonly objectiveMs: number;
  readonly rowsPerCall: number;
  readonly connectionsMax: number;
  /** How long 0.8 of the peak follows an overload at most. */
  readonly recoveryS: number;
  readonly search: PeakSearch & { readonly saturateS: number };
  readonly drainMs: number;
  /** Calls a second; undefined to find it. */
  readonly peak: number | undefined;
}

export interface OverloadReport extends Verdict {
  readonly scenario: "overload";
  readonly settings: OverloadSettings;
  readonly peak: Peak;
  readonly phases: readonly PhaseReport[];
  readonly processorTime: ProcessorTime | undefined;
}

export interface OverloadRun {
  readonly target: Target;
  readonly settings: OverloadSettings;
  readonly rows: RowSource;
  readonly random: Random;
  readonly server: ServerSide;
  /** Takes a line about each step as it is done. */
  readonly progress: (line: string) => void;
}

const differentRequests = 2048;
const sliceMs = 250;
/** Connections of the closed loop that makes the first guess. */
const saturateConnections = 64;

export async function runOverload(run: OverloadRun): Promise<OverloadReport> {
  const { settings, target, rows } = run;
  const bodies = Array.from({ length: Math.ceil(differentRequests / settings.rowsPerCall) }, () =>
    settings.rowsPerCall === 1 ? rows() : manyRowsBody(rows, settings.rowsPerCall),
  );
  const requests = bodies.map((body) => requestBytes(target, body));
  const peak = await peakOf(run, requests);
  const phases = phasesOf(settings);
  refuseTooMany(peak.goodput, Math.max(...phases.map(({ factor }) => factor)), settings.rowsPerCall);
  const reports: PhaseReport[] = [];
  let before = await run.server.read();
  for (const phase of phases) {
    const sent = await send(run, phase, peak.goodput, bodies);
    const after = await run.server.read();
    const report = reportPhase(run, phase, peak.goodput, sent, before && after && difference(before, after));
    reports.push(report);
    before = after;
    run.progress(
      `${phase.title}: ${Math.round(report.offeredPerSecond)} calls/s, ${Math.round(report.goodPerSecond)} in time`,
    );
  }
  const serverOf = (id: string) => reports.find((report) => report.id === id)?.server;
  return {
    scenario: "overload",
    settings,
    peak,
    phases: reports,
    processorTime: processorTimeOf(serverOf("calm"), serverOf("overload-2"), serverOf("overload-5")),
    ...judge(phases, reports, settings.objectiveMs, peak.doubt),
  };
}

/** More than this and the generator measures itself: it sends 20,000 to 40,000 calls a second on a core of 2023. */
const callsPerSecondMax = 60_000;

function refuseTooMany(peak: number, factor: number, rowsPerCall: number): void {
  if (peak * factor <= callsPerSecondMax) return;
  const enough = Math.ceil((2 * rowsPerCall * peak * factor) / callsPerSecondMax);
  throw new OptionError(
    `--rows-per-call: the peak is ${Math.round(peak)} calls/s, and ${factor} times as many are more than one generator sends; try ${enough}`,
  );
}

async function peakOf(run: OverloadRun, requests: readonly Buffer[]): Promise<Peak> {
  const { settings, target, random, progress } = run;
  const { objectiveMs, search, drainMs } = settings;
  if (settings.peak !== undefined) return { goodput: settings.peak, rate: settings.peak, steps: [], doubt: undefined };
  const closedLoop = { requests, connections: saturateConnections, durationS: search.saturateS, drainMs };
  const { okPerSecond: guess } = await saturate(target, closedLoop);
  if (guess === 0)
    throw new Error("the server answered no call of the closed loop that makes the first guess of the peak");
  progress(`closed loop, ${saturateConnections} connections: ${Math.round(guess)} calls/s`);
  const peak = await findPeak(measure, guess, search);
  if (peak.goodput === 0)
    throw new Error(`the server answered no call within the objective of ${objectiveMs} ms, at any rate`);
  progress(`peak goodput ${Math.round(peak.goodput)} calls/s${peak.doubt === undefined ? "" : `; ${peak.doubt}`}`);
  return peak;

  async function measure(rate: number, seconds: number) {
    const dueMs = sendTimesMs({ rate, durationS: seconds, arrivals: "poisson" }, random);
    const connections = connectionsFor(rate, settings);
    const sent = await sendPlan({ target, dueMs, requests, connections: connections.count, drainMs });
    const goodput = goodEndedPerSecond(sent.ledger, {
      fromMs: (seconds * 1000) / 4,
      untilMs: seconds * 1000,
      withinMs: objectiveMs,
    });
    progress(`  ${Math.round(rate)} calls/s: ${Math.round(goodput)} in time`);
    return {
      rate,
      goodput,
      bottleneck: bottleneckOf(sent.generator, { connectionsEnough: connections.enough, objectiveMs }),
    };
  }
}

/**
 * Counts by when the replies came, not by when the calls were due: a step over the peak is in time until its queue has
 * grown, so that by when they were due a short step would seem to be over what the server can do.
 */
function goodEndedPerSecond(
  ledger: Ledger,
  { fromMs, untilMs, withinMs }: { fromMs: number; untilMs: number; withinMs: number },
): number {
  let good = 0;
  for (let i = 0; i < ledger.count; i++) {
    const endedMs = ledger.endedMs[i]!;
    if (endedMs >= fromMs && endedMs < untilMs && ledger.isGood(i, withinMs)) good++;
  }
  return (good * 1000) / (untilMs - fromMs);
}

/** Twice as many as calls are open when each takes as long as it may, as far as that is allowed. */
function connectionsFor(
  rate: number,
  { objectiveMs, connectionsMax }: OverloadSettings,
): { count: number; enough: boolean } {
  const open = Math.ceil((rate * objectiveMs) / 1000);
  return { count: Math.min(connectionsMax, 64 + 2 * open), enough: connectionsMax >= open };
}

function reportPhase(
  { settings }: OverloadRun,
  phase: Phase,
  peak: number,
  sent: Sent,
  server: ServerCounts | undefined,
): PhaseReport {
  const { objectiveMs, rowsPerCall } = settings;
  const { ledger, generator } = sent;
  const endMs = phase.durationS * 1000;
  const deadlineMs = phase.deadlineMs ?? Infinity;
  const counts = countPhase(ledger, { untilMs: endMs, withinMs: Math.min(objectiveMs, deadlineMs) });
  const whole = countPhase(ledger, { untilMs: Infinity, withinMs: objectiveMs });
  const recovery = {
    fromMs: endMs,
    untilMs: ledger.lastDueMs(),
    withinMs: objectiveMs,
    windowMs: recoveryWindowMs(settings),
  };
  return {
    id: phase.id,
    title: phase.title,
    factor: phase.factor,
    durationS: phase.durationS,
    ...counts,
    goodShareOfPeak: counts.goodPerSecond / peak,
    recoveryS: phase.recovers ? (recoverySeconds(ledger, recovery) ?? null) : undefined,
    rows: server && rowsForNobody(ledger, server.rowsRun, rowsPerCall, deadlineMs),
    server: server && { ...server, answers: whole.accepted.count, refusals: whole.refused.count },
    othersShare: server && othersShare(server),
    generator,
    bottleneck: bottleneckOf(generator, {
      connectionsEnough: connectionsFor(phase.factor * peak, settings).enough,
      objectiveMs,
    }),
    slices: slicesOf(ledger, Math.min(objectiveMs, deadlineMs), sliceMs),
  };
}

/** A second, or less where the whole wait for it is short. */
const recoveryWindowMs = ({ recoveryS }: OverloadSettings) => Math.min(1000, recoveryS * 500);

function send(run: OverloadRun, phase: Phase, peak: number, bodies: readonly string[]): Promise<Sent> {
  const { settings, target, random } = run;
  const { objectiveMs, drainMs, recoveryS } = settings;
  const endMs = phase.durationS * 1000;
  const own = sendTimesMs({ rate: phase.factor * peak, durationS: phase.durationS, arrivals: "poisson" }, random);
  const calm = phase.recovers
    ? sendTimesMs({ rate: calmFactor * peak, durationS: recoveryS, arrivals: "poisson" }, random).map(
        (atMs) => endMs + atMs,
      )
    : [];
  const windowMs = recoveryWindowMs(settings);
  return sendPlan({
    target,
    dueMs: Float64Array.from([...own, ...calm]),
    requests: bodies.map((body) =>
      requestBytes(target, body, phase.deadlineMs === undefined ? {} : { "x-timeout-ms": phase.deadlineMs }),
    ),
    connections: connectionsFor(phase.factor * peak, settings).count,
    drainMs,
    ...(phase.leaveAfterMs === undefined ? {} : { leaveAfterMs: phase.leaveAfterMs }),
    ...(phase.retries === undefined ? {} : { retries: { times: phase.retries, untilMs: endMs } }),
    // Normal again, and for another second of calm: what comes after says nothing more.
    ...(phase.recovers
      ? {
          isEnough: (ledger: Ledger, nowMs: number) =>
            nowMs > endMs + windowMs &&
            recoverySeconds(ledger, {
              fromMs: endMs,
              untilMs: nowMs - objectiveMs - windowMs,
              withinMs: objectiveMs,
              windowMs,
            }) !== undefined,
        }
      : {}),
  });
}
