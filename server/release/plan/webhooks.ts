/**
 * Others who are asked before a step, and to whom each verdict is sent: CloudEvents 1.0 as JSON, by POST, only to hosts
 * that the server's own setting allows. A redirect is a failure, since it would lead elsewhere.
 *
 * @see CloudEvents 1.0, HTTP protocol binding, 3.2 (structured content mode)
 */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Plan, Webhook } from "./plan.js";

export interface ReleaseEvent {
  readonly type: string;
  readonly model: string;
  readonly time: Date;
  readonly data: object;
}

export type Approval =
  | { readonly answer: "approved" }
  | { readonly answer: "refused" | "unreachable"; readonly why: string };

export interface WebhookOptions {
  /** Hosts, or hosts with a port, in lower case. */
  readonly hosts: readonly string[];
  readonly onTrouble: (message: string, url: string) => void;
  readonly send?: typeof fetch;
}

/** Of a gate's answer. */
const answerBytesMax = 16_384;
/** Pauses before an event is sent once more, milliseconds. */
const retriesMs = [1000, 5000] as const;
const eventsMax = 100;

export class Webhooks {
  readonly #options: WebhookOptions;
  #pending = 0;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** @returns Why a plan's addresses aren't taken, in a sentence; undefined if they are. */
  findFault({ webhooks }: Plan): string | undefined {
    for (const { url } of webhooks) {
      const { host, hostname, username } = new URL(url);
      if (username !== "") return "the plan: webhooks: expected addresses without a user";
      const { hosts } = this.#options;
      if (!hosts.includes(host) && !hosts.includes(hostname)) {
        const known = hosts.length === 0 ? "none are allowed" : `allowed are ${hosts.join(", ")}`;
        return `the plan: webhooks: the host ${JSON.stringify(host)} isn't among those of --webhook-hosts: ${known}`;
      }
    }
    return undefined;
  }

  /** Asks every gate of a plan. One that refuses outweighs those that don't answer. */
  async ask(plan: Plan, event: ReleaseEvent): Promise<Approval> {
    const gates = plan.webhooks.filter(({ kind }) => kind === "gate");
    const answers = await Promise.all(gates.map((gate) => this.#askOne(gate, event)));
    return (
      answers.find(({ answer }) => answer === "refused") ??
      answers.find(({ answer }) => answer === "unreachable") ?? { answer: "approved" }
    );
  }

  /** Sends an event to all that want events; nobody waits for it. */
  tell(plan: Plan, event: ReleaseEvent): void {
    for (const { url, timeout_ms } of plan.webhooks.filter(({ kind }) => kind === "events")) {
      if (this.#pending >= eventsMax) {
        this.#options.onTrouble("an event isn't sent: too many wait", url);
        continue;
      }
      this.#pending++;
      void this.#deliver(url, timeout_ms, event).finally(() => this.#pending--);
    }
  }

  async #deliver(url: string, timeoutMs: number, event: ReleaseEvent): Promise<void> {
    const body = bodyOf(event);
    for (let attempt = 0; ; attempt++) {
      const why = await this.#post(url, timeoutMs, body).then(
        async (reply) => {
          await reply.body?.cancel();
          return reply.ok ? undefined : `it answered ${reply.status}`;
        },
        (error: Error) => reasonOf(error),
      );
      if (why === undefined) return;
      const pauseMs = retriesMs[attempt];
      if (pauseMs === undefined) {
        this.#options.onTrouble(`an event couldn't be sent: ${why}`, url);
        return;
      }
      await delay(pauseMs, undefined, { ref: false });
    }
  }

  async #askOne({ url, timeout_ms: timeoutMs }: Webhook, event: ReleaseEvent): Promise<Approval> {
    try {
      const reply = await this.#post(url, timeoutMs, bodyOf(event));
      const { status } = reply;
      const text = await textOf(reply);
      const said = parse(text);
      const reason = typeof said?.reason === "string" ? said.reason.slice(0, 300) : "";
      if (reply.ok && said?.approve !== false) return { answer: "approved" };
      if (reply.ok || (status >= 400 && status < 500 && status !== 408 && status !== 429))
        return { answer: "refused", why: `${new URL(url).host} refuses${reason === "" ? "" : `: ${reason}`}` };
      return { answer: "unreachable", why: `${new URL(url).host} answered ${status}` };
    } catch (error) {
      return { answer: "unreachable", why: `${new URL(url).host} didn't answer: ${reasonOf(error as Error)}` };
    }
  }

  async #post(url: string, timeoutMs: number, body: string): Promise<Response> {
    const { send = fetch } = this.#options;
    return await send(url, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
  }
}

function bodyOf({ type, model, time, data }: ReleaseEvent): string {
  return JSON.stringify({
    specversion: "1.0",
    id: randomUUID(),
    source: `/plumb/models/${encodeURIComponent(model)}`,
    type,
    subject: model,
    time: time.toISOString(),
    datacontenttype: "application/json",
    data,
  });
}

function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}

/** At most so much: an answer that doesn't end isn't read. */
async function textOf(reply: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = reply.body?.getReader();
  while (reader !== undefined && bytes < answerBytesMax) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    bytes += value.length;
  }
  await reader?.cancel();
  return Buffer.concat(chunks).toString();
}

function parse(text: string): { approve?: unknown; reason?: unknown } | undefined {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}
