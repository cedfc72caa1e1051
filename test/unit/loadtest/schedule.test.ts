/** Goal: the intended send times are what was asked for, since every latency counts from them. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../loadtest/random.js";
import { planRequests, sendTimesMs } from "../../../loadtest/schedule.js";

const rates = fc.double({ min: 0.5, max: 2000, noNaN: true });
const durations = fc.double({ min: 0.1, max: 5, noNaN: true });
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("even arrivals", () => {
  test("stand exactly one period apart from zero, as many as fit", () => {
    fc.assert(
      fc.property(rates, durations, (rate, durationS) => {
        const times = sendTimesMs({ rate, durationS, arrivals: "even" }, createRandom(1));
        expect(times.every((atMs, i) => atMs === (i * 1000) / rate)).toBe(true);
        expect((times.length * 1000) / rate).toBeGreaterThanOrEqual(durationS * 1000);
        expect(times.at(-1)!).toBeLessThan(durationS * 1000);
      }),
    );
  });

  test("at 200 a second for 20 s are 4,000, the last at 19.995 s", () => {
    const times = sendTimesMs({ rate: 200, durationS: 20, arrivals: "even" }, createRandom(1));
    expect(times.length).toBe(4000);
    expect(times.at(-1)).toBe(19_995);
  });
});

describe("Poisson arrivals", () => {
  test("ascend within the run", () => {
    fc.assert(
      fc.property(rates, durations, seeds, (rate, durationS, seed) => {
        const times = sendTimesMs({ rate, durationS, arrivals: "poisson" }, createRandom(seed));
        expect(times.every((atMs, i) => atMs >= (i === 0 ? 0 : times[i - 1]!) && atMs < durationS * 1000)).toBe(true);
      }),
    );
  });

  test("come at the rate: the count lies within six deviations of its mean", () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 2000 }), seeds, (rate, seed) => {
        const durationS = 20;
        const { length } = sendTimesMs({ rate, durationS, arrivals: "poisson" }, createRandom(seed));
        expect(Math.abs(length - rate * durationS)).toBeLessThan(6 * Math.sqrt(rate * durationS));
      }),
    );
  });

  test("have exponential gaps: their deviation equals their mean", () => {
    const times = sendTimesMs({ rate: 1000, durationS: 100, arrivals: "poisson" }, createRandom(7));
    const gaps = Array.from(times.subarray(1), (atMs, i) => atMs - times[i]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean).toBeCloseTo(1, 1);
    expect(deviation / mean).toBeCloseTo(1, 1);
  });

  test("repeat with the seed and differ without", () => {
    const plan = { rate: 100, durationS: 1, arrivals: "poisson" } as const;
    expect(sendTimesMs(plan, createRandom(3))).toEqual(sendTimesMs(plan, createRandom(3)));
    expect(sendTimesMs(plan, createRandom(3))).not.toEqual(sendTimesMs(plan, createRandom(4)));
  });
});

describe("large requests", () => {
  test("go by once in each interval, in order of time among the rows", () => {
    const planned = planRequests({ rate: 100, durationS: 5, arrivals: "poisson" }, createRandom(1), {
      rowCount: 1000,
      everyS: 1,
    });
    expect(planned.filter(({ rowCount }) => rowCount === 1000).map(({ atMs }) => atMs)).toEqual([
      500, 1500, 2500, 3500, 4500,
    ]);
    expect(planned.every(({ atMs }, i) => i === 0 || atMs >= planned[i - 1]!.atMs)).toBe(true);
  });
});
