/** Goal: whatever happens on its path, a call is answered once, with the right code, and its record is read once. */

import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { createPath, type PathParts } from "../../../../server/path/predict.js";
import { makeCall } from "../../../support/calls.js";
import { createHandPath, noScheduler } from "../../../support/hand-path.js";
import { binaryGraph, identityGraph, makeVersion, namedGraph, sizeAndColour } from "../../../support/versions.js";

const tiny = makeVersion();

const colours = makeVersion({
  name: "colours",
  ...sizeAndColour,
  models: [
    {
      id: "main",
      file: "model.onnx",
      bytes: new Uint8Array(0),
      inputs: [{ name: "X", dtype: "float32", shape: ["rows", 2] }],
      outputs: [{ name: "Y", dtype: "float32", shape: ["rows", 1] }],
    },
  ],
  postprocessing: identityGraph,
});

const classifier = makeVersion({ name: "spam", postprocessing: binaryGraph(["ham", "spam"]), task: "classification" });

const band = makeVersion({ name: "band", postprocessing: namedGraph(["low", "high"]) });

describe("a call that goes well", () => {
  test("is decoded, validated, preprocessed, run, postprocessed and answered", () => {
    const { send, run, submitted, observed, admission } = createHandPath([tiny]);
    const { call, sent } = send({ body: '{"x": 1.5}', requestId: "abc" });
    expect(submitted).toEqual([call]);
    expect(call.blocks).toEqual([Float32Array.of(1.5)]);
    expect([sent, observed, admission.calls]).toEqual([[], [], 1]);
    run([7.25]);
    expect(sent).toMatchObject([{ status: 200, error: undefined, requestId: "abc" }]);
    expect(sent[0]!.body).toEqual({ prediction: 7.25, model: "tiny", version: 1, request_id: "abc" });
    expect(observed).toEqual([call]);
    expect(admission.calls).toBe(0);
  });

  test("of several rows is answered in their order", () => {
    const { send, run } = createHandPath([tiny]);
    const { sent } = send({ body: '{"rows": [{"x": 1}, {"x": 2}, {"x": 3}]}' });
    run();
    expect(sent[0]!.body.predictions).toEqual([1, 2, 3]);
  });

  test("takes its rows of a batch that it shares", () => {
    const { send, submitted } = createHandPath([tiny]);
    const { call, sent } = send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' });
    submitted.shift();
    call.raw = [Float32Array.of(90, 91, 10, 20, 92)];
    call.rawFirstRow = 2;
    call.onRun(call);
    expect(sent[0]!.body.predictions).toEqual([10, 20]);
  });

  test("has probabilities if the model has", () => {
    const { send, run } = createHandPath([classifier]);
    const { sent } = send({ body: '{"x": 0}' });
    run([2]);
    const { prediction, probabilities } = sent[0]!.body;
    expect(prediction).toBe("spam");
    expect(Object.keys(probabilities)).toEqual(["ham", "spam"]);
    expect(probabilities.spam).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(probabilities.ham).toBe(Math.fround(1 - probabilities.spam));
  });

  test("has a list of numbers, in the order of their names, if the model gives several", () => {
    const { send, run } = createHandPath([band]);
    const { sent } = send({ body: '{"x": 0}' });
    run([1, -0]);
    expect(sent[0]!.text).toBe('{"prediction":[1,-0],"model":"band","version":1,"request_id":"r1"}');
    const rows = send({ body: '{"rows": [{"x": 0}, {"x": 1}]}' });
    run([1, 2, 3, 4]);
    expect(rows.sent[0]!.body.predictions).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test("goes to the model and version that it names", () => {
    const { send, run } = createHandPath([tiny, makeVersion({ number: 2 }), colours]);
    const { sent } = send({ body: '{"x": 1}', model: "tiny", version: "1" });
    run();
    const newest = send({ body: '{"x": 1}', model: "tiny" });
    run();
    expect([sent[0]!.body.version, newest.sent[0]!.body.version]).toEqual([1, 2]);
  });

  test("lets go of its body once it is read", () => {
    const { send } = createHandPath([tiny]);
    const { call } = send({ body: '{"x": 1}' });
    expect(call.body).toHaveLength(0);
    expect(call.bodyBytes).toBe(8);
  });

  test("has a record whose times ascend", () => {
    const { send, run, observed, clock } = createHandPath([tiny]);
    send({ body: '{"x": 1}' });
    clock.advance(3);
    run();
    const {
      arrivedMs,
      startedMs,
      decodedMs,
      validatedMs,
      preprocessedMs,
      postprocessedMs,
      finishedMs,
      rowCount,
      error,
    } = observed[0]!;
    const times = [
      arrivedMs,
      startedMs,
      decodedMs,
      validatedMs,
      preprocessedMs,
      preprocessedMs + 3,
      postprocessedMs,
      finishedMs,
    ];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(times).size).toBe(times.length);
    expect([rowCount, error]).toEqual([1, undefined]);
  });
});

describe("a failing step is answered with its code", () => {
  interface Case {
    step: string;
    body?: string;
    options?: Parameters<ReturnType<typeof createHandPath>["send"]>[0];
    change?: (parts: PathParts) => Partial<PathParts>;
    status: number;
    code: string;
    message: string | RegExp;
  }
  const raise = (error: unknown) => () => {
    throw error;
  };
  const cases: Case[] = [
    {
      step: "admission that is full",
      change: ({ admission }) => ({
        admission: { ...admission, enter: raise(new ServeError("overloaded", "too many")), leave: () => {} },
      }),
      status: 503,
      code: "overloaded",
      message: "too many",
    },
    {
      step: "a route to no model",
      options: { model: "nope" },
      status: 404,
      code: "model_not_found",
      message: 'there is no model "nope"',
    },
    {
      step: "a route to no version",
      options: { model: "tiny", version: "9" },
      status: 404,
      code: "model_not_found",
      message: "no version",
    },
    {
      step: "another content type",
      options: { contentType: "text/csv" },
      status: 415,
      code: "unsupported_media_type",
      message: "text/csv",
    },
    { step: "a body that is no JSON", body: '{"x": 1', status: 400, code: "malformed_body", message: "isn't JSON" },
    { step: "no rows", body: '{"rows": []}', status: 422, code: "schema_mismatch", message: "an empty list" },
    {
      step: "a row that breaks the schema",
      body: '{"x": "n/a"}',
      status: 422,
      code: "schema_mismatch",
      message: 'row 0, feature "x": expected a number, got the string "n/a"',
    },
    {
      step: "a queue that is too long",
      change: () => ({
        scheduler: { ...noScheduler, submit: raise(new ServeError("overloaded", "rows wait")) },
      }),
      status: 503,
      code: "overloaded",
      message: "rows wait",
    },
    {
      step: "a fault of ours",
      change: ({ routes }) => ({
        routes: {
          find: () => undefined,
          limits: routes.limits,
          choose: raise(new TypeError("undefined is not a secret")),
        },
      }),
      status: 500,
      code: "internal",
      message: /^(?!.*secret)/,
    },
  ];

  test.each(cases)("$step: $code", ({ body = '{"x": 1}', options, change, status, code, message }) => {
    const rig = createHandPath([tiny]);
    const { call, sent } = rig.send({ body, ...options }, createPath({ ...rig.parts, ...change?.(rig.parts) }));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ status, error: { code }, requestId: "r1" });
    expect(sent[0]!.body.error).toMatchObject({ code, request_id: "r1" });
    if (typeof message === "string") expect(sent[0]!.body.error.message).toContain(message);
    else expect(sent[0]!.body.error.message).toMatch(message);
    expect(rig.observed).toEqual([call]);
    expect(rig.admission.calls).toBe(0);
    expect(rig.submitted).toEqual([]);
  });

  test("a fault of ours keeps its cause, for the log", () => {
    const rig = createHandPath([tiny]);
    const cause = new TypeError("undefined is not a function");
    const routes = { find: () => undefined, limits: rig.parts.routes.limits, choose: raise(cause) };
    expect(rig.send({ body: '{"x": 1}' }, createPath({ ...rig.parts, routes })).call.error?.cause).toBe(cause);
  });

  test("too many rows", () => {
    const { send } = createHandPath([makeVersion({ rowsMax: 2 })]);
    expect(send({ body: '{"rows": [{"x": 1}, {"x": 2}, {"x": 3}]}' }).sent).toMatchObject([
      { status: 422, error: { code: "too_many_rows" } },
    ]);
  });

  test("a version that is still proved", () => {
    const { send } = createHandPath([makeVersion({ state: "proving" })]);
    expect(send({ body: '{"x": 1}' }).sent).toMatchObject([{ status: 503, error: { code: "not_ready" } }]);
  });

  test("a run that failed as a whole", () => {
    const { send, submitted, observed } = createHandPath([tiny]);
    const { call, sent } = send({ body: '{"x": 1}' });
    call.error = new ServeError("model_failed", "the worker died, twice");
    submitted.shift()!.onRun(call);
    expect(sent).toMatchObject([{ status: 500, error: { code: "model_failed" } }]);
    expect(observed).toEqual([call]);
  });
});

describe("bad rows", () => {
  test("are all listed, with their places", () => {
    const { send } = createHandPath([tiny]);
    const { sent } = send({ body: '{"rows": [{"x": 1}, {"x": "a"}, {"y": 1}, 5]}' });
    expect(sent[0]!.body.error.message).toBe(
      'row 1, feature "x": expected a number, got the string "a" (and 2 more bad rows)',
    );
    expect(sent[0]!.body.error.issues).toMatchObject([
      { row: 1, feature: "x", expected: "a number", got: 'the string "a"' },
      { row: 2, feature: "x", got: "nothing" },
      { row: 2, feature: "y" },
      { row: 3, feature: "" },
    ]);
  });

  test("are listed up to a hundred issues, and counted beyond", () => {
    const { send } = createHandPath([tiny]);
    const { sent } = send({ body: JSON.stringify({ rows: new Array(500).fill({ x: "a" }) }) });
    expect(sent[0]!.body.error.issues).toHaveLength(100);
    expect(sent[0]!.body.error.message).toContain("(and 499 more bad rows)");
  });

  test("that the pipeline itself would refuse are told as such", () => {
    const { send } = createHandPath([colours]);
    const { sent } = send({ body: '{"rows": [{"size": 1, "colour": "red"}, {"size": 1, "colour": "green"}]}' });
    expect(sent[0]).toMatchObject({ status: 422, error: { code: "row_refused" } });
    expect(sent[0]!.body.error.issues).toMatchObject([{ row: 1, feature: "colour" }]);
    expect(sent[0]!.body.error.message).toContain('row 1, feature "colour"');
  });
});

describe("a partial request", () => {
  test("is answered in full when all is well", () => {
    const { send, run } = createHandPath([tiny]);
    const { sent } = send({ body: '{"partial": true, "rows": [{"x": 1}, {"x": 2}]}' });
    run();
    expect(sent[0]).toMatchObject({ status: 200, body: { predictions: [1, 2], errors: [] } });
  });

  test("is answered row by row, each failure in its place and in order", () => {
    const { send, run, submitted } = createHandPath([colours]);
    const rows = [
      { size: 0, colour: "red" },
      { size: -1, colour: "red" },
      { size: 2, colour: "green" },
      { size: 3, colour: "blue" },
      { size: 4, colour: "blue" },
      { size: 5, colour: "red" },
      "no row",
    ];
    const { sent } = send({ body: JSON.stringify({ partial: true, rows }) });
    expect(submitted[0]!.blocks).toEqual([Float32Array.of(0, 1, 3, 0, 4, 0, 5, 1)]);
    run([10, Number.NaN, 14, Number.POSITIVE_INFINITY], [1]);
    expect(sent[0]!.status).toBe(200);
    expect(sent[0]!.body.predictions).toEqual([10, null, null, null, 14, null, null]);
    expect(sent[0]!.body.errors.map(({ row, code }: { row: number; code: string }) => [row, code])).toEqual([
      [1, "schema_mismatch"],
      [2, "row_refused"],
      [3, "model_failed"],
      [5, "model_output_invalid"],
      [6, "schema_mismatch"],
    ]);
    expect(sent[0]!.body.errors[1].issues).toMatchObject([{ row: 2, feature: "colour" }]);
  });

  test("without a single good row is answered at once, with nothing run", () => {
    const { send, submitted, observed } = createHandPath([tiny]);
    const { call, sent } = send({ body: '{"partial": true, "rows": [{"x": "a"}, {}]}' });
    expect(submitted).toEqual([]);
    expect(sent[0]).toMatchObject({
      status: 200,
      body: { predictions: [null, null], errors: [{ row: 0 }, { row: 1 }] },
    });
    expect(observed).toEqual([call]);
  });

  test("without a row that the pipeline takes, too", () => {
    const { send, submitted } = createHandPath([colours]);
    const { sent } = send({ body: '{"partial": true, "rows": [{"size": 1, "colour": "green"}]}' });
    expect(submitted).toEqual([]);
    expect(sent[0]).toMatchObject({
      status: 200,
      body: { predictions: [null], errors: [{ row: 0, code: "row_refused" }] },
    });
  });

  test("to a classifier has its probabilities in the same form, good rows or none", () => {
    const { send, run } = createHandPath([classifier]);
    const some = send({ body: '{"partial": true, "rows": [{"x": 0}, {}]}' });
    run([0]);
    expect(some.sent[0]!.body.probabilities).toEqual([{ ham: 0.5, spam: 0.5 }, null]);
    const none = send({ body: '{"partial": true, "rows": [{}, {}]}' });
    expect(none.sent[0]!.body.probabilities).toEqual([null, null]);
  });
});

describe("when a call should be answered, and when it is given up", () => {
  const slo = makeVersion({ sloMs: 50 });

  test("is as the caller says", () => {
    const { send } = createHandPath([slo]);
    const { call } = send({ body: '{"x": 1}', timeoutMs: 30 });
    expect([call.targetMs, call.deadlineMs]).toEqual([call.arrivedMs + 30, call.arrivedMs + 30]);
  });

  test("comes from the version's SLO else", () => {
    const { send } = createHandPath([slo]);
    const { call } = send({ body: '{"x": 1}' });
    expect(call.targetMs).toBeCloseTo(call.arrivedMs + 50, 0);
    expect(call.deadlineMs).toBeGreaterThan(call.targetMs);
  });

  test("leaves a large call the time that its rows take", () => {
    const { send } = createHandPath([slo]);
    const one = send({ body: '{"x": 1}' }).call;
    const many = send({ body: JSON.stringify({ rows: new Array(1000).fill({ x: 1 }) }) }).call;
    expect(many.targetMs - many.arrivedMs).toBeGreaterThan(one.targetMs - one.arrivedMs + 50);
    expect(many.deadlineMs).toBeGreaterThan(many.targetMs);
  });

  test("counts from the arrival, also when the body was long in coming", () => {
    const { send, clock } = createHandPath([slo]);
    const { call } = send({ body: '{"x": 1}', arrivedMs: clock.nowMs - 20, timeoutMs: 30 });
    expect(call.deadlineMs).toBeCloseTo(clock.nowMs + 10, 0);
  });

  test("has passed already when the body took longer than that: nothing is run", () => {
    const { send, clock, submitted } = createHandPath([slo]);
    const { sent } = send({ body: '{"x": 1}', arrivedMs: clock.nowMs - 40, timeoutMs: 30 });
    expect(sent).toMatchObject([{ status: 504, error: { code: "deadline_exceeded" } }]);
    expect(submitted).toEqual([]);
  });

  test("is found by the sweep: the call is answered, and its rows' late answer is dropped", () => {
    const { path, send, run, clock, admission, observed } = createHandPath([slo]);
    const { call, sent } = send({ body: '{"x": 1}', timeoutMs: 30 });
    const late = new ServeError("deadline_exceeded", "the deadline passed");
    admission.sweep(clock.nowMs + 20, (expired) => path.fail(expired, late));
    expect(sent).toEqual([]);
    admission.sweep(clock.nowMs + 31, (expired) => path.fail(expired, late));
    expect(sent).toMatchObject([{ status: 504, error: { code: "deadline_exceeded" } }]);
    run();
    expect(sent).toHaveLength(1);
    expect(observed).toEqual([call]);
    expect(admission.calls).toBe(0);
  });
});

describe("a caller who leaves", () => {
  test("gets nothing, frees the place and is recorded once", () => {
    const { path, send, run, observed, admission } = createHandPath([tiny]);
    const { call, sent } = send({ body: '{"x": 1}' });
    path.abandon(call);
    expect(admission.calls).toBe(0);
    run();
    expect(sent).toEqual([]);
    expect(observed).toEqual([call]);
    expect(call.abandoned).toBe(true);
  });

  test("after the answer changes nothing", () => {
    const { path, send, run, observed, admission } = createHandPath([tiny]);
    const { call, sent } = send({ body: '{"x": 1}' });
    run();
    path.abandon(call);
    path.fail(call, new ServeError("internal", "too late"));
    expect(sent).toMatchObject([{ status: 200 }]);
    expect(observed).toEqual([call]);
    expect(admission.calls).toBe(0);
  });
});

test("a call that fails before its body is there is answered and recorded, and leaves nothing", () => {
  const { path, observed, admission } = createHandPath([tiny]);
  const { call, sent } = makeCall();
  path.fail(call, new ServeError("body_too_large", "too large"));
  expect(sent).toMatchObject([{ status: 413, error: { code: "body_too_large" } }]);
  expect(observed).toEqual([call]);
  expect([admission.calls, admission.bytes]).toEqual([0, 0]);
});
