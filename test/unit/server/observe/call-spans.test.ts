/**
 * Goal: the spans of a call say where it was, from when to when, and what became of it; never what stood in its rows.
 */

import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { recordCall, stagesOf } from "../../../../server/observe/call-spans.js";
import { stages as metricStages } from "../../../../server/observe/metrics.js";
import type { Call } from "../../../../server/path/call.js";
import { openInference } from "../../../../server/protocol/open-inference/protocol.js";
import { makeCall } from "../../../support/calls.js";
import { makeRecord, type RecordOptions } from "../../../support/records.js";
import { makeVersion } from "../../../support/versions.js";

const version = makeVersion({ name: "demand", number: 3 });
const names = (call: Call) => stagesOf(call).map(({ name }) => name);

/** The record of a call of this version, and what is changed of it. */
function record(options: Omit<RecordOptions, "version"> = {}, change: Partial<Call> = {}): Call {
  const call = makeRecord({ version, ...options });
  call.rowsDone = call.runEndedMs > 0 ? call.rowCount : 0;
  return Object.assign(call, change);
}

describe("the stages", () => {
  test("of an answered call are all of them, one after the other, from its start to its end", () => {
    const call = record();
    const stages = stagesOf(call);
    expect(stages.map(({ name }) => name)).toEqual(metricStages);
    expect(stages.map(({ startMs, endMs }) => endMs - startMs)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(stages[0]!.startMs).toBe(call.startedMs);
    expect(stages.at(-1)!.endMs).toBe(call.finishedMs);
  });

  const waited = { decodedMs: 0, validatedMs: 0, preprocessedMs: 0, finishedMs: 1010 };
  test.each<[string, Call, string[]]>([
    [
      "refused for its headers, before its body was there",
      record({ error: "invalid_request" }, { ...waited, startedMs: 0 }),
      [],
    ],
    ["refused on admission, or of an unknown model", makeRecord({ version: undefined, error: "model_not_found" }), []],
    ["that is no JSON", record({ error: "malformed_body" }, waited), ["decode"]],
    [
      "with a bad row",
      record({ error: "schema_mismatch" }, { validatedMs: 0, preprocessedMs: 0 }),
      ["decode", "validate"],
    ],
    [
      "with a refused row",
      record({ error: "row_refused" }, { preprocessedMs: 0 }),
      ["decode", "validate", "preprocess"],
    ],
    [
      "whose deadline passed in the queue",
      record({ error: "deadline_exceeded" }),
      ["decode", "validate", "preprocess", "queue"],
    ],
    ["whose caller left it in the queue", record({ abandoned: true }), ["decode", "validate", "preprocess", "queue"]],
    [
      "given up between its batches",
      record(
        { error: "deadline_exceeded", rows: 100 },
        { runStartedMs: 1020, runEndedMs: 1030, rowsDone: 50, finishedMs: 1040 },
      ),
      ["decode", "validate", "preprocess", "queue", "run"],
    ],
    [
      "whose model answered NaN",
      record(
        { error: "model_output_invalid" },
        { runStartedMs: 1020, runEndedMs: 1030, rowsDone: 1, finishedMs: 1040 },
      ),
      ["decode", "validate", "preprocess", "queue", "run", "postprocess"],
    ],
    ["without a good row", record({ rows: 0 }), ["decode", "validate", "preprocess", "postprocess", "reply"]],
    [
      "answered from the cache",
      record({}, { ...noRun(), preprocessedMs: 0, cached: true }),
      ["decode", "validate", "reply"],
    ],
    [
      "answered by the fallback, because it couldn't be in time",
      record({}, { ...noRun(), fellBack: true, fallback: "overloaded" }),
      ["decode", "validate", "preprocess", "queue"],
    ],
    [
      "answered by the fallback in part",
      record({}, { fallback: "model_failed", fallbackRows: [0] }),
      [...metricStages],
    ],
  ])("of a call %s", (_, call, expected) => {
    const stages = stagesOf(call);
    expect(stages.map(({ name }) => name)).toEqual(expected);
    for (const [i, { startMs, endMs }] of stages.entries()) {
      expect(startMs).toBe(i === 0 ? call.startedMs : stages[i - 1]!.endMs);
      expect(endMs).toBeGreaterThanOrEqual(startMs);
    }
    if (stages.length > 0) expect(stages.at(-1)!.endMs).toBe(call.finishedMs);
  });

  function noRun(): Partial<Call> {
    return { runStartedMs: 0, runEndedMs: 0, postprocessedMs: 0, rowsDone: 0 };
  }

  test("are in the order of the metrics', whatever the call came to", () => {
    const stamps = [
      "decodedMs",
      "validatedMs",
      "preprocessedMs",
      "runStartedMs",
      "runEndedMs",
      "postprocessedMs",
    ] as const;
    fc.assert(
      fc.property(fc.subarray([...stamps]), fc.boolean(), fc.boolean(), (missing, wrong, left) => {
        const call = record();
        for (const stamp of missing) call[stamp] = 0;
        if (wrong) call.error = new ServeError("internal", "it failed");
        call.abandoned = left;
        const order = names(call).map((name) => metricStages.indexOf(name as (typeof metricStages)[number]));
        expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
        expect(order).not.toContain(-1);
      }),
    );
  });
});

const offsetMs = 1_700_000_000_000.5;

function spansOf(call: Call) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const ids = recordCall(provider.getTracer("test"), call, stagesOf(call), offsetMs);
  const spans = exporter.getFinishedSpans();
  const server = spans.at(-1)!;
  return { ids, server, stages: spans.slice(0, -1) };
}

const milliseconds = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1000 + nanoseconds / 1e6;
const timesOf = ({ startTime, endTime }: ReadableSpan) => [milliseconds(startTime), milliseconds(endTime)];

describe("the spans", () => {
  test("of an answered call are one of the server's and one of each stage, at their times", () => {
    const call = record({ rows: 4 });
    const { ids, server, stages } = spansOf(call);
    expect(server).toMatchObject({
      name: "POST /predict",
      kind: SpanKind.SERVER,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(server.parentSpanContext).toBeUndefined();
    expect(ids).toMatchObject({ traceId: server.spanContext().traceId, spanId: server.spanContext().spanId });
    expect(server.attributes).toEqual({
      "http.request.method": "POST",
      "http.route": "/predict",
      "url.path": "/predict",
      "url.scheme": "http",
      "network.protocol.version": "1.1",
      "http.request.body.size": 10,
      "http.response.status_code": 200,
      "plumb.request_id": "r1",
      "plumb.model": "demand",
      "plumb.version": 3,
      "plumb.result": "ok",
      "plumb.rows": 4,
      "plumb.batch_rows": 4,
      "plumb.executor": "inline",
    });
    const near = (times: number[]) => times.map((ms) => expect.closeTo(ms, 2));
    expect(timesOf(server)).toEqual(near([call.arrivedMs + offsetMs, call.finishedMs + offsetMs]));
    expect(stages.map(({ name }) => name)).toEqual(metricStages);
    for (const [i, { startMs, endMs }] of stagesOf(call).entries()) {
      const stage = stages[i]!;
      expect(stage).toMatchObject({ kind: SpanKind.INTERNAL, attributes: {} });
      expect(stage.parentSpanContext!.spanId).toBe(ids.spanId);
      expect(stage.spanContext().traceId).toBe(ids.traceId);
      expect(timesOf(stage)).toEqual(near([startMs + offsetMs, endMs + offsetMs]));
    }
  });

  test("are children of the caller's, with its state", () => {
    const call = record(
      { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
      { tracestate: "a=1,ot=th:8" },
    );
    const { server, stages } = spansOf(call);
    expect(server.parentSpanContext).toMatchObject({ spanId: "b7ad6b7169203331", isRemote: true });
    for (const span of [server, ...stages]) {
      expect(span.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c");
      expect(span.spanContext().traceState?.serialize()).toBe("a=1,ot=th:8");
    }
  });

  test.each(["", "no state", "a=1,".repeat(1000), "=", "\u0000=1"])(
    "are children of the caller's, if its state is worth nothing: %j",
    (tracestate) => {
      const call = record({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }, { tracestate });
      const { server } = spansOf(call);
      expect(server.parentSpanContext).toMatchObject({ spanId: "b7ad6b7169203331" });
      expect(server.spanContext().traceState?.serialize() ?? "").toBe("");
    },
  );

  test.each([
    [{}, "POST /predict", "/predict"],
    [{ model: "demand" }, "POST /models/{model}/predict", "/models/demand/predict"],
    [
      { model: "a/b $& ü", version: "1" },
      "POST /models/{model}/versions/{version}/predict",
      "/models/a%2Fb%20%24%26%20%C3%BC/versions/1/predict",
    ],
    [{ model: "demand", protocol: openInference }, "POST /v2/models/{model}/infer", "/v2/models/demand/infer"],
    [
      { model: "demand", version: "1", protocol: openInference },
      "POST /v2/models/{model}/versions/{version}/infer",
      "/v2/models/demand/versions/1/infer",
    ],
  ])("are named for the route, not the address: %j", (address, name, path) => {
    const { call } = makeCall(address);
    call.finishedMs = 1010;
    const { server } = spansOf(call);
    expect(server.name).toBe(name);
    expect(server.attributes).toMatchObject({ "http.route": name.slice(5), "url.path": path });
  });

  test.each([
    ["schema_mismatch", 422, SpanStatusCode.UNSET, undefined],
    ["model_not_found", 404, SpanStatusCode.UNSET, undefined],
    ["model_failed", 500, SpanStatusCode.ERROR, "model_failed"],
    ["overloaded", 503, SpanStatusCode.ERROR, "overloaded"],
    ["deadline_exceeded", 504, SpanStatusCode.ERROR, "deadline_exceeded"],
  ] as const)(
    "of a call that was answered %s: only our own failures are errors, and nobody's words are repeated",
    (code, status, spanStatus, type) => {
      const { server } = spansOf(record({ error: new ServeError(code, "row 0: got 4711") }));
      expect(server.status).toEqual({ code: spanStatus });
      expect(server.attributes).toMatchObject({ "http.response.status_code": status, "plumb.result": code });
      expect(server.attributes["error.type"]).toBe(type);
      expect(JSON.stringify(server.attributes)).not.toContain("4711");
    },
  );

  test("of a call whose caller left have no status", () => {
    const { server } = spansOf(record({ abandoned: true }));
    expect(server.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(server.attributes).toMatchObject({ "plumb.result": "abandoned" });
    expect(server.attributes).not.toHaveProperty("http.response.status_code");
  });

  test("tell of a fallback, a cached answer, and rows that were bad", () => {
    const rowError = { row: 0, code: "schema_mismatch", message: "row 0: got 4711", issues: [] } as const;
    expect(spansOf(record({}, { fallback: "model_failed" })).server.attributes).toMatchObject({
      "plumb.fallback": "model_failed",
      "plumb.result": "fallback",
      "http.response.status_code": 200,
    });
    expect(spansOf(record({}, { cached: true })).server.attributes).toMatchObject({ "plumb.cached": true });
    const { attributes } = spansOf(record({ rows: 3 }, { rowErrors: [rowError, rowError] })).server;
    expect(attributes).toMatchObject({ "plumb.row_errors": 2, "plumb.rows": 3, "plumb.result": "ok" });
    expect(JSON.stringify(attributes)).not.toContain("4711");
  });
});
