/**
 * Connections behind a queue: a request that finds none free waits its turn.
 *
 * Requests wait only while `connectionsMax` connections are in use, and leave the queue in the order they came.
 */

import { Connections } from "./connections.js";
import type { Outcome } from "./tally.js";

/** The generators' way to a server. */
export interface Transport {
  /**
   * @param done - Called once, unless the transport is closed first: after the reply's last byte, or when no reply can
   *   come any more.
   */
  send(request: Buffer, done: (outcome: Outcome) => void): void;
  close(): void;
}

export interface PoolOptions {
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  readonly idleMsMax?: number;
}

interface Job {
  readonly request: Buffer;
  readonly done: (outcome: Outcome) => void;
}

/** @returns A transport with at most `connectionsMax` connections, opened as they're needed. */
export function createConnectionPool({ host, port, connectionsMax, idleMsMax }: PoolOptions): Transport {
  const waiting: Job[] = [];
  const receiver = {
    onReply: (job: Job, status: number) => end(job, { status }),
    onLost: (job: Job, failure: string) => end(job, { failure }),
  };
  const connections = new Connections<Job>({ host, port }, connectionsMax, receiver, idleMsMax);

  function end(job: Job, outcome: Outcome): void {
    job.done(outcome); // before the next request is written, so that the write isn't counted to this one
    sendWaiting();
  }

  function sendWaiting(): void {
    while (waiting.length > 0 && connections.send(waiting[0]!, waiting[0]!.request)) waiting.shift();
  }

  return {
    send(request, done) {
      waiting.push({ request, done });
      if (waiting.length === 1) sendWaiting();
    },
    close() {
      waiting.length = 0;
      connections.close();
    },
  };
}
