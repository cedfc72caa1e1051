/**
 * Shadows: versions that answer calls of the champion once more, after the reply, for nobody but the comparison.
 *
 * Which calls is decided at the route step. Their rows wait in a bounded queue and run one call at a time by the steps
 * and the lane of any other call: at once while nothing is in flight, otherwise for at most a tenth of the time, and
 * never while calls are refused. What the queue has no room for is shed, and counted.
 */

import { Call, type CallRecord, type Reply } from "../path/call.js";
import type { PredictPath } from "../path/predict.js";
import type { ServingVersion } from "../path/serving-version.js";
import type { Protocol, RequestHead } from "../protocol/protocol.js";
import type { Shadow } from "../routing/route-table.js";
import { Comparison } from "./comparison.js";

export interface ShadowOptions {
  readonly now: () => number;
  readonly wallClock: () => Date;
  /** For the next turn of the event loop. */
  readonly defer: (run: () => void) => void;
  /** Calls that aren't answered yet. */
  readonly callsInFlight: () => number;
  /** Whether calls were refused lately. */
  readonly isRefusing: (nowMs: number) => boolean;
}

/** Of two versions of a model. */
export interface ShadowPair {
  readonly champion: ServingVersion;
  readonly versionName: string;
  readonly comparison: Comparison;
}

interface Job {
  readonly record: CallRecord;
  readonly pair: ShadowPair;
}

const queueCallsMax = 256;
const queueRowsMax = 16_384;
/** While calls are in flight, so many times as long as a shadow took passes before the next. */
const restPerWork = 9;
/** How long a queue that may not be worked on waits before it is looked at again, milliseconds. */
const lookEveryMs = 2;
/** Nobody waits for it. */
const timeoutMs = 60_000;

export class Shadows {
  readonly #options: ShadowOptions;
  readonly #pairs = new Map<ServingVersion, Map<string, ShadowPair>>();
  #path: PredictPath | undefined;
  #queue: Job[] = [];
  #queuedRows = 0;
  #running: Job | undefined;
  #startedMs = 0;
  #mayRunMs = 0;
  #isWaiting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ShadowOptions) {
    this.#options = options;
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
    this.#workLater();
  }

  /** Ends comparisons that no route asks for any more: whoever asks again begins anew. */
  keep(isWanted: (pair: ShadowPair) => boolean): void {
    for (const ofChampion of this.#pairs.values())
      for (const pair of ofChampion.values()) if (!isWanted(pair)) ofChampion.delete(pair.versionName);
  }

  /** Of a version that is gone. */
  removeVersion(version: ServingVersion): void {
    this.#pairs.delete(version);
  }

  /** What still waits is dropped: nobody would read the comparison. */
  async close(): Promise<boolean> {
    this.#queue = [];
    clearTimeout(this.#timer);
    return true;
  }

  #take(record: CallRecord, pair: ShadowPair): void {
    const { comparison } = pair;
    const { error, rowCount, answer } = record;
    if (record.modelFault !== undefined || (error !== undefined && error.status >= 500))
      comparison.count("champion_failed");
    // What the caller got wrong, or didn't wait for, says nothing of either.
    else if (answer === undefined) return;
    else if (record.fallback !== undefined || record.rowErrors !== undefined || record.goodRows.length !== rowCount)
      comparison.count("skipped");
    else if (this.#queue.length >= queueCallsMax || this.#queuedRows + rowCount > queueRowsMax)
      comparison.count("shed");
    else {
      this.#queue.push({ record, pair });
      this.#queuedRows += rowCount;
    }
  }

  #workLater(): void {
    if (this.#isWaiting || this.#running !== undefined || this.#queue.length === 0) return;
    this.#isWaiting = true;
    this.#options.defer(() => {
      this.#isWaiting = false;
      this.#work();
    });
  }

  #work(): void {
    const { now, callsInFlight, isRefusing } = this.#options;
    if (this.#queue.length === 0) return;
    const nowMs = now();
    if (isRefusing(nowMs) || (callsInFlight() > 0 && nowMs < this.#mayRunMs)) {
      this.#isWaiting = true;
      this.#timer = setTimeout(() => {
        this.#isWaiting = false;
        this.#work();
      }, lookEveryMs).unref();
      return;
    }
    const job = this.#queue.shift()!;
    const { record, pair } = job;
    this.#queuedRows -= record.rowCount;
    this.#running = job;
    this.#startedMs = nowMs;
    const head: ShadowHead = { contentType: "", header: () => "", rows: record.goodRows };
    const call = new Call(shadowProtocol, nobody, nowMs, pair.champion.name, pair.versionName, head, "");
    call.requestId = record.requestId;
    call.callerTimeoutMs = timeoutMs;
    this.#path!.predict(call);
  }

  /** A shadow's call is over. */
  done(call: CallRecord): void {
    const { record, pair } = this.#running!;
    this.#running = undefined;
    const nowMs = this.#options.now();
    this.#mayRunMs = nowMs + restPerWork * (nowMs - this.#startedMs);
    const hasAnswered = call.answer !== undefined && call.fallback === undefined;
    if (hasAnswered) pair.comparison.compare(record, call);
    else pair.comparison.count(call.error?.code === "overloaded" ? "shed" : "shadow_failed");
    this.#workLater();
  }

  #pairOf(champion: ServingVersion, { versionName }: Shadow): ShadowPair {
    let ofChampion = this.#pairs.get(champion);
    if (ofChampion === undefined) {
      ofChampion = new Map();
      this.#pairs.set(champion, ofChampion);
    }
    let pair = ofChampion.get(versionName);
    if (pair === undefined) {
      pair = { champion, versionName, comparison: new Comparison(this.#options.wallClock()) };
      ofChampion.set(versionName, pair);
    }
    return pair;
  }
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
