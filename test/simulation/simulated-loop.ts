/**
 * An event loop in virtual time: one thread, whose work moves the clock.
 *
 * A turn has the phases of libuv's: a due timer, then every event whose time had come when the turn polled (in order of
 * time), then what was deferred before this phase (`setImmediate`). An event that falls into a turn that is busy waits,
 * as bytes do in a socket, and is seen late.
 */

import { EventQueue } from "./event-queue.js";

export interface LoopTimer {
  readonly everyMs: number;
  readonly run: () => void;
}

/** A start above 0: records of calls take 0 for "not reached". */
const startMs = 1000;
/**
 * Promises between the end of a run and the reply that hangs on it: two in today's pool, so that there is room for
 * more.
 */
const microtasksPerEvent = 8;
const loadSpanMs = 20;

export class SimulatedLoop {
  nowMs = startMs;
  /** Time in which the thread worked. */
  busyMs = 0;
  readonly startMs = startMs;
  /** Of the last loads' time: when it began, and how much the thread had worked by then. */
  #loadSinceMs = startMs;
  #loadBusyMs = 0;
  #load = 0;
  readonly #events = new EventQueue();
  readonly #turnUs: number;
  #deferred: (() => void)[] = [];

  /** @param turnUs - Cost of a turn in which nothing is done; above 0, so that whoever spins gets older. */
  constructor(turnUs: number) {
    this.#turnUs = turnUs;
  }

  readonly now = (): number => this.nowMs;

  /** In the place of `setImmediate`. */
  readonly defer = (run: () => void): void => {
    this.#deferred.push(run);
  };

  /** The thread works for so long. */
  hold(us: number): void {
    this.nowMs += us / 1000;
    this.busyMs += us / 1000;
  }

  /** Share of the time in which the thread worked, lately. */
  get load(): number {
    const spanMs = this.nowMs - this.#loadSinceMs;
    if (spanMs < loadSpanMs) return this.#load;
    this.#load = (this.busyMs - this.#loadBusyMs) / spanMs;
    this.#loadSinceMs = this.nowMs;
    this.#loadBusyMs = this.busyMs;
    return this.#load;
  }

  at(atMs: number, run: () => void, settles = false): void {
    this.#events.add(atMs, run, settles);
  }

  /**
   * Turns until nothing is left to do.
   *
   * @param idle - Whether the timer, too, has nothing to do any more.
   * @param untilMs - The end in any case.
   */
  async run(timer: LoopTimer, idle: () => boolean, untilMs: number): Promise<void> {
    let timerMs = this.nowMs + timer.everyMs;
    while (this.nowMs < untilMs) {
      this.hold(this.#turnUs);
      if (this.nowMs >= timerMs) {
        timer.run();
        timerMs = this.nowMs + timer.everyMs;
      }
      await this.#poll();
      this.#check();
      if (this.#deferred.length > 0) continue;
      if (this.#events.length === 0 && idle()) return;
      this.nowMs = Math.max(this.nowMs, Math.min(this.#events.nextMs, timerMs));
    }
  }

  async #poll(): Promise<void> {
    const polledMs = this.nowMs;
    while (this.#events.nextMs <= polledMs) {
      const event = this.#events.take();
      event.run();
      if (!event.settles) continue;
      for (let i = 0; i < microtasksPerEvent; i++) await undefined;
    }
  }

  #check(): void {
    const waiting = this.#deferred;
    if (waiting.length === 0) return;
    this.#deferred = [];
    for (const run of waiting) run();
  }
}
