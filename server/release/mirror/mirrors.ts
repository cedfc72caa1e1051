/**
 * Shadows behind URLs: rows of the champion's calls are sent to other servers after the reply, and their answers compared.
 *
 * What always holds:
 * - Rows wait in a bounded queue, and are written in the time that calls leave; what has no room is shed.
 * - A mirror has a bounded number of requests under way, each bounded in time and bytes, over connections that are kept.
 * - A mirror that fails again and again isn't asked for a while; what would have been asked is shed.
 * - Only hosts that the setting names are asked, whatever a route says.
 */

import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { shadowHeader } from "../../routing/route-table.js";
import type { MirrorFigures } from "../comparison-figures.js";
import type { MirrorTaker, ShadowJob, ShadowPair } from "../shadows.js";
import { SpareTime, type SpareTimeOptions } from "../spare-time.js";
import { type AskFailure, ask } from "./ask.js";
import { Breaker } from "./breaker.js";
import type { MirrorHosts } from "./hosts.js";
import { readAnswer, sentFeatures, writeRows } from "./messages.js";

/** Requests under way, and connections, of one mirror. */
const requestsMax = 16;
/** An answer has a row's numbers and little else: as much as the rows that a queue holds need. */
const answerBytesMax = 4_194_304;

interface Target {
  readonly agent: Agent;
  readonly breaker: Breaker;
  readonly failures: Map<AskFailure, number>;
  readonly underWay: Set<() => void>;
}

export class Mirrors implements MirrorTaker {
  readonly #options: SpareTimeOptions;
  readonly #hosts: MirrorHosts;
  readonly #spareTime: SpareTime<ShadowJob>;
  readonly #targets = new Map<ShadowPair, Target>();

  constructor(options: SpareTimeOptions, hosts: MirrorHosts) {
    this.#options = options;
    this.#hosts = hosts;
    this.#spareTime = new SpareTime(options, (job) => this.#run(job));
  }

  take(job: ShadowJob): boolean {
    return this.#spareTime.add(job);
  }

  figures(pair: ShadowPair): MirrorFigures | undefined {
    const target = this.#targets.get(pair);
    return target && { failures: Object.fromEntries(target.failures), open: Number(target.breaker.isOpen) };
  }

  forget(pair: ShadowPair): void {
    const target = this.#targets.get(pair);
    this.#targets.delete(pair);
    if (target === undefined) return;
    for (const end of target.underWay) end();
    target.agent.destroy();
  }

  close(): void {
    this.#spareTime.close();
    for (const pair of this.#targets.keys()) this.forget(pair);
  }

  #run(job: ShadowJob): void {
    if (!this.#ask(job)) job.pair.comparison.count("shed");
    this.#spareTime.ended();
  }

  /** @returns False where it isn't asked now. */
  #ask({ record, pair }: ShadowJob): boolean {
    const { shadow, champion, comparison } = pair;
    const mirror = shadow.mirror!;
    const target = this.#targetOf(pair);
    const sentMs = this.#options.now();
    if (target.underWay.size >= requestsMax || this.#hosts.fault(mirror.url) !== undefined) return false;
    if (!target.breaker.mayAsk(sentMs)) return false;
    const { labels, names, hasProbabilities } = champion.postprocessor;
    const form = { rowCount: record.rowCount, labels, outputs: names?.length, hasProbabilities };
    const end = ask(
      {
        url: mirror.url,
        body: writeRows(mirror.protocol, sentFeatures(mirror, champion), record.goodRows),
        headers: { "x-request-id": record.requestId, [shadowHeader]: champion.name },
        timeoutMs: mirror.timeoutMs,
        answerBytesMax,
        agent: target.agent,
        lookup: this.#hosts.lookup,
      },
      (got) => {
        const answeredMs = this.#options.now();
        target.underWay.delete(end);
        const answer = typeof got === "string" ? undefined : readAnswer(mirror.protocol, got, form);
        if (answer === undefined) {
          this.#fail(target, typeof got === "string" ? got : "malformed");
          comparison.count("shadow_failed");
        } else {
          target.breaker.succeeded();
          const championMs = record.finishedMs - record.arrivedMs;
          comparison.compare(record, answer, { championMs, shadowMs: answeredMs - sentMs });
        }
        this.#spareTime.rest(this.#options.now() - answeredMs);
      },
    );
    target.underWay.add(end);
    return true;
  }

  #fail({ breaker, failures }: Target, failure: AskFailure): void {
    failures.set(failure, (failures.get(failure) ?? 0) + 1);
    // It answers, if only that it can't take these rows.
    if (failure === "status") breaker.succeeded();
    else breaker.failed(this.#options.now());
  }

  #targetOf(pair: ShadowPair): Target {
    let target = this.#targets.get(pair);
    if (target === undefined) {
      const settings = { keepAlive: true, maxSockets: requestsMax, maxFreeSockets: requestsMax };
      const isTls = pair.shadow.mirror!.url.startsWith("https:");
      const agent = isTls ? new TlsAgent(settings) : new Agent(settings);
      target = { agent, breaker: new Breaker(), failures: new Map(), underWay: new Set() };
      this.#targets.set(pair, target);
    }
    return target;
  }
}
