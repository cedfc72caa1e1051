/**
 * The open loop: requests leave at their planned times, whatever the replies do, and a reply's latency counts from the
 * time its request was meant to leave. So a wait for a free connection, a late timer and a stalled server all count (no
 * coordinated omission).
 */

import type { Clock } from "./clock.js";
import type { Transport } from "./connection-pool.js";
import type { RequestLog } from "./request-log.js";
import type { Planned } from "./schedule.js";
import { errorKind, Tally, type TallySummary, unanswered as unansweredKind } from "./tally.js";

export interface OpenLoopRun {
  /** Ascending by time. */
  readonly plan: readonly Planned[];
  /** Makes the bytes of a request with `rowCount` rows. Asked ahead of time, so its cost doesn't delay the sending. */
  readonly requestFor: (rowCount: number) => Buffer;
  readonly transport: Transport;
  readonly clock: Clock;
  /** How long to wait for replies after the last planned time; what is open then counts as unanswered. */
  readonly drainMs: number;
  /** Made for this plan; takes what becomes of each request. */
  readonly log: RequestLog;
}

export interface OpenLoopResult {
  /** Requests of one row. */
  readonly plain: TallySummary;
  /** Requests of many rows; counted apart, since their latency is another one. */
  readonly big: TallySummary;
  /** From the start to the last reply, seconds. */
  readonly elapsedS: number;
  /**
   * How late the generator handed requests to the transport: large values mean that it, not the server, was the slow
   * part.
   */
  readonly sendLagMs: { readonly p99: number; readonly max: number };
}

/** Runs a plan to its end. Settles once every request has ended or `drainMs` after the last was due; never later. */
export function runOpenLoop({
  plan,
  requestFor,
  transport,
  clock,
  drainMs,
  log,
}: OpenLoopRun): Promise<OpenLoopResult> {
  const plain = new Tally();
  const big = new Tally();
  const lag = new Tally();
  const unanswered = new Set<number>();
  const startMs = clock.nowMs();
  let next = 0;
  let lastReplyMs = startMs;
  let ended = false;
  let callOff = () => {};

  return new Promise((resolve) => {
    let prepared = prepare();
    if (plan.length === 0) finish();
    else clock.at(dueMs(0), sendDue);

    function sendDue(): void {
      // Everything that is due goes out now, also if this turn came late.
      while (next < plan.length && dueMs(next) <= clock.nowMs()) {
        const index = next++;
        const sentMs = clock.nowMs();
        log.sent(index, sentMs - startMs);
        lag.record({ status: 200 }, sentMs - dueMs(index));
        send(index, prepared);
        prepared = prepare();
      }
      if (next < plan.length) clock.at(dueMs(next), sendDue);
      else if (!ended) callOff = clock.at(dueMs(plan.length - 1) + drainMs, finish);
    }

    function send(index: number, request: Buffer): void {
      unanswered.add(index);
      transport.send(request, (outcome) => {
        if (ended) return;
        lastReplyMs = clock.nowMs();
        unanswered.delete(index);
        tallyOf(index).record(outcome, lastReplyMs - dueMs(index));
        log.ended(index, lastReplyMs - startMs, errorKind(outcome));
        if (next === plan.length && unanswered.size === 0) finish();
      });
    }

    function finish(): void {
      if (ended) return;
      ended = true;
      callOff();
      const endMs = clock.nowMs();
      for (const index of unanswered) {
        tallyOf(index).recordUnanswered(endMs - dueMs(index));
        log.ended(index, endMs - startMs, unansweredKind);
      }
      const { p99 = 0, max = 0 } = lag.summary().latencyMs ?? {};
      resolve({
        plain: plain.summary(),
        big: big.summary(),
        elapsedS: (lastReplyMs - startMs) / 1000,
        sendLagMs: { p99, max },
      });
    }
  });

  function prepare(): Buffer {
    return next < plan.length ? requestFor(plan[next]!.rowCount) : Buffer.alloc(0);
  }

  function dueMs(index: number): number {
    return startMs + plan[index]!.atMs;
  }

  function tallyOf(index: number): Tally {
    return plan[index]!.rowCount === 1 ? plain : big;
  }
}
