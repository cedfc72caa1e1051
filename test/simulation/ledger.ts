/** What became of every call that a stream sent. */

/**
 * The one end of a call, as its caller sees it. `shed`: taken into the queue, and told to try again later instead of an
 * answer.
 */
export type Outcome = "answered" | "refused" | "shed" | "expired" | "left" | "failed";

export interface Percentiles {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface Figures {
  readonly sent: number;
  /** Answered 200 within the objective, or the caller's own timeout. */
  readonly inTime: number;
  readonly answered: number;
  /** Told at once to try again later. */
  readonly refused: number;
  readonly shed: number;
  /** 504. */
  readonly expired: number;
  readonly left: number;
  readonly failed: number;
  /** Without an outcome at the end of the simulation. */
  readonly open: number;
  /** In time, per second. */
  readonly goodputPerS: number;
  /** Of those answered, from when the call was sent. */
  readonly latencyMs: Percentiles;
  readonly refusalMs: Percentiles;
  readonly shedMs: Percentiles;
}

/** Calls that were sent within a window of time. */
export interface Window {
  readonly fromS: number;
  sent: number;
  inTime: number;
  refused: number;
  /** The most rows that were seen waiting. */
  queuedRows: number;
}

export const windowS = 0.25;

export class Ledger {
  readonly sent: Float64Array;
  readonly windows: Window[] = [];
  readonly #fromMs: number;
  readonly #counts: Record<Outcome, number>[];
  readonly #inTime: number[];
  readonly #latencies: number[][];
  readonly #refusals: number[][];
  readonly #sheds: number[][];
  /** Calls that were sent, over the whole simulation. */
  sentAlways = 0;
  /** Calls with an outcome, over the whole simulation. */
  endedAlways = 0;

  /** @param fromMs - Calls sent earlier are in the windows only. Times count from the start of the simulation. */
  constructor(streams: number, fromMs: number) {
    const each = <T>(make: () => T): T[] => Array.from({ length: streams }, make);
    this.#fromMs = fromMs;
    this.sent = new Float64Array(streams);
    this.#counts = each(() => ({ answered: 0, refused: 0, shed: 0, expired: 0, left: 0, failed: 0 }));
    this.#inTime = each(() => 0);
    this.#latencies = each(() => []);
    this.#refusals = each(() => []);
    this.#sheds = each(() => []);
  }

  send(stream: number, sentMs: number): void {
    this.sentAlways++;
    this.#window(sentMs).sent++;
    if (sentMs >= this.#fromMs) this.sent[stream]!++;
  }

  end(stream: number, outcome: Outcome, sentMs: number, endedMs: number, inTime: boolean): void {
    this.endedAlways++;
    const window = this.#window(sentMs);
    if (inTime) window.inTime++;
    if (outcome === "refused" || outcome === "shed") window.refused++;
    if (sentMs < this.#fromMs) return;
    this.#counts[stream]![outcome]++;
    if (inTime) this.#inTime[stream]!++;
    const tookMs = endedMs - sentMs;
    if (outcome === "answered") this.#latencies[stream]!.push(tookMs);
    else if (outcome === "refused") this.#refusals[stream]!.push(tookMs);
    else if (outcome === "shed") this.#sheds[stream]!.push(tookMs);
  }

  sampleQueue(atMs: number, rows: number): void {
    const window = this.#window(atMs);
    window.queuedRows = Math.max(window.queuedRows, rows);
  }

  /** Sums over some streams. */
  figures(streams: readonly number[], durationS: number): Figures {
    const sum = (of: (stream: number) => number) => streams.reduce((total, stream) => total + of(stream), 0);
    const sent = sum((stream) => this.sent[stream]!);
    const count = (outcome: Outcome) => sum((stream) => this.#counts[stream]![outcome]);
    const times = (all: number[][]) =>
      percentiles(streams.length === 1 ? all[streams[0]!]! : streams.flatMap((stream) => all[stream]!));
    const inTime = sum((stream) => this.#inTime[stream]!);
    const ends = {
      answered: count("answered"),
      refused: count("refused"),
      shed: count("shed"),
      expired: count("expired"),
      left: count("left"),
      failed: count("failed"),
    };
    return {
      sent,
      inTime,
      ...ends,
      open: sent - Object.values(ends).reduce((total, each) => total + each, 0),
      goodputPerS: inTime / durationS,
      latencyMs: times(this.#latencies),
      refusalMs: times(this.#refusals),
      shedMs: times(this.#sheds),
    };
  }

  #window(atMs: number): Window {
    const index = Math.floor(atMs / 1000 / windowS);
    while (this.windows.length <= index) {
      this.windows.push({ fromS: this.windows.length * windowS, sent: 0, inTime: 0, refused: 0, queuedRows: 0 });
    }
    return this.windows[index]!;
  }
}

/** By the nearest rank; 0 where there are no values. */
function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const mean = sorted.reduce((total, value) => total + value, 0) / Math.max(1, sorted.length);
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
