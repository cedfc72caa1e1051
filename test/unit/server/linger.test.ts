/**
 * Goal: the event loop stays awake only for a caller that has just shown that it asks again at once, and never for
 * longer than was said.
 */

import { describe, expect, test } from "vitest";
import { Linger } from "../../../server/linger.js";
import { HandClock, HandTurns } from "../../support/event-loop.js";

function createRig(lingerMs = 0.1) {
  const clock = new HandClock();
  const turns = new HandTurns();
  const linger = new Linger(clock.now, lingerMs, turns.defer);
  /** A call that comes so long after the last reply, and takes so long. */
  const call = (afterMs: number, takesMs: number) => {
    clock.advance(afterMs);
    linger.arrived(clock.nowMs);
    clock.advance(takesMs);
    linger.replied(clock.nowMs);
  };
  return { clock, turns, linger, call };
}

describe("the event loop", () => {
  test("sleeps after a call that came out of the blue", () => {
    const { turns, call } = createRig();
    call(5, 1);
    expect(turns.waiting).toBe(0);
  });

  test("stays awake after a call that came right behind a reply, until the time is up", () => {
    const { clock, turns, call } = createRig();
    call(5, 1);
    call(0.05, 1);
    expect(turns.waiting).toBe(1);
    for (let i = 0; i < 9; i++) {
      clock.advance(0.01);
      turns.turn();
      expect(turns.waiting).toBe(1);
    }
    clock.advance(0.02);
    turns.turn();
    expect(turns.waiting).toBe(0);
  });

  test("sleeps again once the caller takes its time", () => {
    const { clock, turns, call } = createRig();
    call(5, 1);
    call(0.05, 1);
    clock.advance(5);
    turns.turn();
    expect(turns.waiting).toBe(0);
    call(0, 1);
    expect(turns.waiting).toBe(0);
  });

  test("needn't be kept awake while a call is in flight", () => {
    const { clock, turns, linger, call } = createRig();
    call(5, 1);
    call(0.05, 1);
    clock.advance(0.02);
    linger.arrived(clock.nowMs);
    turns.turn();
    expect(turns.waiting).toBe(0);
  });

  test("is kept awake once, however many callers there are", () => {
    const { clock, turns, linger, call } = createRig();
    call(5, 1);
    for (let round = 0; round < 5; round++) {
      clock.advance(0.02);
      linger.arrived(clock.nowMs);
      linger.arrived(clock.nowMs);
      linger.replied(clock.nowMs);
      linger.replied(clock.nowMs);
    }
    expect(turns.waiting).toBe(1);
  });

  test("never stays awake where that is switched off", () => {
    const { turns, call } = createRig(0);
    for (let i = 0; i < 5; i++) call(0, 0);
    expect(turns.waiting).toBe(0);
  });
});
