/**
 * Goal: lanes that share executors share their time, whatever a row costs and whoever rested; and batches are as long
 * as their model is worth.
 */

import { describe, expect, test } from "vitest";
import { HandWorkedPool, type HandWorkedRun } from "../../../support/hand-worked-pool.js";
import { createRig, expectedRaw } from "../../../support/scheduler-rig.js";
import { makeVersion } from "../../../support/versions.js";

type Rig = ReturnType<typeof createRig>;

interface Work {
  readonly untilMs: number;
  readonly usPerRow: readonly number[];
  /** Before each look at the queues. */
  readonly refill: () => void;
  readonly began?: (run: HandWorkedRun) => void;
}

/** Works until this time: each batch ends when it has taken as long as its lane's rows cost. */
async function work({ clock, turns, pool }: Rig, { untilMs, usPerRow, refill, began }: Work): Promise<number[]> {
  const usedMs = usPerRow.map(() => 0);
  const endsMs = new Map<HandWorkedRun, number>();
  for (;;) {
    refill();
    turns.untilQuiet();
    for (const run of pool.running) {
      if (endsMs.has(run)) continue;
      began?.(run);
      const lane = laneOf(run);
      const ms = (usPerRow[lane]! * run.rowCount) / 1000;
      usedMs[lane]! += ms;
      endsMs.set(run, clock.nowMs + ms);
    }
    const ends = pool.running.map((run) => endsMs.get(run)!);
    const firstMs = Math.min(...ends);
    if (firstMs > untilMs) return usedMs;
    clock.advance(firstMs - clock.nowMs);
    await pool.complete(ends.indexOf(firstMs));
  }
}

/** `tiny/2` is of the second lane. */
const laneOf = ({ key }: HandWorkedRun): number => Number(key.split("/")[1]) - 1;

/** Keeps a lane's queue from ever being empty. */
const keepBusy = ({ lanes, submit }: Rig, lane: number) => {
  while (lanes[lane]!.queuedRows < 300) submit(1, { lane });
};

/** As a warm-up does. */
function learn({ lanes }: Rig, usPerRow: readonly number[]): void {
  for (const [index, us] of usPerRow.entries())
    for (let round = 0; round < 100; round++)
      for (const rows of [1, 8, 64]) {
        lanes[index]!.poolCost.observe(rows, us * rows);
        lanes[index]!.inlineCost.observe(rows, us * rows);
      }
}

function sharesOf(usedMs: readonly number[]): number[] {
  const sum = usedMs.reduce((total, ms) => total + ms, 0);
  return usedMs.map((ms) => ms / sum);
}

describe("lanes of one pool that always have work", () => {
  test.each([
    { usPerRow: [100, 30_000], workers: 1 },
    { usPerRow: [30_000, 100], workers: 1 },
    { usPerRow: [100, 30_000], workers: 2 },
    { usPerRow: [1000, 1000], workers: 1 },
    { usPerRow: [20, 1000, 50_000], workers: 2 },
  ])("have the same time each, at $usPerRow us a row with $workers workers", async ({ usPerRow, workers }) => {
    const rig = createRig({ execution: "pool", workers, lanes: usPerRow.length });
    learn(rig, usPerRow);
    const refill = () => usPerRow.forEach((_, lane) => void keepBusy(rig, lane));
    const shares = sharesOf(await work(rig, { untilMs: 6000, usPerRow, refill }));
    for (const share of shares) expect(share).toBeCloseTo(1 / usPerRow.length, 1);
  });
});

describe("a lane that comes back from idling", () => {
  const usPerRow = [1000, 1000];

  test("has its share from then on, and none of the time that it missed", async () => {
    const rig = createRig({ execution: "pool", lanes: 2 });
    learn(rig, usPerRow);
    await work(rig, { untilMs: 3000, usPerRow, refill: () => keepBusy(rig, 0) });
    const both = () => {
      keepBusy(rig, 0);
      keepBusy(rig, 1);
    };
    const [stayed, back] = sharesOf(await work(rig, { untilMs: 3500, usPerRow, refill: both }));
    expect(stayed).toBeCloseTo(0.5, 1);
    expect(back).toBeCloseTo(0.5, 1);
  });

  test("isn't held to what it had before the others came", async () => {
    const rig = createRig({ execution: "pool", lanes: 2 });
    learn(rig, usPerRow);
    await work(rig, { untilMs: 3000, usPerRow, refill: () => keepBusy(rig, 0) });
    // Its queue runs empty; the other one begins.
    while (rig.pool.running.length > 0) {
      await rig.pool.complete();
      rig.turns.untilQuiet();
    }
    await work(rig, { untilMs: 3200, usPerRow, refill: () => keepBusy(rig, 1) });
    const both = () => {
      keepBusy(rig, 0);
      keepBusy(rig, 1);
    };
    const [back] = sharesOf(await work(rig, { untilMs: 3700, usPerRow, refill: both }));
    expect(back).toBeCloseTo(0.5, 1);
  });

  test("isn't held to what lanes of another pool had", async () => {
    const rig = createRig({ execution: "pool", lanes: 2 });
    learn(rig, usPerRow);
    const other = new HandWorkedPool(1);
    const version = makeVersion({ name: "elsewhere", number: 3 });
    rig.versions.push(version);
    rig.lanes.push(rig.scheduler.addLane(version, undefined, other));
    await work(rig, { untilMs: 1500, usPerRow, refill: () => keepBusy(rig, 0) });
    // It has more workers, and has had ten minutes of them.
    rig.lanes[2]!.usedUs = 6e8;
    for (let i = 0; i < 2; i++) {
      rig.submit(1, { lane: 2 });
      rig.turns.untilQuiet();
    }
    const both = () => {
      keepBusy(rig, 0);
      keepBusy(rig, 1);
    };
    const [, back] = sharesOf(await work(rig, { untilMs: 2000, usPerRow, refill: both }));
    expect(back).toBeCloseTo(0.5, 1);
  });
});

test.each(["stick", "die"] as const)(
  "a lane whose run held a worker for seconds (%s) has had that time",
  async (how) => {
    const rig = createRig({ execution: "pool", lanes: 2 });
    const { clock, turns, pool, lanes, submit } = rig;
    for (const lane of [0, 1]) submit(1, { lane });
    turns.untilQuiet();
    const held = laneOf(pool.running[0]!);
    clock.advance(3000);
    await pool[how]();
    expect(lanes[held]!.usedUs).toBeCloseTo(3e6, 0);
  },
);

describe("a batch", () => {
  const sizes = async (runUs: (rows: number) => number, options: { lanes?: number; sloMs?: number } = {}) => {
    const rig = createRig({ execution: "pool", runUs, ...options });
    const { clock, turns, pool, submit } = rig;
    for (let lane = 1; lane < (options.lanes ?? 1); lane++) submit(1, { lane });
    for (let i = 0; i < 5000; i++) submit(1);
    turns.untilQuiet();
    const found: number[] = [];
    while (found.length < 17) {
      const run = pool.running[0]!;
      if (laneOf(run) === 0) found.push(run.rowCount);
      clock.advance(runUs(run.rowCount) / 1000);
      await pool.complete();
      turns.untilQuiet();
    }
    return found;
  };

  test.each([
    { model: "30 ms a row", runUs: (rows: number) => 30_000 * rows, rows: 1, probe: 1 },
    { model: "1 ms a row", runUs: (rows: number) => 1000 * rows, rows: 12, probe: 7 },
    { model: "90 us a row", runUs: (rows: number) => 90 * rows, rows: 138, probe: 82 },
    { model: "20 ms and 50 us a row", runUs: (rows: number) => 20_000 + 50 * rows, rows: 256, probe: 153 },
    { model: "4 us a row", runUs: (rows: number) => 20 + 4 * rows, rows: 256, probe: 153 },
  ])("of a model of $model has at most $rows rows, and every eighth one fewer", async ({ runUs, rows, probe }) => {
    const seven = new Array(7).fill(rows);
    expect(await sizes(runUs)).toEqual([...seven, probe, ...seven, probe, rows]);
  });

  test("is shorter while others have calls for the same workers", async () => {
    expect((await sizes((rows) => 90 * rows, { lanes: 2 }))[0]).toBe(5);
  });

  test("is one smaller now and then in each of two lanes that take turns, so that both learn the fixed part of their cost", async () => {
    const usPerRow = [100, 100];
    const rig = createRig({ execution: "pool", lanes: 2 });
    learn(rig, usPerRow);
    const seen = [new Set<number>(), new Set<number>()];
    await work(rig, {
      untilMs: 1100,
      usPerRow,
      refill: () => [0, 1].forEach((lane) => void keepBusy(rig, lane)),
      began: (run) => seen[laneOf(run)]!.add(run.rowCount),
    });
    for (const sizesOfLane of seen) expect(sizesOfLane.size).toBeGreaterThan(1);
  });
});

test("a lane of a pool of its own runs there, beside the others", async () => {
  const rig = createRig({ execution: "pool" });
  const own = new HandWorkedPool(1);
  const version = makeVersion({ name: "elsewhere", number: 2 });
  rig.versions.push(version);
  rig.lanes.push(rig.scheduler.addLane(version, undefined, own));
  const calls = [rig.submit(1), rig.submit(2, { lane: 1 })];
  rig.turns.untilQuiet();
  expect([rig.pool, own].map(({ running }) => running.map(({ key }) => key))).toEqual([["tiny/1"], ["elsewhere/2"]]);
  await own.complete();
  await rig.pool.complete();
  for (const each of calls) expect(each.raw).toEqual(expectedRaw(each));
});
