/**
 * Sends a plan's calls when they are due, whatever the server does: an open loop, lean enough for some ten thousand
 * calls a second.
 *
 * Each turn of a 1 ms timer sends all that is due, so a call leaves up to a millisecond or two late; latency counts
 * from when it was due.
 */

import { Connections } from "../connections.js";
import type { Target } from "../target.js";
import { connectionLost, Ledger } from "./ledger.js";

export interface SendPlan {
  readonly target: Target;
  /** Ascending, milliseconds after the start. */
  readonly dueMs: Float64Array;
  /** Sent in turn. */
  readonly requests: readonly Buffer[];
  /** All are opened at the start; there are never more. */
  readonly connections: number;
  /** How long to wait for replies after the last call was due. */
  readonly drainMs: number;
  /** A client closes its connection so long after its call left. */
  readonly leaveAfterMs?: number;
  /** A call that was due up to `untilMs` and was refused or lost is tried again at once, `times` times at most. */
  readonly retries?: { readonly times: number; readonly untilMs: number };
  /** Asked now and then: whether the rest of the plan may be left out. */
  readonly isEnough?: (ledger: Ledger, nowMs: number) => boolean;
}

/** How well the generator kept to the plan. */
export interface GeneratorFacts {
  /**
   * How late planned calls left, but for those that had to wait for a free connection: that wait is the server's doing.
   */
  readonly lagMsP99: number;
  readonly lagMsMax: number;
  /** As a share of one processor. */
  readonly processorShare: number;
  /** Planned calls that found no free connection when they were due. */
  readonly waitedForConnection: number;
}

export interface Sent {
  readonly ledger: Ledger;
  /** Until the last reply, or the end of the wait for it. */
  readonly elapsedMs: number;
  readonly generator: GeneratorFacts;
}

const enoughEveryMs = 200;

export async function sendPlan(plan: SendPlan): Promise<Sent> {
  const { dueMs, requests, retries, leaveAfterMs = Infinity, drainMs } = plan;
  const ledger = new Ledger(dueMs, 1 + (retries?.times ?? 0));
  const lagMs = new Float64Array(dueMs.length).fill(Number.NaN);
  let lastPlanned = dueMs.length;
  let next = 0; // the first planned call that hasn't been handed over
  let leaving = 0; // the first sent call whose client may still leave
  let openCount = 0;
  let waitedForConnection = 0;
  let startMs = 0;
  let askedMs = 0;
  let sentDueMs = 0;
  const waiting: number[] = []; // entries that found no connection, oldest first
  let waitingHead = 0;
  let done: () => void = () => {};
  const connections = new Connections(plan.target, plan.connections, { onReply, onLost });
  await connections.openAll();
  const usage = process.cpuUsage();
  startMs = performance.now();
  await new Promise<void>((resolve) => {
    done = resolve;
    turn();
  });
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(usage);
  connections.close();
  ledger.leaveOut(lastPlanned);
  const lags = lagMs
    .subarray(0, lastPlanned)
    .filter((lag) => !Number.isNaN(lag))
    .sort();
  const generator = {
    lagMsP99: lags[Math.ceil(lags.length * 0.99) - 1] ?? 0,
    lagMsMax: lags.at(-1) ?? 0,
    processorShare: (user + system) / 1000 / elapsedMs,
    waitedForConnection,
  };
  return { ledger, elapsedMs, generator };

  function turn(): void {
    const nowMs = performance.now() - startMs;
    sendDue(nowMs);
    if (leaveAfterMs < Infinity) leaveDue(nowMs);
    if (plan.isEnough !== undefined && nowMs >= askedMs + enoughEveryMs && next < lastPlanned) {
      askedMs = nowMs;
      if (plan.isEnough(ledger, nowMs)) lastPlanned = next;
    }
    const isOver =
      next === lastPlanned &&
      ((openCount === 0 && waitingHead === waiting.length) || nowMs > dueMs[lastPlanned - 1]! + drainMs);
    if (isOver || lastPlanned === 0) done();
    else setTimeout(turn, 1);
  }

  function sendDue(nowMs: number): void {
    sentDueMs = nowMs;
    sendWaiting();
    for (; next < lastPlanned && dueMs[next]! <= nowMs; next++) {
      if (waitingHead === waiting.length && send(next)) {
        lagMs[next] = ledger.leftMs[next]! - dueMs[next]!;
        continue;
      }
      waitedForConnection++;
      waiting.push(next);
    }
  }

  function send(entry: number): boolean {
    if (!connections.send(entry, requests[ledger.callOf[entry]! % requests.length]!)) return false;
    ledger.leftMs[entry] = performance.now() - startMs;
    openCount++;
    return true;
  }

  function sendWaiting(): void {
    while (waitingHead < waiting.length && send(waiting[waitingHead]!)) waitingHead++;
    if (waitingHead === waiting.length && waitingHead > 0) {
      waiting.length = 0;
      waitingHead = 0;
    }
  }

  /** Calls leave in the order of the plan, so those whose time is up are found from the front. */
  function leaveDue(nowMs: number): void {
    for (; leaving < next; leaving++) {
      const leftMs = ledger.leftMs[leaving]!;
      if (Number.isNaN(leftMs) || nowMs - leftMs < leaveAfterMs) return;
      if (!Number.isNaN(ledger.endedMs[leaving]!) || !connections.leave(leaving)) continue;
      ledger.gaveUp[leaving] = 1;
      ledger.endedMs[leaving] = nowMs;
      openCount--;
    }
  }

  function onReply(entry: number, status: number, retryAfterS: number): void {
    const nowMs = performance.now() - startMs;
    ledger.endedMs[entry] = nowMs;
    ledger.status[entry] = status;
    ledger.retryAfterS[entry] = retryAfterS;
    openCount--;
    if (status !== 200) tryAgain(entry, nowMs);
    // A server that was busy replies to hundreds of calls at once, and reading them all takes longer than a turn may.
    if (nowMs - sentDueMs > 1) sendDue(nowMs);
    else if (waitingHead < waiting.length) sendWaiting();
  }

  function onLost(entry: number): void {
    const nowMs = performance.now() - startMs;
    ledger.endedMs[entry] = nowMs;
    ledger.status[entry] = connectionLost;
    openCount--;
    tryAgain(entry, nowMs);
  }

  function tryAgain(entry: number, nowMs: number): void {
    if (
      retries === undefined ||
      ledger.tries[entry]! >= retries.times ||
      dueMs[ledger.callOf[entry]!]! > retries.untilMs
    )
      return;
    const again = ledger.again(entry, nowMs);
    if (waitingHead < waiting.length || !send(again)) waiting.push(again);
  }
}
