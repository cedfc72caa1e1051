/** A listener of one member of HTTP with nothing behind it but what a test puts there. */

import { expect } from "vitest";
import type { BodyReceiver } from "../../server/transport/http/body-receiver.js";
import type { Exchange, HttpListener, HttpTransport } from "../../server/transport/http/transport.js";
import { ask } from "./http-client.js";
import { RawConnection } from "./raw-connection.js";

export interface Failure {
  readonly failure: string;
  readonly detail: string;
  readonly cause: unknown;
}

export const patience = { interval: 2, timeout: 10_000 };
export const mebibyte = 1_048_576;

export class BareListener {
  listener!: HttpListener;
  handle = (exchange: Exchange): void => exchange.send(200, "text/plain", exchange.path);
  onFailure = (exchange: Exchange, { failure }: Failure): void =>
    exchange.send(failure === "internal" ? 500 : 400, "text/plain", failure);
  readonly failures: Failure[] = [];
  readonly foreign: string[] = [];
  readonly #transport: HttpTransport;
  readonly #connections: RawConnection[] = [];

  private constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  static async open(transport: HttpTransport): Promise<BareListener> {
    const bare = new BareListener(transport);
    await bare.listen();
    return bare;
  }

  /** Anew, for who has closed the first one. */
  async listen(): Promise<void> {
    this.listener = await this.#transport.listen({
      name: "test",
      host: "127.0.0.1",
      port: 0,
      receivingBytesMax: 2 * mebibyte,
      handle: (exchange) => this.handle(exchange),
      onFailure: (exchange, failure, detail, cause) => {
        this.failures.push({ failure, detail, cause });
        this.onFailure(exchange, { failure, detail, cause });
      },
      onForeignProtocol: (protocol) => this.foreign.push(protocol),
    });
  }

  get port(): number {
    return this.listener.port;
  }

  async connect(): Promise<RawConnection> {
    const connection = await RawConnection.open(this.port);
    this.#connections.push(connection);
    return connection;
  }

  /** Whatever was done to it, it still serves, and knows of no request that it forgot. */
  async end(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    this.handle = (exchange) => exchange.send(200, "text/plain", "still here");
    expect((await ask(this.port, "/")).text).toBe("still here");
    await expect.poll(() => this.listener.exchanges, patience).toBe(0);
    await this.listener.close(0, 1_000);
  }
}

const nothing = () => {};

export function receiver(told: Partial<BodyReceiver>): BodyReceiver {
  return {
    onBody: nothing,
    onTooLarge: nothing,
    onTooManyChunks: nothing,
    onNoRoom: nothing,
    onBroken: nothing,
    onGone: nothing,
    ...told,
  };
}
