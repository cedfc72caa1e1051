/**
 * The lanes in which something waits, and whose turn it is: executors are shared by time, so the lane that has had
 * least of it comes first.
 */

import type { Lane } from "./lane.js";

export class WaitingLanes implements Iterable<Lane> {
  readonly #lanes: Lane[] = [];
  #round = 0;

  [Symbol.iterator](): Iterator<Lane> {
    return this.#lanes[Symbol.iterator]();
  }

  /** One that comes back from idling begins where the others are. */
  add(lane: Lane): void {
    lane.usedUs = Math.max(lane.usedUs, lane.clock.usedUs);
    this.#lanes.push(lane);
  }

  remove(lane: Lane): void {
    const place = this.#lanes.indexOf(lane);
    if (place >= 0) this.#lanes.splice(place, 1);
  }

  beginRound(): void {
    this.#round++;
  }

  /** @returns Of the lanes that don't have to wait in this round, of those that may be served, the one that has had least. */
  next(mayServe: ((lane: Lane) => boolean) | undefined): Lane | undefined {
    let least: Lane | undefined;
    for (let k = 0; k < this.#lanes.length; k++) {
      const lane = this.#lanes[k]!;
      if (lane.waitsInRound === this.#round || (least !== undefined && lane.usedUs >= least.usedUs)) continue;
      if (mayServe === undefined || mayServe(lane)) least = lane;
    }
    if (least !== undefined) least.clock.usedUs = least.usedUs;
    return least;
  }

  /** It is asked no more in this round. */
  hasToWait(lane: Lane): void {
    lane.waitsInRound = this.#round;
  }

  forgetIdle(): void {
    let kept = 0;
    for (const lane of this.#lanes) if (lane.waiting) this.#lanes[kept++] = lane;
    this.#lanes.length = kept;
  }
}
