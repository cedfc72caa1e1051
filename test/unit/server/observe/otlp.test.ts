/** Goal: spans are delivered, or counted as lost: each of them once, and never more of them held than may be. */

import type { ServerResponse } from "node:http";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CountedExporter, openOtlp } from "../../../../server/observe/otlp.js";
import type { TraceSettings } from "../../../../server/observe/trace-settings.js";
import { WallClock } from "../../../../server/observe/wall-clock.js";
import { OtlpReceiver, TcpListener } from "../../../support/otlp-receiver.js";
import { makeRecord } from "../../../support/records.js";
import { makeVersion } from "../../../support/versions.js";

const settings: TraceSettings = {
  parentBased: true,
  share: 1,
  queueSpansMax: 100,
  batchSpansMax: 50,
  gatherMs: 5000,
  exportTimeoutMs: 30_000,
};

type Result = Parameters<Parameters<SpanExporter["export"]>[1]>[0];
const delivered: Result = { code: 0 };
const refused: Result = { code: 1, error: new Error("no") };

const spans = (count: number) => Array.from({ length: count }, () => ({}) as ReadableSpan);

/** Exports end when the test says so. */
function createRig(behaviour?: SpanExporter["export"]) {
  const open: ((result: Result) => void)[] = [];
  const troubles: string[] = [];
  const inner: SpanExporter = {
    export: behaviour ?? ((_, done) => open.push(done)),
    shutdown: async () => {},
  };
  const exporter = new CountedExporter(inner, settings, (message) => troubles.push(message));
  const results: Result[] = [];
  const send = (count: number) => exporter.export(spans(count), (result) => results.push(result));
  return { exporter, open, troubles, results, send };
}

describe("spans", () => {
  test("find room up to the bound; a call's find it all, or none", () => {
    const { exporter } = createRig();
    expect(exporter.reserve(60)).toBe(true);
    expect(exporter.reserve(41)).toBe(false);
    expect(exporter.reserve(40)).toBe(true);
    expect(exporter.reserve(1)).toBe(false);
    expect(exporter).toMatchObject({ pending: 100, dropped: 42 });
  });

  test("make room when they were delivered", () => {
    const { exporter, open, troubles, results, send } = createRig();
    exporter.reserve(100);
    send(60);
    expect(exporter.reserve(60)).toBe(false);
    open[0]!(delivered);
    expect(exporter.reserve(60)).toBe(true);
    expect(exporter).toMatchObject({ pending: 100, dropped: 60 });
    expect(results).toEqual([delivered]);
    expect(troubles).toEqual([]);
  });

  test("make room when they are lost, which is counted and told", () => {
    const { exporter, open, troubles, results, send } = createRig();
    exporter.reserve(100);
    send(60);
    open[0]!(refused);
    expect(exporter).toMatchObject({ pending: 40, dropped: 60 });
    expect(results).toEqual([refused]);
    expect(troubles).toEqual(["60 spans couldn't be delivered: no"]);
  });

  test("are lost where the exporter throws", () => {
    const { exporter, results, send } = createRig(() => {
      throw new Error("no such thing");
    });
    exporter.reserve(10);
    send(10);
    expect(exporter).toMatchObject({ pending: 0, dropped: 10 });
    expect(results).toMatchObject([{ code: 1, error: { message: "no such thing" } }]);
  });

  test("are all accounted for, whatever becomes of their exports", () => {
    const outcome = fc.constantFrom("delivered", "lost", "under way");
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), outcome)), (exports) => {
        const { exporter, open, send } = createRig();
        let asked = 0;
        let taken = 0;
        for (const [count, end] of exports) {
          asked += count;
          if (!exporter.reserve(count)) continue;
          expect(exporter.pending).toBeLessThanOrEqual(settings.queueSpansMax);
          send(count);
          if (end === "under way") continue;
          const done = open.at(-1)!;
          done(end === "delivered" ? delivered : refused);
          done(refused);
          if (end === "delivered") taken += count;
        }
        expect(taken + exporter.pending + exporter.dropped).toBe(asked);
      }),
    );
  });
});

describe("an export without an end", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("is given up in time, and stays so", () => {
    const { exporter, open, results, send } = createRig();
    exporter.reserve(10);
    send(10);
    vi.advanceTimersByTime(29_999);
    expect(exporter.pending).toBe(10);
    vi.advanceTimersByTime(1);
    expect(exporter).toMatchObject({ pending: 0, dropped: 10 });
    expect(exporter.idle).toBe(false);
    open[0]!(delivered);
    expect(exporter).toMatchObject({ pending: 0, dropped: 10, idle: true });
    expect(results).toHaveLength(1);
  });
});

describe("the output", () => {
  const version = makeVersion({ name: "demand", number: 3 });
  const record = () => Object.assign(makeRecord({ version }), { rowsDone: 1 });
  const spansPerCall = 8;
  const troubles: string[] = [];

  function open(endpoint: string, change: Partial<TraceSettings> = {}) {
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    troubles.length = 0;
    const onTrouble = (message: string) => troubles.push(message);
    const clock = new WallClock(() => performance.now(), Date.now);
    return openOtlp({ settings: { ...settings, ...change }, serviceVersion: "1.2.3", clock, onTrouble });
  }

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test("delivers on closing what it holds", async () => {
    const receiver = await OtlpReceiver.start();
    const output = open(receiver.endpoint);
    const ids = output.record(record());
    expect(receiver.spans).toEqual([]);
    expect(await output.close(30_000)).toBe(true);
    expect(receiver.spans).toHaveLength(spansPerCall);
    expect(receiver.spans.at(-1)).toMatchObject({
      traceId: ids!.traceId,
      spanId: ids!.spanId,
      name: "POST /predict",
      scope: "plumb",
    });
    expect(output.dropped).toBe(0);
    expect(troubles).toEqual([]);
    await receiver.stop();
  });

  test("delivers as soon as a batch is full", async () => {
    const receiver = await OtlpReceiver.start();
    const output = open(receiver.endpoint, { gatherMs: 999_999_999 });
    for (let i = 0; i < 12; i++) output.record(record());
    await receiver.until(() => (receiver.spans.length >= settings.batchSpansMax ? true : undefined));
    expect(await output.close(30_000)).toBe(true);
    expect(receiver.spans).toHaveLength(12 * spansPerCall);
    await receiver.stop();
  });

  test("makes no span that it has no room for", async () => {
    const mute = await TcpListener.start();
    const output = open(mute.endpoint);
    const made = Array.from({ length: 1000 }, () => output.record(record())).filter((ids) => ids !== undefined);
    expect(made).toHaveLength(Math.floor(settings.queueSpansMax / spansPerCall));
    expect(output.dropped).toBe((1000 - made.length) * spansPerCall);
    await mute.stop();
    await output.close(1);
  });

  test("closes in time if nobody takes what it holds, and says so", async () => {
    const mute = await TcpListener.start();
    const output = open(mute.endpoint);
    output.record(record());
    expect(await output.close(50)).toBe(false);
    await mute.stop();
  });

  test("closes when every export has ended, though one of them failed before", async () => {
    const responses: ServerResponse[] = [];
    const receiver = await OtlpReceiver.start((response) => responses.push(response));
    const output = open(receiver.endpoint, { batchSpansMax: spansPerCall });
    for (let i = 0; i < 3; i++) output.record(record());
    const closed = output.close(30_000);
    await receiver.until(() => (responses.length === 3 ? true : undefined));
    responses[1]!.writeHead(400).end();
    await expect.poll(() => output.dropped, { interval: 5 }).toBe(spansPerCall);
    for (const response of [responses[0]!, responses[2]!]) response.writeHead(200).end();
    expect(await closed).toBe(true);
    expect(output.dropped).toBe(spansPerCall);
    await receiver.stop();
  });

  test("closes at once if it holds nothing", async () => {
    expect(await open("http://127.0.0.1:9").close(30_000)).toBe(true);
  });
});
