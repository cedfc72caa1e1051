/**
 * Goal: whatever is sent, most of what can be answered in time is; who can't be is told at once; and little is run for
 * nobody.
 *
 * The bars are those that a server under real load is held to; here they are met in virtual time, by the same
 * scheduler.
 */

import { describe, expect, test } from "vitest";
import { capacityPerS } from "./capacity.js";
import type { Figures } from "./ledger.js";
import { describeReport, type Report, recoveryS } from "./report.js";
import type { ServiceCost, Setup, Stream } from "./setup.js";
import { simulate } from "./simulate.js";

type Machine = Pick<Setup, "execution" | "workers" | "lanes" | "contention">;

/** One model on the executors that it would run on; warmed with rows that cost as much as real ones. */
function machine(cost: ServiceCost, execution: "auto" | "pool", more: Partial<Setup["lanes"][number]> = {}): Machine {
  return { execution, lanes: [{ inline: execution === "auto" ? cost : undefined, pool: cost, ...more }] };
}

const dear = machine({ fixedUs: 0, perRowUs: 1000 }, "pool");
/** Rows of zeros, as they are warmed with, end early: so the first idea of its cost is far too small. */
const spin = machine({ fixedUs: 0, perRowUs: 1000 }, "auto", { warmUpShare: 0.02 });
const forest = machine({ fixedUs: 0, perRowUs: 230 }, "auto");
/** The same where worker and event loop, and the callers, share two cores. */
const crowdedForest = { ...forest, contention: 0.8 };
const cheap = machine({ fixedUs: 10, perRowUs: 40 }, "auto");
const likesBatches = machine({ fixedUs: 20_000, perRowUs: 50 }, "pool");
const dearest = machine({ fixedUs: 0, perRowUs: 30_000 }, "pool");

const peakOf = (on: Machine, rows = 1): number => capacityPerS(on, { lane: 0, rows });
const sloMs = 200;

/** Long enough for a queue to stand, short enough for a test: some 100,000 calls. */
const secondsFor = (perS: number): number => Math.max(5, Math.min(20, 100_000 / perS));

const notAnswered = ({ expired, refused, shed }: Figures): number => expired + refused + shed;

/** Expectations of one report, each of which shows all of it when it fails. */
function judge(report: Report, setup: Setup) {
  const text = describeReport(report, setup);
  return {
    goodput: (share = 0.9) => expect.soft(report.shareOfAttainable, `goodput\n${text}`).toBeGreaterThanOrEqual(share),
    onTime: () => expect.soft(report.total.latencyMs.p99, `P99 of those answered\n${text}`).toBeLessThanOrEqual(sloMs),
    noneExpires: () => expect.soft(report.total.expired, `504\n${text}`).toBe(0),
    refusesAtOnce: (ms = 20) =>
      expect.soft(report.total.refusalMs.p99, `P99 of refusals\n${text}`).toBeLessThanOrEqual(ms),
    littleForNobody: (share = 0.05) =>
      expect.soft(report.shareForNobody, `rows for nobody\n${text}`).toBeLessThanOrEqual(share),
    recovers: (fromS: number, withinS: number) =>
      expect
        .soft(recoveryS(report, fromS, setup.untilS - 0.5), `recovery, seconds\n${text}`)
        .toBeLessThanOrEqual(withinS),
    isSound: () => {
      expect.soft(report.faults, text).toEqual([]);
      expect.soft(report.open, `calls without an outcome\n${text}`).toBe(0);
    },
    expect: (value: number, what: string) => expect.soft(value, `${what}\n${text}`),
  };
}

async function play(on: Machine, traffic: readonly Stream[], more: Partial<Setup> = {}) {
  const setup: Setup = { seed: 1, untilS: 20, ...on, traffic, ...more };
  const report = await simulate(setup);
  const bars = judge(report, setup);
  bars.isSound();
  return { report, ...bars };
}

describe("more than can be answered", () => {
  test.each([
    ["a model of 1 ms", 2, dear],
    ["a model of 1 ms", 5, dear],
    ["a model of 1 ms", 10, dear],
    ["a model of 1 ms that was warmed with cheaper rows", 2, spin],
    ["a model of 1 ms that was warmed with cheaper rows", 5, spin],
    ["a model of 230 us on both executors", 2, forest],
    ["a model of 230 us on both executors", 5, forest],
    ["a model of 230 us on both executors of a crowded machine", 2, crowdedForest],
    // At twice its capacity the event loop does little more than refuse.
    ["a model that likes batches", 2, likesBatches],
    ["a model that likes batches", 5, likesBatches],
    ["a model of 30 ms", 2, dearest],
    ["a model of 30 ms", 5, dearest],
    ["a model of 30 ms", 10, dearest],
  ])("%s at %d times its capacity", async (_, times, on) => {
    const { goodput, onTime, noneExpires, refusesAtOnce, littleForNobody } = await play(
      on,
      [{ perS: times * peakOf(on) }],
      {
        untilS: secondsFor(times * peakOf(on)),
        // The first second is for learning what a row costs.
        measureFromS: 1,
      },
    );
    goodput();
    onTime();
    noneExpires();
    refusesAtOnce();
    littleForNobody();
  });

  test("a model of 40 us at 1.5 times its capacity, where the event loop is full of refusals and a worker waits for its turns", async () => {
    const perS = 1.5 * peakOf(cheap);
    const { goodput, onTime, noneExpires, refusesAtOnce } = await play(cheap, [{ perS }], {
      untilS: secondsFor(perS),
      measureFromS: 1,
    });
    goodput(0.75);
    onTime();
    noneExpires();
    refusesAtOnce();
  });

  test("half a minute of ten times what a model of 1 ms can bear", async () => {
    const { goodput, onTime, noneExpires } = await play(dear, [{ perS: 10_000 }], { untilS: 30 });
    goodput();
    onTime();
    noneExpires();
  });

  test("calls of 20 rows", async () => {
    const { goodput, onTime, noneExpires } = await play(dear, [{ perS: 2 * peakOf(dear, 20), rows: 20 }]);
    goodput();
    onTime();
    noneExpires();
  });

  test("two workers", async () => {
    const on = { ...dear, workers: 2 };
    const { goodput, onTime, noneExpires } = await play(on, [{ perS: 3 * peakOf(on) }]);
    goodput();
    onTime();
    noneExpires();
  });

  test("runs that are now and then stalled for 30 ms", async () => {
    const on = machine({ fixedUs: 0, perRowUs: 1000 }, "pool", { noise: 0.2, stalls: { share: 0.01, ms: 30 } });
    const { goodput, onTime, noneExpires } = await play(on, [{ perS: 2 * peakOf(on) }]);
    goodput(0.85);
    onTime();
    noneExpires();
  });
});

describe("less than can be answered", () => {
  test.each([
    ["a model of 1 ms", dear],
    ["a model of 230 us on both executors", forest],
    ["a model of 40 us on both executors", cheap],
    ["a model that likes batches", likesBatches],
  ])("%s at 0.8 of its capacity refuses nobody", async (_, on) => {
    const { report, onTime, expect } = await play(on, [{ perS: 0.8 * peakOf(on) }], { untilS: secondsFor(peakOf(on)) });
    expect(notAnswered(report.total), "refused, shed or 504").toBe(0);
    onTime();
  });

  test("a model of 30 ms at half its capacity refuses hardly anybody", async () => {
    const { report, onTime, expect } = await play(dearest, [{ perS: 0.5 * peakOf(dearest) }], { untilS: 120 });
    expect(report.total.inTime / report.total.sent, "share in time").toBeGreaterThan(0.98);
    onTime();
  });
});

describe("callers who don't wait for their answer", () => {
  test.each([0.8, 2, 5])("timeouts of 50 ms at %d times the capacity", async (times) => {
    const { goodput, littleForNobody } = await play(dear, [{ perS: times * peakOf(dear), timeoutMs: 50 }]);
    if (times > 1) goodput(0.8);
    littleForNobody();
  });

  test.each([0.5, 0.8])("callers who leave after 10 ms at %d times the capacity", async (times) => {
    const { littleForNobody } = await play(dear, [{ perS: times * peakOf(dear), leaveAfterMs: 10 }]);
    littleForNobody();
  });

  test.each([1.2, 2])(
    "callers who leave after 10 ms at %d times the capacity: those who come are answered before",
    async (times) => {
      const { goodput, littleForNobody } = await play(dear, [{ perS: times * peakOf(dear), leaveAfterMs: 10 }], {
        measureFromS: 1,
      });
      goodput(0.6);
      littleForNobody(0.1);
    },
  );

  test("a few callers who leave early don't cost those who wait their answer", async () => {
    const { goodput, onTime } = await play(
      dear,
      [{ perS: 1.6 * peakOf(dear) }, { perS: 0.4 * peakOf(dear), leaveAfterMs: 10 }],
      {
        measureFromS: 1,
      },
    );
    goodput(0.8);
    onTime();
  });
});

describe("what passes", () => {
  const storm = { times: 3, afterMs: [0, 0] } as const;
  const base = (perS: number, burstPerS: number) => [
    { fromS: 0, perS },
    { fromS: 5, perS: burstPerS },
    { fromS: 6, perS },
  ];

  test.each([
    ["a model of 1 ms", dear, true],
    ["a model of 1 ms that was warmed with cheaper rows", spin, true],
    // So many that they wait for longer than the objective before they are read: what is answered then is late,
    // whatever the scheduler does.
    ["a model of 230 us on both executors", forest, false],
    ["a model of 230 us on both executors of a crowded machine", crowdedForest, false],
  ])("a burst of five seconds' work, and everybody tries again three times at once: %s", async (_, on, readInTime) => {
    const perS = 0.8 * peakOf(on);
    const traffic = [{ perS: base(perS, 5 * peakOf(on)), retry: storm }];
    const { report, recovers, onTime, noneExpires, expect } = await play(on, traffic, { untilS: 15 });
    recovers(6, 5);
    if (readInTime) {
      onTime();
      noneExpires();
    } else expect(report.total.expired / report.total.sent, "share of 504").toBeLessThanOrEqual(0.001);
  });

  test("a burst whose callers come back after one to three seconds", async () => {
    const retry = { times: 3, afterMs: [1000, 3000] } as const;
    const { recovers, noneExpires } = await play(dear, [{ perS: base(800, 5000), retry }], { untilS: 40 });
    // They come back for 9 s, with more than there is room for.
    recovers(6, 20);
    noneExpires();
  });

  test("ten seconds of five times the capacity", async () => {
    const perS = 0.8 * peakOf(dear);
    const phases = [
      { fromS: 0, perS },
      { fromS: 5, perS: 5 * peakOf(dear) },
      { fromS: 15, perS },
    ];
    const { recovers } = await play(dear, [{ perS: phases }], { untilS: 30 });
    recovers(15, 5);
  });
});

describe("a machine that changes", () => {
  test.each([
    ["the model becomes twice as dear", { lanes: [{ ...dear.lanes[0]!, drift: [{ fromS: 10, factor: 2 }] }] }, {}],
    ["a neighbour takes half of it", {}, { machine: [{ fromS: 10, factor: 2 }] }],
    [
      "a neighbour gives half of it back",
      {},
      {
        machine: [
          { fromS: 0, factor: 2 },
          { fromS: 10, factor: 1 },
        ],
      },
    ],
  ])("at twice the capacity, %s half-way", async (_, lanes, slower) => {
    const on = { ...dear, ...lanes };
    const { goodput, onTime, noneExpires } = await play(on, [{ perS: 2 * peakOf(dear) }], slower);
    goodput();
    onTime();
    noneExpires();
  });

  test("a neighbour takes half of a machine at 0.8 of its capacity, with both executors", async () => {
    const slower = { machine: [{ fromS: 10, factor: 2 }] };
    const { goodput, onTime, noneExpires } = await play(forest, [{ perS: 0.8 * peakOf(forest) }], {
      ...slower,
      measureFromS: 10,
    });
    goodput();
    onTime();
    noneExpires();
  });
});

describe("a run that doesn't end", () => {
  const hangAtS = 5;
  /** A run counts as stuck after a second, and another worker takes its place within another one. */
  const backWithinS = 2;

  test.each([
    ["the only worker", dear, 0.5],
    ["the only worker, at twice the capacity", dear, 2],
    ["one of two workers", { ...dear, workers: 2 }, 0.4],
    ["the worker beside the event loop", forest, 0.5],
  ])(
    "holds %s: its calls get 504, all others are answered in time or told to go, and soon all is well",
    async (_, on, times) => {
      const lanes = [{ ...on.lanes[0]!, hangAtS }];
      const perS = times * peakOf(on);
      const { report, recovers, onTime, refusesAtOnce, expect } = await play({ ...on, lanes }, [{ perS }], {
        untilS: 12,
      });
      const { expired, failed } = report.total;
      expect(failed, "errors other than 503 and 504").toBe(0);
      expect(expired, "504: the calls of the batch at least").toBeGreaterThan(0);
      // And those that were let in behind it, until a run that is so long over its time left none that could be.
      expect(expired, "504: no more than come within the objective").toBeLessThanOrEqual((perS * sloMs) / 1000);
      refusesAtOnce();
      onTime();
      if (times < 1) recovers(hangAtS, backWithinS);
      else {
        const after = report.windows.filter(({ fromS }) => fromS >= hangAtS + backWithinS && fromS < 11.5);
        const inTime = after.reduce((sum, window) => sum + window.inTime, 0);
        expect(inTime / (after.length * 0.25), "in time per second afterwards").toBeGreaterThanOrEqual(
          0.9 * peakOf(on),
        );
      }
    },
  );

  test("of one model costs another one, with a worker of its own to spare, hardly a call", async () => {
    const lanes = [{ ...dear.lanes[0]!, hangAtS }, dear.lanes[0]!];
    const on = { ...dear, workers: 2, lanes };
    const traffic = [
      { name: "hangs", perS: 300 },
      { name: "beside", perS: 300, lane: 1 },
    ];
    const { report, recovers, expect } = await play(on, traffic, { untilS: 12 });
    expect(notAnswered(report.streams[1]!), "refused, shed or 504 beside it").toBe(0);
    expect(report.streams[1]!.latencyMs.p99, "P99 beside it").toBeLessThanOrEqual(sloMs / 4);
    recovers(hangAtS, backWithinS);
  });
});

describe("neighbours", () => {
  const mostMoved = 1.5;

  test.each([
    ["1 ms", { ...dear, workers: 2 }, 1 / 8],
    ["40 us on both executors", cheap, 1 / 2],
  ])("calls of one row beside a caller with 10,000 rows: %s", async (_, on, share) => {
    const one = { name: "one row", perS: share * peakOf(on) };
    const alone = await play(on, [one], { untilS: 8 });
    const beside = await play(on, [one, { name: "10,000 rows", callers: 1, rows: 10_000, timeoutMs: 60_000 }], {
      untilS: 8,
    });
    const [before, after] = [alone, beside].map(({ report }) => report.streams[0]!.latencyMs.p99) as [number, number];
    // A run that has begun isn't stopped: where a row takes 1 ms, a call may wait for one slice of the large call, an
    // eighth of the objective.
    beside
      .expect(after, `P99, ${before.toFixed(1)} ms alone`)
      .toBeLessThanOrEqual(Math.max(mostMoved * before, before + sloMs / 8));
    beside.expect(notAnswered(beside.report.streams[0]!), "504 or refused").toBe(0);
  });

  test("a fast model beside a slow one at twice its capacity", async () => {
    const fast = { inline: { fixedUs: 5, perRowUs: 10 }, pool: { fixedUs: 5, perRowUs: 10 } };
    const slow = { inline: { fixedUs: 0, perRowUs: 30_000 }, pool: { fixedUs: 0, perRowUs: 30_000 } };
    const on = { lanes: [fast, slow] };
    const fastCalls = { name: "fast", perS: 2000 };
    const alone = await play(on, [fastCalls]);
    const beside = await play(on, [fastCalls, { name: "slow", lane: 1, perS: 2 * (1e6 / 30_000) }]);
    const [before, after] = [alone, beside].map(({ report }) => report.lanes[0]!.latencyMs.p99) as [number, number];
    beside.expect(after, `P99, ${before.toFixed(2)} ms alone`).toBeLessThanOrEqual(mostMoved * before);
    beside.expect(beside.report.streams[0]!.inTime, "fast calls in time").toBe(beside.report.streams[0]!.sent);
    beside
      .expect(beside.report.lanes[1]!.goodputPerS, "slow calls in time, per second")
      .toBeGreaterThanOrEqual(0.9 * (1e6 / 30_000));
    beside.expect(beside.report.total.expired, "504").toBe(0);
  });
});
