/**
 * Callers that write down what became of each request: one at a time on a connection of its own, which is opened again
 * when the server closes it.
 */

import { setTimeout as delay } from "node:timers/promises";
import { RawConnection } from "./raw-connection.js";

export interface LedgerEntry {
  /** The client's port. */
  readonly port: number;
  /** Undefined where the connection ended without a reply. */
  readonly answer: { readonly status: number; readonly prediction: unknown } | undefined;
  /** What the answer has to be. */
  readonly value: number;
}

/** Between a reply and the next request, milliseconds: the processors are for those that start. */
const restMs = 3;

export class LedgerLoad {
  readonly entries: LedgerEntry[] = [];
  /** Connections that couldn't be opened. */
  refused = 0;
  readonly #port: number;
  readonly #path: string;
  readonly #open = new Set<RawConnection>();
  readonly #clients: Promise<void>[];
  #stopped = false;

  /** Starts to call. */
  constructor(port: number, path: string, { clients }: { clients: number }) {
    this.#port = port;
    this.#path = path;
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
        const value = client * 10_000 + (count % 10_000);
        const body = `{"value":${value}}`;
        const head = `POST ${this.#path} HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000\r\ncontent-length: ${body.length}`;
        await connection.write(`${head}\r\n\r\n${body}`);
        const reply = await connection.replyOrEnd();
        const answer =
          typeof reply === "string" ? undefined : { status: reply.status, prediction: reply.json?.prediction };
        this.entries.push({ port, value, answer });
        await delay(restMs);
        isOpen = typeof reply !== "string" && reply.headers.get("connection") !== "close";
      }
      this.#open.delete(connection);
      connection.destroy();
    }
  }
}
