/** Goal: the simulation itself can be trusted: it agrees with queueing theory, loses no call, and repeats itself. */

import { expect, test } from "vitest";
import { createRandom } from "../../loadtest/random.js";
import { arrivalTimesS } from "./arrivals.js";
import { capacityPerS } from "./capacity.js";
import { EventQueue } from "./event-queue.js";
import { describeReport } from "./report.js";
import type { Setup } from "./setup.js";
import { simulate } from "./simulate.js";

const free = { decodeUs: 0, decodeRowUs: 0, refuseUs: 0, replyUs: 0, replyRowUs: 0, handOverUs: 0, turnUs: 0.1 };
const oneMs = { fixedUs: 0, perRowUs: 1000 };

test("events come in the order of their times, and of one instant in the order in which they were added", () => {
  const random = createRandom(1);
  const queue = new EventQueue();
  const times = Array.from({ length: 2000 }, () => Math.floor(100 * random.uniform()));
  const seen: number[] = [];
  for (const [index, atMs] of times.entries()) queue.add(atMs, () => seen.push(index));
  while (queue.length > 0) queue.take().run();
  expect(seen).toEqual(times.map((_, index) => index).sort((a, b) => times[a]! - times[b]! || a - b));
});

test("calls of a Poisson stream come at the rates of its phases", () => {
  const phases = [
    { fromS: 0, perS: 100 },
    { fromS: 100, perS: 0 },
    { fromS: 150, perS: 1000 },
    { fromS: 200, perS: 0 },
  ];
  const times = [...arrivalTimesS({ perS: phases }, createRandom(2))];
  const between = (fromS: number, untilS: number) => times.filter((atS) => atS >= fromS && atS < untilS).length;
  expect(Math.abs(between(0, 100) - 10_000)).toBeLessThan(400);
  expect(between(100, 150)).toBe(0);
  expect(Math.abs(between(150, 200) - 50_000)).toBeLessThan(900);
  expect(between(200, 1e9)).toBe(0);
});

test("a call that is alone takes the time of its steps", async () => {
  const costs = {
    decodeUs: 100,
    decodeRowUs: 10,
    refuseUs: 0,
    replyUs: 200,
    replyRowUs: 20,
    handOverUs: 50,
    turnUs: 0.001,
  };
  const lanes = [{ pool: { fixedUs: 500, perRowUs: 1000 }, noise: 0 }];
  const traffic = [{ perS: 10, arrivals: "even" as const, rows: 3 }];
  const { total } = await simulate({ seed: 1, execution: "pool", lanes, loop: costs, traffic, untilS: 9.95 });
  expect(total.answered).toBe(99);
  for (const ms of [total.latencyMs.p50, total.latencyMs.max]) expect(ms).toBeCloseTo(0.12 + 0.05 + 3.5 + 0.24, 2);
});

test("calls at half the capacity of one executor that takes them one by one wait as in M/D/1", async () => {
  // A row outlasts the budget of a turn, so that each runs alone.
  const setup: Setup = {
    seed: 3,
    execution: "inline",
    lanes: [{ inline: oneMs, pool: oneMs, noise: 0 }],
    loop: free,
    traffic: [{ perS: 500 }],
    untilS: 400,
  };
  const report = await simulate(setup);
  // Pollaczek and Khinchin: ρ / (2 (1 - ρ)) services wait before a call, which then takes one itself.
  const waitedMs = report.total.latencyMs.mean - 1;
  expect(Math.abs(waitedMs / 0.5 - 1), describeReport(report, setup)).toBeLessThan(0.05);
  expect(report.total.inTime).toBe(report.total.sent);
});

test.each([
  ["a dear model in the pool", "pool" as const, 1, { fixedUs: 0, perRowUs: 1000 }],
  ["a dear model in two workers", "pool" as const, 2, { fixedUs: 100, perRowUs: 1000 }],
  ["a model of 230 us on both executors", "auto" as const, 1, { fixedUs: 0, perRowUs: 230 }],
  ["a model of 40 us on both executors", "auto" as const, 1, { fixedUs: 10, perRowUs: 40 }],
])("callers who never pause keep %s near its capacity", async (_, execution, workers, cost) => {
  const setup: Setup = {
    seed: 4,
    execution,
    workers,
    lanes: [{ inline: cost, pool: cost, sloMs: 10_000 }],
    traffic: [{ callers: 300 }],
    untilS: 10,
    measureFromS: 1,
  };
  const report = await simulate(setup);
  const share = report.total.answered / 9 / capacityPerS(setup, { lane: 0 });
  expect(share, describeReport(report, setup)).toBeGreaterThan(0.85);
  expect(share, describeReport(report, setup)).toBeLessThan(1.02);
});

const mixed: Setup = {
  seed: 5,
  lanes: [
    { inline: { fixedUs: 20, perRowUs: 100 }, pool: { fixedUs: 20, perRowUs: 100 }, stalls: { share: 0.001, ms: 50 } },
    { inline: oneMs, pool: oneMs, drift: [{ fromS: 3, factor: 2 }] },
  ],
  machine: [{ fromS: 4, factor: 1.5 }],
  traffic: [
    { perS: 3000, retry: { times: 2, afterMs: [0, 0] } },
    { perS: 300, rows: 20, timeoutMs: 50 },
    { perS: 1, rows: 3000 },
    {
      lane: 1,
      perS: [
        { fromS: 0, perS: 300 },
        { fromS: 2, perS: 3000 },
        { fromS: 3, perS: 300 },
      ],
      leaveAfterMs: 120,
    },
    { lane: 1, callers: 3 },
  ],
  untilS: 5,
};

test("every call has one outcome, and every row that an answer needs has run", async () => {
  const report = await simulate(mixed);
  const { total } = report;
  const text = describeReport(report, mixed);
  expect(report.faults, text).toEqual([]);
  expect(report.open, text).toBe(0);
  expect(total.sent, text).toBe(
    total.answered + total.refused + total.shed + total.expired + total.left + total.failed,
  );
  expect(
    report.streams.reduce((sum, { sent }) => sum + sent, 0),
    text,
  ).toBe(report.sent);
  expect(total.failed, text).toBe(0);
  expect(report.rowsRun, text).toBe(report.rowsRecorded);
  expect(report.rowsForNobody, text).toBeGreaterThanOrEqual(0);
  expect(
    report.windows.reduce((sum, { sent }) => sum + sent, 0),
    text,
  ).toBe(report.sent);
});

test("the same seed gives the same figures, another one others", async () => {
  const first = await simulate(mixed);
  expect(await simulate(mixed)).toEqual(first);
  expect((await simulate({ ...mixed, seed: 6 })).total).not.toEqual(first.total);
});

test("a run that hangs keeps its worker until it is given up, and its calls expire", async () => {
  const setup: Setup = {
    seed: 7,
    execution: "pool",
    workers: 2,
    lanes: [{ pool: oneMs, hangAtS: 2 }],
    traffic: [{ perS: 200 }],
    untilS: 5,
  };
  const report = await simulate(setup);
  expect(report.total.expired, describeReport(report, setup)).toBeGreaterThan(0);
  expect(report.total.answered, describeReport(report, setup)).toBeGreaterThan(0.95 * report.sent);
  expect(report.open, describeReport(report, setup)).toBe(0);
});
