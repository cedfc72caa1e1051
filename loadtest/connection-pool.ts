/**
 * A small HTTP/1.1 client for load: kept-alive connections, one request at a time on each.
 *
 * Invariants:
 * - A connection is idle or carries exactly one job; it is in `#idle` only while idle.
 * - Jobs wait only while `connectionsMax` connections are open, and leave the queue in the order they came.
 * - Each job's `done` is called once, unless the pool is closed first.
 */

import { connect, type Socket } from "node:net";
import { ReplyError, type ReplyHead, ReplyReader } from "./reply-reader.js";
import type { Outcome } from "./tally.js";

/** What the generators send through. */
export interface Transport {
  /** @param done - Called once: after the reply's last byte, or when no reply can come any more. */
  send(request: Buffer, done: (outcome: Outcome) => void): void;
  close(): void;
}

export interface PoolOptions {
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  /**
   * A connection idle for longer is replaced before use, since the server may be about to close it. Less than usual
   * servers wait.
   */
  readonly idleMsMax?: number;
}

interface Job {
  readonly request: Buffer;
  readonly done: (outcome: Outcome) => void;
}

interface Connection {
  readonly socket: Socket;
  readonly reader: ReplyReader;
  job: Job | undefined;
  idleSinceMs: number;
  closed: boolean;
}

/** @returns A transport with at most `connectionsMax` connections, opened as they're needed. */
export function createConnectionPool({ host, port, connectionsMax, idleMsMax = 4000 }: PoolOptions): Transport {
  const open = new Set<Connection>();
  const idle: Connection[] = []; // the last one used is taken first, so that spare ones grow old
  const waiting: Job[] = [];
  let closed = false;

  function send(request: Buffer, done: (outcome: Outcome) => void): void {
    const job = { request, done };
    const connection = takeIdle();
    if (connection) start(connection, job);
    else if (open.size < connectionsMax) start(openConnection(), job);
    else waiting.push(job);
  }

  function takeIdle(): Connection | undefined {
    const connection = idle.pop();
    if (connection === undefined || performance.now() - connection.idleSinceMs <= idleMsMax) return connection;
    // The freshest is too old, so all are.
    for (const old of [connection, ...idle.splice(0)]) drop(old);
    return undefined;
  }

  function start(connection: Connection, job: Job): void {
    connection.job = job;
    connection.socket.write(job.request);
  }

  function openConnection(): Connection {
    const socket = connect({ host, port, noDelay: true });
    const connection: Connection = { socket, reader: new ReplyReader(), job: undefined, idleSinceMs: 0, closed: false };
    open.add(connection);
    socket.on("data", (chunk) => onData(connection, chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => onLost(connection, error.code ?? error.message));
    socket.on("end", () => onLost(connection, "connection closed"));
    socket.on("close", () => onLost(connection, "connection closed"));
    return connection;
  }

  function onData(connection: Connection, chunk: Buffer): void {
    const { job } = connection;
    const reply = job ? readReply(connection, chunk) : undefined;
    if (job === undefined) onLost(connection, "bytes without a request");
    if (job === undefined || reply === undefined) return;
    connection.job = undefined;
    connection.idleSinceMs = performance.now();
    if (reply.close) drop(connection);
    job.done({ status: reply.status }); // before the next request is written, so that the write isn't counted to this one
    if (reply.close) startWaiting();
    else reuse(connection);
  }

  function readReply(connection: Connection, chunk: Buffer): ReplyHead | undefined {
    try {
      return connection.reader.push(chunk);
    } catch (reason) {
      if (!(reason instanceof ReplyError)) throw reason;
      onLost(connection, reason.message);
      return undefined;
    }
  }

  function reuse(connection: Connection): void {
    if (connection.closed) return;
    const job = waiting.shift();
    if (job) start(connection, job);
    else idle.push(connection);
  }

  function onLost(connection: Connection, failure: string): void {
    if (connection.closed) return;
    const { job } = connection;
    connection.job = undefined;
    drop(connection);
    if (closed) return;
    job?.done({ failure });
    startWaiting();
  }

  /** A connection went away: the oldest waiting job gets a new one. */
  function startWaiting(): void {
    if (closed || open.size >= connectionsMax) return;
    const job = waiting.shift();
    if (job) start(openConnection(), job);
  }

  function drop(connection: Connection): void {
    connection.closed = true;
    open.delete(connection);
    const index = idle.indexOf(connection);
    if (index >= 0) idle.splice(index, 1);
    connection.socket.destroy();
  }

  function close(): void {
    closed = true;
    waiting.length = 0;
    for (const connection of [...open]) drop(connection);
  }

  return { send, close };
}
