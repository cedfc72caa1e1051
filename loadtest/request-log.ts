/**
 * The log of a plan's requests: when each left, when it ended, and how. The arrays are made before the run, one
 * place a request, so that noting something costs two writes and no allocation while the clock runs. What is to be
 * known over time is worked out afterwards.
 */

import type { Planned } from "./schedule.js";

export class RequestLog {
  readonly plan: readonly Planned[];
  /** Milliseconds after the start; NaN for what never left, or never ended. */
  readonly sentMs: Float64Array;
  readonly endedMs: Float64Array;
  readonly #kinds = new Map<string | undefined, number>([[undefined, 0]]);
  readonly #kindOf: Uint16Array;

  constructor(plan: readonly Planned[]) {
    this.plan = plan;
    this.sentMs = new Float64Array(plan.length).fill(Number.NaN);
    this.endedMs = new Float64Array(plan.length).fill(Number.NaN);
    this.#kindOf = new Uint16Array(plan.length);
  }

  sent(index: number, atMs: number): void {
    this.sentMs[index] = atMs;
  }

  /** @param errorKind - Undefined for an answer with status 200. */
  ended(index: number, atMs: number, errorKind: string | undefined): void {
    this.endedMs[index] = atMs;
    let kind = this.#kinds.get(errorKind);
    if (kind === undefined) {
      kind = this.#kinds.size;
      this.#kinds.set(errorKind, kind);
    }
    this.#kindOf[index] = kind;
  }

  /** The kind of error by request; undefined for an answer with status 200. For after the run. */
  errorKinds(): (index: number) => string | undefined {
    const names = [...this.#kinds.keys()];
    return (index) => names[this.#kindOf[index]!];
  }
}
