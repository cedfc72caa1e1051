/**
 * Shadows: versions that answer calls of the champion once more, after the reply, for nobody but the comparison.
 *
 * Which calls is decided at the route step. Their rows wait in a bounded queue and run one call at a time by the steps
 * and the lane of any other call; those of a URL wait in a queue of their own. What has no room is shed, and counted.
 */

import { Call, type CallRecord, type Reply } from "../path/call.js";
import type { PredictPath } from "../path/predict.js";
import type { ServingVersion } from "../path/serving-version.js";
import type { Protocol, RequestHead } from "../protocol/protocol.js";
import type { Shadow } from "../routing/route-table.js";
import { Comparison } from "./comparison.js";
import type { ComparisonFigures, MirrorFigures } from "./comparison-figures.js";
import { SpareTime, type SpareTimeOptions } from "./spare-time.js";

export interface ShadowOptions extends SpareTimeOptions {
  readonly wallClock: () => Date;
  /** Loads what asks servers behind URLs; it is asked for once a route names one. */
  readonly openMirrors?: () => Promise<MirrorTaker>;
}

/** What answers of the champion's calls is compared by what. */
export interface ShadowPair {
  readonly champion: ServingVersion;
  readonly shadow: Shadow;
  readonly comparison: Comparison;
}

/** A call of the champion that a shadow is to answer. */
export interface ShadowJob {
  readonly record: CallRecord;
  readonly pair: ShadowPair;
}

/** Asks servers behind URLs. */
export interface MirrorTaker {
  /** @returns False where there is no room for it. */
  take(job: ShadowJob): boolean;
  figures(pair: ShadowPair): MirrorFigures | undefined;
  /** No route asks for it any more. */
  forget(pair: ShadowPair): void;
  close(): void;
}

/** Nobody waits for it. */
const timeoutMs = 60_000;

export class Shadows {
  readonly #options: ShadowOptions;
  readonly #pairs = new Map<ServingVersion, Map<string, ShadowPair>>();
  readonly #spareTime: SpareTime<ShadowJob>;
  #path: PredictPath | undefined;
  #running: ShadowJob | undefined;
  #mirrors: MirrorTaker | undefined;
  #opening: Promise<void> | undefined;

  constructor(options: ShadowOptions) {
    this.#options = options;
    this.#spareTime = new SpareTime(options, (job) => this.#run(job));
  }

  /** @param path - Takes the shadows' calls; its one observer is {@link done}. */
  attach(path: PredictPath): void {
    this.#path = path;
  }

  get pairs(): readonly ShadowPair[] {
    return [...this.#pairs.values()].flatMap((ofChampion) => [...ofChampion.values()]);
  }

  onCall(record: CallRecord): void {
    const { shadows, version } = record;
    if (shadows === undefined || version === undefined) return;
    for (const shadow of shadows) this.#take(record, this.#pairOf(version, shadow));
  }

  /** Ends comparisons that no route asks for any more: whoever asks again begins anew. */
  keep(isWanted: (pair: ShadowPair) => boolean): void {
    for (const pair of this.pairs) if (!isWanted(pair)) this.#end(pair);
  }

  /** A route names a URL: what asks it is loaded. Calls that come earlier are shed. */
  openMirrors(): void {
    this.#opening ??= this.#options.openMirrors?.().then((mirrors) => {
      this.#mirrors = mirrors;
    });
  }

  /** Of a version that is gone. */
  removeVersion(version: ServingVersion): void {
    for (const pair of this.#pairs.get(version)?.values() ?? []) this.#end(pair);
    this.#pairs.delete(version);
  }

  figures(pair: ShadowPair): ComparisonFigures {
    const { mirror, name, key } = pair.shadow;
    const figures = pair.comparison.figures(mirror === undefined ? Number(name) : name, key);
    const ofMirror = this.mirrorFigures(pair);
    return ofMirror === undefined ? figures : { ...figures, mirror: ofMirror };
  }

  mirrorFigures(pair: ShadowPair): MirrorFigures | undefined {
    if (pair.shadow.mirror === undefined) return undefined;
    return this.#mirrors?.figures(pair) ?? { failures: {}, open: 0 };
  }

  /** What still waits is dropped: nobody would read the comparison. */
  async close(): Promise<boolean> {
    this.#spareTime.close();
    await this.#opening;
    this.#mirrors?.close();
    return true;
  }

  #take(record: CallRecord, pair: ShadowPair): void {
    const { comparison, shadow } = pair;
    const { error, rowCount, answer } = record;
    if (record.modelFault !== undefined || (error !== undefined && error.status >= 500))
      comparison.count("champion_failed");
    // What the caller got wrong, or didn't wait for, says nothing of either.
    else if (answer === undefined) return;
    else if (record.fallback !== undefined || record.rowErrors !== undefined || record.goodRows.length !== rowCount)
      comparison.count("skipped");
    else {
      const taker = shadow.mirror === undefined ? this : this.#mirrors;
      if (taker?.take({ record, pair }) !== true) comparison.count("shed");
    }
  }

  take(job: ShadowJob): boolean {
    return this.#spareTime.add(job);
  }

  #run(job: ShadowJob): void {
    const { record, pair } = job;
    this.#running = job;
    const head: ShadowHead = { contentType: "", header: () => "", rows: record.goodRows };
    const nowMs = this.#options.now();
    const call = new Call(shadowProtocol, nobody, nowMs, pair.champion.name, pair.shadow.name, head, "");
    call.requestId = record.requestId;
    call.callerTimeoutMs = timeoutMs;
    this.#path!.predict(call);
  }

  /** A shadow's call is over. */
  done(call: CallRecord): void {
    const { record, pair } = this.#running!;
    this.#running = undefined;
    const { comparison } = pair;
    const isTimed = !record.cached && !call.cached;
    const times = isTimed ? { championMs: workMs(record), shadowMs: workMs(call) } : undefined;
    if (call.answer !== undefined && call.fallback === undefined) comparison.compare(record, call.answer, times);
    else comparison.count(call.error?.code === "overloaded" ? "shed" : "shadow_failed");
    this.#spareTime.ended();
  }

  #end(pair: ShadowPair): void {
    this.#pairs.get(pair.champion)?.delete(pair.shadow.key);
    this.#mirrors?.forget(pair);
  }

  #pairOf(champion: ServingVersion, shadow: Shadow): ShadowPair {
    let ofChampion = this.#pairs.get(champion);
    if (ofChampion === undefined) {
      ofChampion = new Map();
      this.#pairs.set(champion, ofChampion);
    }
    let pair = ofChampion.get(shadow.key);
    if (pair === undefined) {
      pair = { champion, shadow, comparison: new Comparison(this.#options.wallClock(), shadow.rules) };
      ofChampion.set(shadow.key, pair);
    }
    return pair;
  }
}

/** Time that the call's rows were worked on, without what they waited. */
function workMs({ validatedMs, preprocessedMs, runStartedMs, runEndedMs, postprocessedMs }: CallRecord): number {
  return Math.max(0, preprocessedMs - validatedMs + runEndedMs - runStartedMs + postprocessedMs - runEndedMs);
}

interface ShadowHead extends RequestHead {
  readonly rows: CallRecord["goodRows"];
}

const nobody: Reply = { send() {}, refuse() {} };
const nothing = { body: "", contentType: "", headers: [] };

/** Rows that are decoded already, and an answer that isn't written. */
const shadowProtocol: Protocol<undefined> = {
  name: "shadow",
  headers: [],
  decode: (_body, head) => ({ rows: (head as ShadowHead).rows, partial: false }),
  frame: () => undefined,
  encode: () => nothing,
  refuse: () => ({ ...nothing, status: 500 }),
};
