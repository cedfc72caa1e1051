/** Goal: whatever happens to serving processes, callers keep as many as they can have, and nothing is killed in error. */

import { expect, test } from "vitest";
import {
  createSupervision,
  mainLife,
  type Supervision,
  type SupervisionAction,
  type SupervisionEvent,
  serves,
  supervise,
  tickEveryMs,
} from "../../../../server/planes/supervise.js";

const hangMs = 10_000;
const drainMsMax = 35_000;

/** A supervision at a clock that the test moves; actions are given as short words. */
class Rig {
  nowMs = 1000;
  state: Supervision;

  constructor(places = 2) {
    this.state = createSupervision({ places, hangMs, drainMsMax }, this.nowMs);
  }

  take(event: SupervisionEvent): string[] {
    const { state, actions } = supervise(this.state, event, this.nowMs);
    this.state = state;
    return actions.filter(({ kind }) => kind !== "note").map(word);
  }

  heard(id: number, state: "starting" | "ready" | "draining" = "ready", isStuck = false): string[] {
    return this.take({ kind: "heard", id, state, isStuck });
  }

  ended(id: number, code: number | null = null): string[] {
    return this.take({ kind: "ended", id, code });
  }

  /** Ticks as the clock would; each process is heard meanwhile, but those that are silent. */
  pass(ms: number, silent: readonly number[] = []): string[] {
    const actions: string[] = [];
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += tickEveryMs;
      for (const { id, state } of this.state.lives) if (!silent.includes(id)) actions.push(...this.heard(id, state));
      actions.push(...this.take({ kind: "tick" }));
    }
    return actions;
  }

  /** With all places served. */
  begin(): this {
    this.take({ kind: "begin" });
    for (const { id } of this.state.lives) this.heard(id);
    return this;
  }
}

function word(action: SupervisionAction): string {
  switch (action.kind) {
    case "start":
      return `start ${action.id} at ${action.place}${action.listensWhenReady ? "" : ", listening"}`;
    case "drain":
      return `drain ${action.id}${action.othersServe ? " beside others" : ""}`;
    case "kill":
      return `kill ${action.id}`;
    case "end":
      return `end ${action.code}`;
    default:
      return "";
  }
}

test("a start gives each place a process; the first listens at once, and callers count as served when it is ready", () => {
  const rig = new Rig(3);
  expect(rig.take({ kind: "begin" })).toEqual(["start 1 at 1, listening", "start 2 at 2", "start 3 at 3"]);
  expect(serves(rig.state)).toBe(false);
  rig.heard(2);
  // A third of the callers would be refused by the first.
  expect(serves(rig.state)).toBe(false);
  rig.heard(1);
  expect(serves(rig.state)).toBe(true);
});

test("a start whose first process ends before any is ready ends the server with 1, and the others", () => {
  const rig = new Rig();
  rig.take({ kind: "begin" });
  expect(rig.ended(2, 1)).toEqual(["drain 1"]);
  expect(rig.ended(1, 0)).toEqual(["end 1"]);
});

test("a process that dies is replaced at once, and the others aren't touched", () => {
  const rig = new Rig().begin();
  expect(rig.ended(1)).toEqual(["start 3 at 1"]);
  expect(serves(rig.state)).toBe(true);
  expect(rig.heard(3)).toEqual([]);
});

test("one that dies again and again waits longer each time, while the others serve; one that was sound for long doesn't", () => {
  const rig = new Rig().begin();
  const waits: number[] = [];
  for (let round = 0; round < 10; round++) {
    const id = mainLife(rig.state, 1)!.id;
    rig.heard(id);
    const endedMs = rig.nowMs;
    let actions = rig.ended(id);
    while (!actions.some((action) => action.endsWith("at 1"))) actions = rig.pass(tickEveryMs);
    waits.push(rig.nowMs - endedMs);
    expect(serves(rig.state)).toBe(true);
  }
  expect(waits).toEqual([0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  const { id } = mainLife(rig.state, 1)!;
  rig.heard(id);
  rig.pass(30_000);
  expect(rig.ended(id)).toHaveLength(1);
});

test("a held event loop ends its process, and only that one", () => {
  const rig = new Rig().begin();
  expect(rig.pass(hangMs, [2])).toEqual([]);
  expect(rig.pass(hangMs, [2])).toEqual(["kill 2", "start 3 at 2"]);
  expect(rig.ended(2)).toEqual([]);
  expect(rig.heard(3)).toEqual([]);
  expect(rig.pass(hangMs)).toEqual([]);
});

test("one that loads may hold its loop for longer", () => {
  const rig = new Rig().begin();
  rig.ended(2);
  expect(rig.pass(100_000, [3])).toEqual([]);
  expect(rig.pass(30_000, [3])).toContain("kill 3");
});

test("a primary that slept kills nobody for it", () => {
  const rig = new Rig().begin();
  rig.nowMs += 3_600_000;
  expect(rig.take({ kind: "tick" })).toEqual([]);
  expect(rig.pass(hangMs - 1000, [1, 2])).toEqual([]);
  expect(rig.pass(2000, [1, 2])).toContain("kill 1");
});

test("a reload replaces one process after the other, each when its successor is ready", () => {
  const rig = new Rig().begin();
  expect(rig.take({ kind: "reload" })).toEqual(["start 3 at 1"]);
  expect(rig.pass(5000)).toEqual([]);
  expect(rig.heard(3)).toEqual(["drain 1 beside others"]);
  expect(rig.pass(5000)).toEqual([]);
  expect(rig.ended(1, 0)).toEqual(["start 4 at 2"]);
  expect(rig.heard(4)).toEqual(["drain 2 beside others"]);
  expect(rig.ended(2, 0)).toEqual([]);
  expect(rig.pass(60_000)).toEqual([]);
  expect(rig.state.lives.map(({ id, state }) => [id, state])).toEqual([
    [3, "ready"],
    [4, "ready"],
  ]);
});

test("a reload whose new process can't start is given up: the old ones serve on", () => {
  const rig = new Rig().begin();
  rig.take({ kind: "reload" });
  expect(rig.ended(3, 1)).toEqual([]);
  expect(rig.pass(120_000)).toEqual([]);
  expect(rig.state.lives.map(({ id, state }) => [id, state])).toEqual([
    [1, "ready"],
    [2, "ready"],
  ]);
});

test("a process that dies while its successor starts has one already", () => {
  const rig = new Rig().begin();
  rig.take({ kind: "reload" });
  expect(rig.ended(1)).toEqual([]);
  expect(rig.heard(3)).toEqual(["start 4 at 2"]);
});

test("one with a stuck thread is drained once another is ready; a drain that doesn't end is cut off", () => {
  const rig = new Rig().begin();
  expect(rig.heard(1, "ready", true)).toEqual(["start 3 at 1"]);
  expect(rig.heard(1, "ready", true)).toEqual([]);
  expect(rig.heard(3)).toEqual(["drain 1 beside others"]);
  expect(rig.pass(drainMsMax)).toEqual([]);
  expect(rig.pass(1000)).toEqual(["kill 1"]);
  expect(rig.ended(1)).toEqual([]);
});

test("one that drains because somebody told it to is replaced at once", () => {
  const rig = new Rig().begin();
  expect(rig.heard(2, "draining")).toEqual(["start 3 at 2"]);
  expect(rig.ended(2, 0)).toEqual([]);
});

test("a stop drains all, waits for all, and has the worst exit code", () => {
  const rig = new Rig().begin();
  expect(rig.take({ kind: "stop", why: "SIGTERM" })).toEqual(["drain 1", "drain 2"]);
  expect(serves(rig.state)).toBe(false);
  expect(rig.ended(2, 1)).toEqual([]);
  expect(rig.ended(1, 0)).toEqual(["end 1"]);
  const clean = new Rig().begin();
  clean.take({ kind: "stop", why: "SIGTERM" });
  clean.ended(1, 0);
  expect(clean.ended(2, 0)).toEqual(["end 0"]);
});

test("a stop comes through in every state: during a start, a reload, and while nobody is there", () => {
  const starting = new Rig();
  starting.take({ kind: "begin" });
  expect(starting.take({ kind: "stop", why: "SIGTERM" })).toEqual(["drain 1", "drain 2"]);
  const reloading = new Rig().begin();
  reloading.take({ kind: "reload" });
  expect(reloading.take({ kind: "stop", why: "SIGTERM" })).toEqual(["drain 1", "drain 2", "drain 3"]);
  const crashed = new Rig(2).begin();
  for (let round = 0; round < 2; round++)
    for (const { id } of crashed.state.lives) {
      crashed.heard(id);
      crashed.ended(id);
    }
  expect(crashed.state.lives).toEqual([]);
  expect(crashed.take({ kind: "stop", why: "SIGTERM" })).toEqual(["end 0"]);
});
