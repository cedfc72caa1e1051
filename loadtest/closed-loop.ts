/**
 * The closed loop: each connection sends its next request as soon as the last one is answered. Measures what a server
 * can do, not what users at a rate would see: that is the open loop's part.
 */

import { type Clock, machineClock } from "./clock.js";
import { createConnectionPool, type Transport } from "./connection-pool.js";
import { Tally, type TallySummary } from "./tally.js";
import type { Target } from "./target.js";

export interface ClosedLoopRun {
  /** Requests of equal size, at least one, taken in turn. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  readonly durationS: number;
  /** How long to wait for replies after `durationS`; what is open then counts as unanswered. */
  readonly drainMs: number;
}

export interface ClosedLoopResult {
  readonly summary: TallySummary;
  /** Replies with status 200, per second, over the time to the last reply. */
  readonly okPerSecond: number;
}

/** A connection pauses after a refusal, so that a server that refuses at once isn't flooded. */
const pauseAfterRefusalMs = 1;

/** Runs a closed loop on connections of its own. */
export async function saturate(target: Target, run: ClosedLoopRun): Promise<ClosedLoopResult> {
  const transport = createConnectionPool({ host: target.host, port: target.port, connectionsMax: run.connections });
  return await runClosedLoop(run, transport, machineClock).finally(() => transport.close());
}

/** Settles once every connection is done; one whose request fails stops, so that a dead server ends the run. */
export function runClosedLoop(
  { requests, connections, durationS, drainMs }: ClosedLoopRun,
  transport: Transport,
  clock: Clock,
): Promise<ClosedLoopResult> {
  const tally = new Tally();
  const startMs = clock.nowMs();
  const endMs = startMs + durationS * 1000;
  const openSinceMs = new Map<number, number>(); // send time of the open request, by connection
  let going = connections;
  let next = 0;
  let lastReplyMs = startMs;
  let ended = false;

  return new Promise((resolve) => {
    const callOff = clock.at(endMs + drainMs, finish);
    for (let connection = 0; connection < connections; connection++) send(connection);

    function send(connection: number): void {
      const sentMs = clock.nowMs();
      openSinceMs.set(connection, sentMs);
      transport.send(requests[next++ % requests.length]!, (outcome) => {
        if (ended) return;
        lastReplyMs = clock.nowMs();
        tally.record(outcome, lastReplyMs - sentMs);
        openSinceMs.delete(connection);
        if ("failure" in outcome) stop();
        else if (outcome.status === 200) sendNext(connection);
        else clock.at(lastReplyMs + pauseAfterRefusalMs, () => sendNext(connection));
      });
    }

    function sendNext(connection: number): void {
      if (clock.nowMs() < endMs) send(connection);
      else stop();
    }

    function stop(): void {
      if (--going === 0) finish();
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
