/**
 * The closed loop: each connection sends its next request as soon as the last one is answered. Measures what a server
 * can do, not what users at a rate would see: that is the open loop's part.
 */

import type { Clock } from "./clock.js";
import type { Transport } from "./connection-pool.js";
import { Tally, type TallySummary } from "./tally.js";

export interface ClosedLoopRun {
  /** Requests of equal size, at least one, taken in turn. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  readonly durationS: number;
  readonly transport: Transport;
  readonly clock: Clock;
  /** How long to wait for replies after `durationS`; what is open then counts as unanswered. */
  readonly drainMs: number;
}

export interface ClosedLoopResult {
  readonly summary: TallySummary;
  /** Replies with status 200, per second, over the time to the last reply. */
  readonly okPerSecond: number;
}

/** Settles once every connection is done; one whose request fails stops, so that a dead server ends the run. */
export function runClosedLoop({
  requests,
  connections,
  durationS,
  transport,
  clock,
  drainMs,
}: ClosedLoopRun): Promise<ClosedLoopResult> {
  const tally = new Tally();
  const startMs = clock.nowMs();
  const endMs = startMs + durationS * 1000;
  const openSinceMs = new Map<number, number>(); // send time of the open request, by connection
  let next = 0;
  let lastReplyMs = startMs;
  let ended = false;

  return new Promise((resolve) => {
    for (let connection = 0; connection < connections; connection++) send(connection);
    const callOff = clock.at(endMs + drainMs, finish);

    function send(connection: number): void {
      const sentMs = clock.nowMs();
      openSinceMs.set(connection, sentMs);
      transport.send(requests[next++ % requests.length]!, (outcome) => {
        if (ended) return;
        lastReplyMs = clock.nowMs();
        tally.record(outcome, lastReplyMs - sentMs);
        openSinceMs.delete(connection);
        if (lastReplyMs < endMs && "status" in outcome) send(connection);
        else if (openSinceMs.size === 0) finish();
      });
    }

    function finish(): void {
      if (ended) return;
      ended = true;
      callOff();
      const nowMs = clock.nowMs();
      for (const sentMs of openSinceMs.values()) tally.recordUnanswered(nowMs - sentMs);
      const summary = tally.summary();
      resolve({ summary, okPerSecond: lastReplyMs > startMs ? (summary.ok * 1000) / (lastReplyMs - startMs) : 0 });
    }
  });
}
