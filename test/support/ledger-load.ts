/**
 * Callers that write down what became of each request: one at a time on a connection of its own, which is opened again
 * when the server closes it.
 */

import { setTimeout as delay } from "node:timers/promises";
import { RawConnection, type RawReply } from "./raw-connection.js";

export interface LedgerEntry {
  /** The client's port. */
  readonly port: number;
  /** Undefined where the connection ended without a reply. */
  readonly answer:
    | { readonly status: number; readonly prediction: unknown; readonly version: number | undefined }
    | undefined;
  /** When it was sent and answered, by this process's own clock, which only goes on. */
  readonly sentMs: number;
  readonly answeredMs: number;
  /** What the answer has to be. */
  readonly value: number;
}

export interface LedgerLoadOptions {
  readonly clients: number;
  /** Different values of each client. */
  readonly values?: number;
  /** The smallest value of all. */
  readonly from?: number;
}

/** Between a reply and the next request, milliseconds: the processors are for those that start. */
const restMs = 3;

export class LedgerLoad {
  readonly entries: LedgerEntry[] = [];
  /** Connections that couldn't be opened. */
  refused = 0;
  readonly #port: number;
  readonly #path: string;
  readonly #values: number;
  readonly #from: number;
  readonly #open = new Set<RawConnection>();
  readonly #clients: Promise<void>[];
  #stopped = false;

  /** Starts to call. */
  constructor(port: number, path: string, { clients, values = 10_000, from = 0 }: LedgerLoadOptions) {
    this.#port = port;
    this.#path = path;
    this.#values = values;
    this.#from = from;
    this.#clients = Array.from({ length: clients }, (_, client) => this.#call(client));
  }

  get failed(): LedgerEntry[] {
    return this.entries.filter(({ answer, value }) => answer?.status !== 200 || answer.prediction !== value);
  }

  /** Ports of the connections that are open. */
  get ports(): number[] {
    return [...this.#open].map(({ socket }) => socket.localPort!);
  }

  /** Resolves when no request is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #call(client: number): Promise<void> {
    for (let count = 0; !this.#stopped; ) {
      let connection: RawConnection;
      try {
        connection = await RawConnection.open(this.#port);
      } catch {
        this.refused++;
        continue;
      }
      this.#open.add(connection);
      const port = connection.socket.localPort!;
      for (let isOpen = true; isOpen && !this.#stopped; count++) {
        const value = this.#from + client * this.#values + (count % this.#values);
        const body = `{"value":${value}}`;
        const head = `POST ${this.#path} HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000\r\ncontent-length: ${body.length}`;
        const sentMs = performance.now();
        await connection.write(`${head}\r\n\r\n${body}`);
        const reply = await connection.replyOrEnd();
        const answer = typeof reply === "string" ? undefined : answerOf(reply);
        this.entries.push({ port, value, answer, sentMs, answeredMs: performance.now() });
        await delay(restMs);
        isOpen = typeof reply !== "string" && reply.headers.get("connection") !== "close";
      }
      this.#open.delete(connection);
      connection.destroy();
    }
  }
}

function answerOf({ status, json, headers }: RawReply) {
  const version = headers.get("x-plumb-version");
  return { status, prediction: json?.prediction, version: version === undefined ? undefined : Number(version) };
}
