/**
 * Who gets in: the one gate before a body is parsed.
 *
 * It bounds calls and bytes in flight over the whole server, and keeps the list of calls in flight: who isn't answered
 * by its deadline is found there. What a single lane can bear is the scheduler's business.
 */

import { ServeError } from "./errors.js";
import type { Call } from "./path/call.js";

export interface AdmissionLimits {
  /** Calls in flight over all models. */
  readonly callsMax: number;
  /** Bytes of their bodies. */
  readonly bytesMax: number;
}

/** Sees calls come and go. */
export interface CallWatch {
  arrived(nowMs: number): void;
  replied(nowMs: number): void;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #watch: CallWatch | undefined;
  #calls = 0;
  #bytes = 0;
  #first: Call | undefined;
  #last: Call | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(limits: AdmissionLimits, watch?: CallWatch) {
    this.#limits = limits;
    this.#watch = watch;
  }

  get calls(): number {
    return this.#calls;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#limits.bytesMax;
  }

  /** @throws {@link ServeError} overloaded when too much is in flight already. */
  enter(call: Call): void {
    const { callsMax, bytesMax } = this.#limits;
    if (this.#calls >= callsMax)
      throw new ServeError(
        "overloaded",
        `${this.#calls} calls are in flight, the most that this server takes; try again later`,
      );
    if (this.#bytes + call.bodyBytes > bytesMax) {
      throw new ServeError(
        "overloaded",
        `the calls in flight hold ${this.#bytes} bytes, ${bytesMax} is the most that this server takes; try again later`,
      );
    }
    this.#calls++;
    this.#bytes += call.bodyBytes;
    call.admitted = true;
    call.previous = this.#last;
    if (this.#last) this.#last.next = call;
    else this.#first = call;
    this.#last = call;
    this.#watch?.arrived(call.arrivedMs);
  }

  /** Once per call that entered; harmless for one that didn't. */
  leave(call: Call): void {
    if (!call.admitted) return;
    call.admitted = false;
    this.#watch?.replied(call.finishedMs);
    this.#calls--;
    this.#bytes -= call.bodyBytes;
    const { previous, next } = call;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    call.previous = undefined;
    call.next = undefined;
    if (this.#calls === 0) this.#onEmpty?.();
  }

  /** Calls `expire` on each call in flight whose deadline has passed; it has to leave. */
  sweep(nowMs: number, expire: (call: Call) => void): void {
    let call = this.#first;
    while (call !== undefined) {
      const { next } = call;
      if (call.deadlineMs <= nowMs) expire(call);
      call = next;
    }
  }

  /** Resolves when no call is in flight. */
  async empty(): Promise<void> {
    if (this.#calls === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}
