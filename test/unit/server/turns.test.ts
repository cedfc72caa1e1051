/** Goal: long work takes short turns, one work a turn, and ends when it is told to. */

import { beforeEach, describe, expect, test } from "vitest";
import { StoppedError, Turns } from "../../../server/turns.js";
import { HandClock, HandTurns } from "../../support/event-loop.js";

let clock: HandClock;
let loop: HandTurns;
let turns: Turns;
let steps: string[];

beforeEach(() => {
  clock = new HandClock();
  loop = new HandTurns();
  turns = new Turns({ now: clock.now, defer: loop.defer, budgetMs: 1 });
  steps = [];
});

/** Steps of so many milliseconds each. */
async function work(name: string, count: number, stepMs: number): Promise<void> {
  await turns.next();
  for (let i = 0; i < count; i++) {
    steps.push(`${name}${i}`);
    clock.advance(stepMs);
    await turns.pause();
  }
}

const microtasks = () => new Promise<void>((resolve) => queueMicrotask(() => setTimeout(resolve, 0)));

/** One turn of the loop, with all that follows from it. */
async function turn(): Promise<string[]> {
  steps = [];
  loop.turn();
  await microtasks();
  return steps;
}

describe("a work", () => {
  test("has as many steps in a turn as fit into its time, and one at least", async () => {
    void work("a", 5, 0.4);
    expect([await turn(), await turn()]).toEqual([
      ["a0", "a1", "a2"],
      ["a3", "a4"],
    ]);
    void work("b", 2, 7);
    expect([await turn(), await turn(), await turn()]).toEqual([["b0"], ["b1"], []]);
  });

  test("shares turns with others: each has one after the other", async () => {
    void work("a", 2, 2);
    void work("b", 2, 2);
    expect([await turn(), await turn(), await turn(), await turn()]).toEqual([["a0"], ["b0"], ["a1"], ["b1"]]);
  });

  test("has no turn that began before something else came between", async () => {
    expect(turns.pause()).toBeInstanceOf(Promise);
  });
});

describe("after a stop", () => {
  test("no work has another step, whether it waits for its turn or comes later", async () => {
    const ended = work("a", 9, 2).catch((error: unknown) => error);
    await turn();
    turns.stop();
    expect(await turn()).toEqual([]);
    expect(await ended).toBeInstanceOf(StoppedError);
    const late = work("b", 1, 1).catch((error: unknown) => error);
    expect(await turn()).toEqual([]);
    expect(await late).toBeInstanceOf(StoppedError);
    expect(() => turns.throwIfStopped()).toThrow(StoppedError);
  });

  test("nobody waits for anything else any longer", async () => {
    const waiting = turns.unlessStopped(new Promise<never>(() => {}));
    turns.stop();
    await expect(waiting).rejects.toBeInstanceOf(StoppedError);
    await expect(turns.unlessStopped(new Promise<never>(() => {}))).rejects.toBeInstanceOf(StoppedError);
  });

  test("what came in time is given", async () => {
    await expect(turns.unlessStopped(Promise.resolve(7))).resolves.toBe(7);
    await expect(turns.unlessStopped(Promise.reject(new Error("its own")))).rejects.toThrow("its own");
    turns.throwIfStopped();
  });
});
