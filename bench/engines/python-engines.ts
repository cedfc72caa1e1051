/**
 * The peers that compile tree models (bench/peers/compiled_trees.py): one Python process for all, idle between
 * requests.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** A line of JSON there, a line of JSON back, one after the other. */
export class LineTalk {
  readonly #to: Writable;
  readonly #replies: AsyncIterator<string>;
  #ended = false;

  constructor(to: Writable, from: Readable) {
    this.#to = to;
    this.#replies = createInterface({ input: from })[Symbol.asyncIterator]();
    // A missing reply reports the end of the process.
    to.on("error", () => undefined);
  }

  /** Whether the other side was found gone. */
  get ended(): boolean {
    return this.#ended;
  }

  /** @throws Error with the other side's own words, or that it is gone. */
  async ask<Reply>(request: object): Promise<Reply> {
    this.#to.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#replies.next();
    if (done) {
      this.#ended = true;
      throw new Error("the peers' process ended before it answered");
    }
    const reply = JSON.parse(value as string) as Reply & { readonly error?: string };
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply;
  }
}

export interface PythonEngines {
  readonly talk: LineTalk;
  stop(): Promise<void>;
}

/** @param python - The interpreter of the peers' environment. */
export function startPythonEngines(python: string, program: string): PythonEngines {
  // One thread, whatever a library takes by itself.
  const environment = { ...process.env, OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const peer = spawn(python, [program], { env: environment, stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(peer, "exit");
  return {
    talk: new LineTalk(peer.stdin, peer.stdout),
    async stop() {
      peer.stdin.end();
      await ended;
    },
  };
}
