/** Goal: each bar is judged by the median of the right figures, in the right direction. */

import { describe, expect, test } from "vitest";
import { type Bar, isMet } from "../../../bench/bar.js";
import { barsOf } from "../../../bench/bars.js";
import { replaceMeasured, serverMarks } from "../../../bench/measured-section.js";
import { reportMarkdown, reportText } from "../../../bench/report.js";
import type { BenchResult } from "../../../bench/result.js";
import { ceilingShare } from "../../../bench/throughput.js";
import { spreadOf } from "../../../loadtest/statistics.js";

const load = (requestsPerSecond: number, p50Ms = 1) => ({
  requests: requestsPerSecond,
  requestsPerSecond,
  p50Ms,
  p99Ms: 2 * p50Ms,
  errors: 0,
});
const round = (raw: number, plumb: number, fastify: number) => ({
  load: { raw: load(raw, 0.07), plumb: load(plumb, 0.1), fastify: load(fastify, 0.2) },
  onnxUsPerRow: 10,
});

const cpuLoad = (requestsPerSecond: number, cpuUsPerRequest: number) => ({
  ...load(requestsPerSecond),
  cpuUsPerRequest,
});

const result: BenchResult = {
  finished: "2026-01-02T03:04:05.000Z",
  machine: {
    cpu: "A processor",
    cores: 2,
    memoryGB: 8,
    system: "linux 6",
    node: "v20.0.0",
    versions: { zod: "4.0.0", fastify: "5.0.0", "onnxruntime-node": "1.30.0" },
  },
  generator: "wrk 4",
  rounds: 3,
  roundS: 2,
  throughput: [
    { connections: 1, rounds: [round(10_000, 8000, 5000)] },
    {
      connections: 128,
      rounds: [round(100_000, 40_000, 10_000), round(50_000, 10_000, 10_000), round(100_000, 42_000, 12_000)],
    },
  ],
  withoutKernel: [{ load: { raw: load(100_000), plumb: load(60_000), onnxruntime: load(40_000) }, onnxUsPerRow: 10 }],
  httpMembers: [
    {
      load: {
        raw: cpuLoad(100_000, 10),
        bareNode: cpuLoad(20_000, 50),
        uws: cpuLoad(60_000, 16),
        node: cpuLoad(18_000, 55),
      },
    },
  ],
  traced: [{ load: { raw: load(100_000), plumb: load(35_000) }, onnxUsPerRow: 10 }],
  cache: [
    { rawCpuUs: 10, hitCpuUs: 14, missCpuUs: 30, hitsPerSecond: 70_000, missesPerSecond: 40_000, errors: 0 },
    { rawCpuUs: 10, hitCpuUs: 22, missCpuUs: 30, hitsPerSecond: 60_000, missesPerSecond: 40_000, errors: 0 },
    { rawCpuUs: 10, hitCpuUs: 18, missCpuUs: 30, hitsPerSecond: 65_000, missesPerSecond: 40_000, errors: 0 },
  ],
  peers: [
    {
      name: "A peer",
      setUp: "Made of this, does that.",
      levels: [
        { connections: 32, rounds: [500, 1000, 800].map((rate) => ({ peer: load(rate, 30), plumb: load(20_000) })) },
      ],
    },
  ],
  latency: [1, 9, 2].map((plumbP99Ms) => ({ plumbP99Ms, rawP99Ms: 1, plumbP50Ms: 0.3, bigP99Ms: 20, errors: 0 })),
  large: [{ onnxRowsPerSecond: 100_000, rowsPerSecondAtOne: 70_000, rowsPerSecondAtTwo: 90_000, errors: 0 }],
  wide: [
    {
      features: 300,
      rowsPerRequest: 1,
      connections: 32,
      rounds: [{ load: { raw: cpuLoad(10_000, 90), plumb: cpuLoad(13_000, 70) } }],
    },
    {
      features: 300,
      rowsPerRequest: 1,
      connections: 1,
      rounds: [{ load: { raw: cpuLoad(5000, 90), plumb: cpuLoad(5000, 70) } }],
    },
  ],
  turns: [{ longestMs: 0.7, longestOfAllMs: 3, errors: 0 }],
  coldStart: [{ bareNodeMs: 50, readyMs: 400 }],
  memory: { readyMB: 100, peakMB: 200 },
};

const reached = (bars: readonly Bar[]) => bars.map(({ reached: spread }) => spread?.median);

test("the ceiling is one core that spends no more than the raw request and the model's bare time", () => {
  // 10 us for the raw request and 10 us for the row: 50,000 a second at best.
  expect(ceilingShare(round(100_000, 40_000, 1))).toBeCloseTo(0.8, 10);
});

describe("the bars", () => {
  test("take the median of the rounds", () => {
    const [
      share,
      without,
      traced,
      ofFastify,
      ofBareNode,
      p50,
      hit,
      p99,
      one,
      two,
      wide,
      alone,
      turn,
      start,
      memory,
      errors,
    ] = reached(barsOf(result));
    expect(share).toBeCloseTo(0.8, 10);
    expect(without).toBeCloseTo(0.8, 10);
    expect(traced).toBeCloseTo(0.7, 10);
    expect(hit).toBeCloseTo(0.4, 10);
    expect(ofFastify).toBeCloseTo(3.5, 10);
    expect(ofBareNode).toBeCloseTo(0.9, 10);
    expect(p50).toBeCloseTo(0.1 / 0.07, 10);
    expect([wide, alone]).toEqual([1.3, 1]);
    expect([p99, one, two, turn, start, memory, errors]).toEqual([2, 0.7, 0.9, 0.7, 8, 200, 0]);
  });

  test("are met or missed", () => {
    expect(barsOf(result).map(isMet)).toEqual([
      false,
      true,
      false,
      true,
      true,
      false,
      true,
      true,
      false,
      true,
      true,
      false,
      true,
      false,
      true,
      true,
    ]);
  });

  test("say where something wasn't measured", () => {
    const bars = barsOf({ ...result, memory: undefined, coldStart: [] });
    expect(bars.map(isMet).slice(13, 15)).toEqual([undefined, undefined]);
  });

  test("count every request that Plumb didn't answer", () => {
    const latency = [{ ...result.latency[0]!, errors: 2 }];
    const large = [{ ...result.large[0]!, errors: 3 }];
    const cache = [{ ...result.cache[0]!, errors: 4 }];
    const turns = [{ ...result.turns[0]!, errors: 6 }];
    const failing = { requests: 1, requestsPerSecond: 1, p50Ms: 1, p99Ms: 1, errors: 5 };
    const traced = [{ load: { raw: load(1), plumb: failing }, onnxUsPerRow: 1 }];
    const withoutKernel = [{ load: { raw: load(1), plumb: failing, onnxruntime: failing }, onnxUsPerRow: 1 }];
    const peers = [{ name: "", setUp: "", levels: [{ connections: 1, rounds: [{ peer: load(1), plumb: failing }] }] }];
    const last = barsOf({ ...result, latency, large, cache, withoutKernel, traced, turns, peers }).at(-1)!;
    expect(last.reached!.median).toBe(2 + 3 + 4 + 2 * 5 + 5 + 5 + 6);
    expect(isMet(last)).toBe(false);
  });

  test.each([
    ["at least", 5, true],
    ["at most", 5, true],
    ["under", 5, false],
    ["at least", 4.9, false],
    ["at most", 5.1, false],
    ["under", 4.9, true],
  ] as const)("%s 5: %d is met: %s", (sense, value, met) => {
    expect(isMet({ what: "", sense, bound: 5, unit: "", reached: spreadOf([value]) })).toBe(met);
  });
});

describe("the report", () => {
  test("shows machine, bars with verdicts and every server", () => {
    const text = reportText(result);
    expect(text).toContain(
      "2026-01-02, A processor, 2 cores, 8 GB, linux 6; Node v20.0.0, zod 4.0.0, fastify 5.0.0, onnxruntime-node 1.30.0; closed-loop load by wrk 4; 3 paired rounds",
    );
    expect(text).toMatch(/share of the ceiling +at least 1\.15 +0\.8 +.* MISS$/m);
    expect(text).toMatch(/process start to ready, of `node -e 0` +under 8 +8 +MISS$/m);
    expect(text).toMatch(/^Plumb on uWebSockets\.js, 128 connections +40,000 +25,000 to 41,000 +10,000 to 42,000 /m);
    expect(text).toMatch(/^Plumb on node:http .* 18,000$/m);
    expect(text).toMatch(/^processor time a request, Plumb on node:http, µs +55$/m);
    expect(text).toMatch(/^times as many with the kernel +1\.5$/m);
    expect(text).toMatch(/^A peer, 32 connections +800 +650 to 900 +500 to 1,000 +30 +60 +0 +20,000 +25$/m);
    expect(text).toContain(
      "Fastify + onnxruntime-node: Node v20.0.0, fastify 5.0.0, onnxruntime-node 1.30.0; one process.",
    );
    expect(text).toContain("A peer: Made of this, does that.");
    expect(text).toMatch(/^Fastify \+ onnxruntime-node, 1 connection /m);
  });

  test("says why the peers in Python were left out", () => {
    const text = reportText({ ...result, peers: { leftOut: "there is no Python" } });
    expect(text).toContain("The peers in Python were left out: there is no Python");
    expect(text).not.toContain("A peer");
  });

  test("is Markdown for the page, and replaces what stood there", () => {
    const page =
      "# Page\n\n<!-- bench:begin (written by `npm run bench -- --write-docs`) -->\nfrom before\n<!-- bench:end -->\n\nafter\n";
    const once = replaceMeasured(page, serverMarks, reportMarkdown(result));
    expect(once).toMatch(/^# Page\n/);
    expect(once).toMatch(/\nafter\n$/);
    expect(once).not.toContain("from before");
    expect(once).toContain(
      "| what | bar | median | quartiles | min to max |  |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    expect(replaceMeasured(once, serverMarks, reportMarkdown(result))).toBe(once);
  });

  test("refuses a page without the marks", () => {
    expect(() => replaceMeasured("# Page", serverMarks, "")).toThrow(/needs the marks/);
  });
});
