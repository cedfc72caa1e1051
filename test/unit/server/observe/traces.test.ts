/**
 * Goal: the right calls are sampled, at the price of a look; and whatever becomes of their spans, no call hears of it.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TraceSettings } from "../../../../server/observe/trace-settings.js";
import { type SpanOutput, Traces } from "../../../../server/observe/traces.js";
import type { Call } from "../../../../server/path/call.js";
import { makeRecord } from "../../../support/records.js";

const defaults: TraceSettings = {
  parentBased: true,
  share: 0.01,
  queueSpansMax: 2048,
  batchSpansMax: 512,
  gatherMs: 5000,
  exportTimeoutMs: 30_000,
};

interface RigOptions {
  settings?: Partial<TraceSettings>;
  random?: () => number;
  record?: (call: Call) => { traceId: string; spanId: string } | undefined;
}

/** Shows a call to the traces. @returns Its span. */
function observe(traces: Traces, call: Call) {
  traces.onCall(call);
  return traces.spanOf(call);
}

/** Traces whose spans go to a list. */
function createRig({ settings = {}, random = () => 0.5, record }: RigOptions = {}) {
  const recorded: Call[] = [];
  const logged: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  const told: { message: string; fields: Record<string, unknown> }[] = [];
  const clock = { nowMs: 0 };
  const output = {
    dropped: 0,
    record: (call: Call) => {
      recorded.push(call);
      return record ? record(call) : { traceId: "t".repeat(32), spanId: "s".repeat(16) };
    },
    close: async (): Promise<boolean> => true,
  } satisfies SpanOutput;
  let tell: (message: string) => void = () => {};
  const traces = new Traces({
    settings: { ...defaults, ...settings },
    open: async (_, onTrouble) => {
      tell = onTrouble;
      return output;
    },
    random,
    now: () => clock.nowMs,
    log: (level, message, fields) => {
      if (level === "info") told.push({ message, fields });
      else logged.push({ level, message, fields });
    },
  });
  return { traces, recorded, logged, told, clock, output, tell: (message: string) => tell(message) };
}

const traceparent = (flags: string, version = "00") =>
  `${version}-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`;
const notAsked = () => {
  throw new Error("chance was asked");
};

describe("a call whose caller sent a traceparent", () => {
  test("is sampled if the caller's is: by the lowest bit of the flags, whatever the others and the version are", async () => {
    const rig = createRig({ random: notAsked });
    await rig.traces.begin();
    for (let flags = 0; flags < 256; flags++) {
      for (const version of ["00", "01", "cc"]) {
        const span = observe(
          rig.traces,
          makeRecord({ traceparent: traceparent(flags.toString(16).padStart(2, "0"), version) }),
        );
        expect(span !== undefined, `flags ${flags}`).toBe((flags & 1) === 1);
      }
    }
    expect(rig.recorded).toHaveLength(3 * 128);
    expect(rig.logged).toEqual([]);
  });

  test("is sampled by chance where the parent isn't asked", async () => {
    const draws = [0.4, 0.6];
    const rig = createRig({ settings: { parentBased: false, share: 0.5 }, random: () => draws.shift()! });
    await rig.traces.begin();
    expect(observe(rig.traces, makeRecord({ traceparent: traceparent("00") }))).toBeDefined();
    expect(observe(rig.traces, makeRecord({ traceparent: traceparent("01") }))).toBeUndefined();
  });
});

describe("any other call", () => {
  test("is sampled if its one random number is below the share", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        async (share, draws) => {
          const left = [...draws];
          const rig = createRig({ settings: { share }, random: () => left.shift()! });
          await rig.traces.begin();
          const sampled = draws.map(() => observe(rig.traces, makeRecord({})) !== undefined);
          expect(sampled).toEqual(draws.map((draw) => draw < share));
          expect(left).toEqual([]);
        },
      ),
    );
  });

  test.each([
    [0, 0],
    [1, 1000],
  ])("is never sampled with share 0, and always with share 1: %d", async (share, expected) => {
    let draw = 0;
    const rig = createRig({ settings: { share }, random: () => draw++ / 1000 });
    await rig.traces.begin();
    for (let i = 0; i < 1000; i++) observe(rig.traces, makeRecord({}));
    expect(rig.recorded).toHaveLength(expected);
  });

  test("is sampled as often as the share says", async () => {
    let draw = 0;
    // The fractional parts of multiples of the golden ratio fill the interval evenly.
    const rig = createRig({ settings: { share: 0.01 }, random: () => (draw++ * 0.6180339887498949) % 1 });
    await rig.traces.begin();
    for (let i = 0; i < 10_000; i++) observe(rig.traces, makeRecord({}));
    expect(Math.abs(rig.recorded.length - 100)).toBeLessThanOrEqual(2);
  });
});

describe("a call hears nothing of it", () => {
  test("where there are no traces", async () => {
    const traces = new Traces({ settings: undefined, open: notAsked, random: notAsked, now: () => 0, log: notAsked });
    await traces.begin();
    expect(observe(traces, makeRecord({ traceparent: traceparent("01") }))).toBeUndefined();
    expect(traces.dropped).toBe(0);
    expect(await traces.close(1000)).toBe(true);
  });

  test("before OpenTelemetry is loaded, and if it can't be, which is told once", async () => {
    const logged: string[] = [];
    const traces = new Traces({
      settings: defaults,
      open: async () => {
        throw new Error("Cannot find package");
      },
      random: () => 0,
      now: () => 0,
      log: (level, message) => logged.push(`${level}: ${message}`),
    });
    expect(observe(traces, makeRecord({}))).toBeUndefined();
    await traces.begin();
    expect(observe(traces, makeRecord({}))).toBeUndefined();
    expect(logged).toEqual(["error: there are no traces: Cannot find package"]);
    expect(await traces.close(1000)).toBe(true);
  });

  test("if its spans can't be made", async () => {
    const rig = createRig({
      random: () => 0,
      record: () => {
        throw new TypeError("x is not a function");
      },
    });
    await rig.traces.begin();
    expect(observe(rig.traces, makeRecord({}))).toBeUndefined();
    expect(rig.logged).toMatchObject([
      { level: "warn", message: expect.stringContaining("TypeError: x is not a function") },
    ]);
  });

  test("if there is no room for its spans", async () => {
    const rig = createRig({ random: () => 0, record: () => undefined });
    await rig.traces.begin();
    expect(observe(rig.traces, makeRecord({}))).toBeUndefined();
    expect(rig.logged).toEqual([]);
  });
});

test("that there are traces is told, with how calls are sampled", async () => {
  const rig = createRig({ settings: { share: 0.25 } });
  expect(rig.told).toEqual([]);
  await rig.traces.begin();
  expect(rig.told).toEqual([{ message: "traces are on", fields: { share: 0.25, parent_based: true } }]);
});

test("spans that nobody takes in time are told of at the end", async () => {
  const rig = createRig();
  await rig.traces.begin();
  expect(await rig.traces.close(1000)).toBe(true);
  expect(rig.logged).toEqual([]);
  rig.output.close = async () => false;
  expect(await rig.traces.close(1000)).toBe(false);
  expect(rig.logged).toMatchObject([{ level: "warn", message: "traces: the last spans weren't taken in time" }]);
});

test("trouble is told at most once a minute, with how many spans were lost", async () => {
  const rig = createRig();
  await rig.traces.begin();
  for (let second = 0; second < 200; second++) {
    rig.clock.nowMs = second * 1000;
    rig.output.dropped += 8;
    rig.tell(`trouble ${second}`);
  }
  expect(rig.logged).toEqual(
    [0, 60, 120, 180].map((second) => ({
      level: "warn",
      message: `traces: trouble ${second}`,
      fields: { spans_dropped: 8 * (second + 1) },
    })),
  );
  expect(rig.traces.dropped).toBe(1600);
});
