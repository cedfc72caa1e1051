/** Goal: what is read by a loop that is never idle is taken for as old as it may be. */

import { beforeEach, expect, test } from "vitest";
import { ReadDelay } from "../../../../server/inference/read-delay.js";
import { HandClock, HandTurns } from "../../../support/event-loop.js";

let clock: HandClock;
let turns: HandTurns;
let delay: ReadDelay;

beforeEach(() => {
  clock = new HandClock();
  turns = new HandTurns();
  delay = new ReadDelay({ now: clock.now, defer: turns.defer });
});

/** Reads for so long, then ends the turn. */
function turn(ms: number): void {
  delay.at(clock.now());
  clock.advance(ms);
  turns.turn();
}

test("the first of a loop that was idle didn't wait", () => {
  turn(30);
  clock.advance(10);
  expect(delay.at(clock.now())).toBe(0);
});

test("those that are read later in the turn may have waited for the first", () => {
  delay.at(clock.now());
  clock.advance(7);
  expect(delay.at(clock.now())).toBe(7);
});

test("what is read right after a long turn may have come at its beginning", () => {
  turn(30);
  clock.advance(1);
  expect(delay.at(clock.now())).toBe(31);
  clock.advance(4);
  expect(delay.at(clock.now())).toBe(35);
});

test("of the turns before the last nothing is left", () => {
  turn(30);
  turn(5);
  expect(delay.at(clock.now())).toBe(5);
});

test("it is asked for the end of a turn once", () => {
  delay.at(clock.now());
  delay.at(clock.now());
  expect(turns.waiting).toBe(1);
});
