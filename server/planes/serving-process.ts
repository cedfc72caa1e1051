/** A serving process as the primary sees it: a child, what it last said, and what it is asked. */

import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { ServeError } from "../errors.js";
import type { FeedbackResult } from "../release/experiment/feedback.js";
import { Channel } from "./channel.js";
import { addEnded, type Families, readMetrics } from "./merge-metrics.js";
import {
  type Answer,
  type FromServing,
  protocolVersion,
  type Question,
  readFromServing,
  type StartOrder,
  type ToServing,
} from "./messages.js";

export type Beat = Extract<FromServing, { kind: "beat" }>;

export interface ServingProcessOptions {
  readonly id: number;
  readonly place: number;
  readonly order: StartOrder;
  /** What it listens on, where sockets are shared. */
  readonly sockets: { readonly http: object | undefined; readonly grpc: object | undefined };
  /** Called for whatever it says of itself. */
  readonly onSaid: (said: FromServing, from: ServingProcess) => void;
  /** Called once, after its last message. */
  readonly onEnded: (process: ServingProcess) => void;
  readonly onTrouble: (message: string, process: ServingProcess) => void;
}

export class ServingProcess {
  readonly id: number;
  readonly place: number;
  readonly startedAt = new Date();
  beat: Beat | undefined;
  /** As it last gave them; undefined before. */
  metrics: Families | undefined;
  /** It didn't answer the last scrape in time. */
  isStale = false;
  /** How it ended: an exit code, or a signal. */
  ending: number | NodeJS.Signals | undefined;
  readonly #options: ServingProcessOptions;
  readonly #child: ChildProcess;
  readonly #channel: Channel<FromServing, ToServing>;
  readonly #asked = new Map<number, (answer: Answer | undefined) => void>();
  #lastId = 0;

  /** Starts it. */
  constructor(options: ServingProcessOptions) {
    const { id, place, order, sockets, onTrouble } = options;
    this.#options = options;
    this.id = id;
    this.place = place;
    const child = fork(createRequire(import.meta.url).resolve("#serving-process"), [], {
      serialization: "advanced",
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    this.#channel = new Channel<FromServing, ToServing>(child, {
      read: readFromServing,
      take: (message) => this.#take(message),
      onBad: (error) => onTrouble(error.message, this),
    });
    child.on("error", (error) => this.#ended(`it couldn't be started: ${error.message}`));
    child.once("exit", (code, signal) => {
      this.ending = signal ?? code ?? undefined;
      if (!child.connected) this.#ended();
    });
    // What it said before its end may be read after it.
    child.once("disconnect", () => {
      if (this.ending !== undefined) this.#ended();
    });
    for (const of of ["http", "grpc"] as const) {
      const socket = sockets[of];
      if (socket !== undefined) this.#channel.send({ kind: "socket", of }, socket);
    }
    this.#channel.send(order);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  stop(reason: string, othersServe: boolean): void {
    this.#channel.send({ kind: "stop", reason, othersServe });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Asks for its metrics; where it doesn't answer in time, those that it gave last are kept. */
  async scrape(timeoutMs: number): Promise<void> {
    this.isStale = (await this.ask({ kind: "scrape" }, timeoutMs)) === undefined;
  }

  /** Answers a question of its own. */
  tellFeedback(ask: number, results: FeedbackResult[] | undefined): void {
    this.#channel.send({ kind: "feedback_known", ask, ...(results && { results }) });
  }

  /** @returns JSON; undefined where it doesn't answer in time. */
  async describe(
    question: Question & { kind: "describe" | "compare" | "experiment" },
    timeoutMs: number,
  ): Promise<string | ServeError | undefined> {
    const answer = await this.ask(question, timeoutMs);
    if (answer?.kind === "refused") return new ServeError(answer.code, answer.message);
    return answer?.kind === "described" ? answer.json : undefined;
  }

  /**
   * @param timeoutMs - Undefined for as long as it lives.
   * @returns Undefined where it doesn't answer in time, or ends before it does.
   */
  async ask(question: Question, timeoutMs?: number): Promise<Answer | undefined> {
    const id = ++this.#lastId;
    return await new Promise((resolve) => {
      const settle = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(answer);
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(settle, timeoutMs, undefined);
      this.#asked.set(id, settle);
      if (!this.#channel.send({ ...question, id })) settle(undefined);
    });
  }

  #take(message: FromServing): void {
    const { onTrouble, onSaid } = this.#options;
    switch (message.kind) {
      case "hello":
        if (message.version === protocolVersion) return;
        onTrouble(
          `it is of another build (messages ${message.version}, not ${protocolVersion}): restart the server`,
          this,
        );
        this.kill();
        return;
      case "beat":
        this.beat = message;
        break;
      case "metrics":
      case "stopped":
        this.metrics = readMetrics(message.metrics);
    }
    if ("id" in message) this.#asked.get(message.id)?.(message);
    else onSaid(message, this);
  }

  #isOver = false;

  #ended(trouble?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (trouble !== undefined) this.#options.onTrouble(trouble, this);
    for (const settle of this.#asked.values()) settle(undefined);
    this.#options.onEnded(this);
  }

  /** Adds what it counted to what others did that have ended. */
  addTo(ended: Families): Families {
    return this.metrics === undefined ? ended : addEnded(ended, this.metrics);
  }
}
