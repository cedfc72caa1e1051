/**
 * Goal: however much work there is, a turn takes no more than its time, the oldest call's work comes first, and all of
 * it is done.
 */

import { describe, expect, test } from "vitest";
import { takeWhole } from "../../../../server/path/sliced-work.js";
import { Slices } from "../../../../server/path/slices.js";
import { HandClock, HandTurns } from "../../../support/event-loop.js";

/** Slices that note their name and take `sliceMs` each. */
function createRig() {
  const clock = new HandClock();
  const turns = new HandTurns();
  const slices = new Slices({ now: clock.now, defer: turns.defer });
  const done: string[] = [];
  function* work(name: string, count: number, sliceMs: number): Generator<undefined, void> {
    for (let i = 0; i < count; i++) {
      clock.advance(sliceMs);
      done.push(name);
      yield;
    }
  }
  /** What is done in the next turn. */
  const turn = () => {
    done.length = 0;
    turns.turn();
    return done.join("");
  };
  return { clock, turns, slices, work, done, turn };
}

describe("a turn", () => {
  test("begins nothing at once, and ends when its time is up", () => {
    const { slices, work, done, turn, turns } = createRig();
    slices.add(work("a", 7, 0.11), 0);
    expect(done).toEqual([]);
    expect([turn(), turn(), turn()]).toEqual(["aaa", "aaa", "a"]);
    expect(turns.waiting).toBe(0);
  });

  test("takes one slice, however long that is", () => {
    const { slices, work, turn } = createRig();
    slices.add(work("a", 2, 5), 0);
    expect([turn(), turn(), turn()]).toEqual(["a", "a", ""]);
  });

  test("is shared by all work, and goes on with the next when one has ended", () => {
    const { slices, work, turn, turns } = createRig();
    slices.add(work("a", 2, 0.11), 1);
    slices.add(work("b", 2, 0.11), 2);
    slices.add(work("c", 1, 0.11), 3);
    expect(turns.waiting).toBe(1);
    expect([turn(), turn()]).toEqual(["aab", "bc"]);
    expect(turns.waiting).toBe(0);
  });

  test("is asked for again by work that comes later", () => {
    const { slices, work, turn, turns } = createRig();
    slices.add(work("a", 1, 0.1), 0);
    turns.untilQuiet();
    slices.add(work("b", 1, 0.1), 1);
    expect(turn()).toBe("b");
  });
});

describe("the oldest call's work", () => {
  test("comes first, whenever it is added", () => {
    const { slices, work, turn } = createRig();
    slices.add(work("b", 4, 0.2), 20);
    slices.add(work("c", 1, 0.2), 30);
    expect(turn()).toBe("bb");
    slices.add(work("a", 2, 0.2), 10);
    expect([turn(), turn(), turn()]).toEqual(["aa", "bb", "c"]);
  });

  test("comes first when a slice adds it", () => {
    const { slices, work, turn, done } = createRig();
    function* adding(): Generator<undefined, void> {
      done.push("b");
      slices.add(work("a", 1, 0.1), 10);
      yield;
      done.push("b");
    }
    slices.add(adding(), 20);
    expect(turn()).toBe("bab");
  });

  test("of calls that came together is that which was added first", () => {
    const { slices, work, turn } = createRig();
    for (const name of ["a", "b", "c"]) slices.add(work(name, 1, 0.1), 10);
    expect(turn()).toBe("abc");
  });
});

test("work may be taken as a whole", () => {
  const { work, done } = createRig();
  function* adding(): Generator<undefined, number> {
    yield* work("a", 3, 1);
    return 3;
  }
  expect(takeWhole(adding())).toBe(3);
  expect(done).toEqual(["a", "a", "a"]);
});
