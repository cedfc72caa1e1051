/**
 * Goal: a fallback answers where the model fails or is late, for good rows only, and says so; one that fails is the
 * plain error.
 */

import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { createPath } from "../../../../server/path/predict.js";
import { createHandPath } from "../../../support/hand-path.js";
import { linearRule } from "../../../support/tiny-bundle.js";
import { binaryGraph, makeVersion } from "../../../support/versions.js";

const constant = makeVersion({ name: "constant", fallback: { kind: "constant", prediction: 52.5 } });

/** Twice the number and a half; for the largest ones that is infinite, and no answer. */
const ruleGraphs = linearRule({ feature: "x", coef: 2, intercept: 0.5 });
const rule = makeVersion({ name: "rule", fallback: ruleGraphs });
const classifier = makeVersion({
  name: "spam",
  task: "classification",
  postprocessing: binaryGraph(["ham", "spam"]),
  fallback: { kind: "constant", prediction: "ham", probabilities: { ham: 0.75, spam: 0.25 } },
});
const tail = (model: string) => `"model":"${model}","version":1,"request_id":"r1"}`;

function expire(rig: ReturnType<typeof createHandPath>, afterMs = 10_000): void {
  rig.clock.advance(afterMs);
  rig.admission.sweep(rig.clock.nowMs, (call) =>
    rig.path.fail(call, new ServeError("deadline_exceeded", "the deadline passed before the answer was ready")),
  );
}

describe("a call whose deadline passes in the queue", () => {
  test("is answered by the constant, with the reason", () => {
    const rig = createHandPath([constant]);
    const { call, sent } = rig.send({ body: '{"x": 1}' });
    expire(rig);
    expect(sent).toMatchObject([
      {
        status: 200,
        text: `{"prediction":52.5,"fallback":{"reason":"deadline_exceeded"},${tail("constant")}`,
        error: undefined,
      },
    ]);
    expect(call.fallback).toBe("deadline_exceeded");
    rig.run([7]);
    expect(sent).toHaveLength(1);
    expect([rig.admission.calls, rig.observed.length]).toEqual([0, 1]);
  });

  test("is answered by the rule, row by row", () => {
    const rig = createHandPath([rule]);
    const { sent } = rig.send({ body: '{"rows": [{"x": 1}, {"x": -3}]}' });
    expire(rig);
    expect(sent).toMatchObject([
      { status: 200, text: `{"predictions":[2.5,-5.5],"fallback":{"reason":"deadline_exceeded"},${tail("rule")}` },
    ]);
  });

  test("of a classifier gets a label and its probabilities", () => {
    const rig = createHandPath([classifier]);
    const { sent } = rig.send({ body: '{"x": 1}' });
    expire(rig);
    expect(sent[0]!.body).toMatchObject({
      prediction: "ham",
      probabilities: { ham: 0.75, spam: 0.25 },
      fallback: { reason: "deadline_exceeded" },
    });
  });

  test("of a partial request gets answers for the good rows and errors for the bad ones", () => {
    const rig = createHandPath([rule]);
    const { sent } = rig.send({ body: '{"partial": true, "rows": [{"x": 1}, {"x": "a"}, {"x": 2}]}' });
    expire(rig);
    expect(sent[0]!.body).toMatchObject({
      predictions: [2.5, null, 4.5],
      errors: [{ row: 1, code: "schema_mismatch" }],
      fallback: { reason: "deadline_exceeded" },
    });
  });

  test.each([
    ["constant", constant, 52.5],
    ["rule", rule, 2.5],
  ])("is answered by the %s in slices if it is large, once", (_, version, first) => {
    const rig = createHandPath([version]);
    const rows = Array.from({ length: 5000 }, () => ({ x: 1 }));
    const { call, sent } = rig.send({ body: JSON.stringify({ rows }) });
    while (rig.submitted.length === 0) rig.turns.turn();
    expire(rig);
    expect(sent).toHaveLength(0);
    // What ran meanwhile is for nobody, and neither does the deadline pass again.
    rig.run(new Array(5000).fill(9));
    expire(rig);
    while (sent.length === 0) rig.turns.turn();
    expect(sent[0]!.body.predictions).toEqual(new Array(5000).fill(first));
    expect(sent[0]!.body.fallback).toEqual({ reason: "deadline_exceeded" });
    rig.turns.untilQuiet();
    expect([sent.length, rig.observed.length, call.error]).toEqual([1, 1, undefined]);
  });
});

test("a call that is refused because it would be late falls back too", () => {
  const rig = createHandPath([constant]);
  const scheduler = {
    submit() {
      throw new ServeError("overloaded", "900 rows wait before this call");
    },
    isRefusing: () => false,
    refusal: () => undefined,
    expect() {},
    expectNoMore() {},
    ended() {},
  };
  const { sent } = rig.send({ body: '{"x": 1}' }, createPath({ ...rig.parts, scheduler }));
  expect(sent).toMatchObject([{ status: 200, body: { prediction: 52.5, fallback: { reason: "overloaded" } } }]);
});

test("a call whose worker died falls back, and counts as the model's fault", () => {
  const rig = createHandPath([constant]);
  const { call, sent } = rig.send({ body: '{"x": 1}' });
  call.error = new ServeError("model_failed", "the worker that ran this call died, twice");
  rig.run([1]);
  expect(sent).toMatchObject([{ status: 200, body: { prediction: 52.5, fallback: { reason: "model_failed" } } }]);
  expect([call.error, call.modelFault]).toEqual([undefined, "model_failed"]);
});

describe("rows that the model fails on", () => {
  test("are answered by the fallback, and named; the others by the model", () => {
    const rig = createHandPath([rule]);
    const { call, sent } = rig.send({ body: '{"rows": [{"x": 1}, {"x": 2}, {"x": 3}]}' });
    rig.run([10, Number.NaN, 30], [2]);
    expect(sent).toMatchObject([
      {
        status: 200,
        text: `{"predictions":[10,4.5,6.5],"fallback":{"reason":"model_output_invalid","rows":[1,2]},${tail("rule")}`,
      },
    ]);
    expect(call.modelFault).toBe("model_output_invalid");
  });

  test("are named by their place in the request, among bad rows too", () => {
    const rig = createHandPath([rule]);
    const { sent } = rig.send({ body: '{"partial": true, "rows": [{"y": 1}, {"x": 2}, {"x": 3}]}' });
    rig.run([10, Number.POSITIVE_INFINITY]);
    expect(sent[0]!.body).toMatchObject({
      predictions: [null, 10, 6.5],
      errors: [{ row: 0 }],
      fallback: { reason: "model_output_invalid", rows: [2] },
    });
  });

  test("need not be named where it is all of them", () => {
    const rig = createHandPath([classifier]);
    const { sent } = rig.send({ body: '{"rows": [{"x": 1}, {"x": 2}]}' });
    rig.run([1, 2], [0, 1]);
    expect(sent[0]!.body).toMatchObject({ predictions: ["ham", "ham"], fallback: { reason: "model_failed" } });
    expect(sent[0]!.body.probabilities).toEqual(new Array(2).fill({ ham: 0.75, spam: 0.25 }));
    expect(sent[0]!.body.fallback.rows).toBeUndefined();
  });

  test("of a large request are answered in slices", () => {
    const rig = createHandPath([rule]);
    const rows = Array.from({ length: 5000 }, (_, i) => ({ x: i }));
    const { sent } = rig.send({ body: JSON.stringify({ rows }) });
    while (rig.submitted.length === 0) rig.turns.turn();
    rig.run(
      rows.map((_, i) => (i % 1000 === 7 ? Number.NaN : 1)),
      [4999],
    );
    while (sent.length === 0) rig.turns.turn();
    const { predictions, fallback } = sent[0]!.body;
    expect(fallback).toEqual({ reason: "model_output_invalid", rows: [7, 1007, 2007, 3007, 4007, 4999] });
    expect([predictions[7], predictions[8], predictions[4999]]).toEqual([14.5, 1, 9998.5]);
  });
});

describe("a fallback that fails is the plain error", () => {
  test("of the whole call", () => {
    const rig = createHandPath([rule]);
    const { call, sent } = rig.send({ body: '{"x": 1e308}' });
    expire(rig);
    expect(sent).toMatchObject([{ status: 504, body: { error: { code: "deadline_exceeded" } } }]);
    expect([call.fallback, call.error!.code, rig.observed.length]).toEqual([undefined, "deadline_exceeded", 1]);
  });

  test("of a large call, found in a later slice", () => {
    const rig = createHandPath([rule]);
    const rows = Array.from({ length: 5000 }, (_, i) => ({ x: i === 4000 ? 1e308 : i }));
    const { sent } = rig.send({ body: JSON.stringify({ rows }) });
    while (rig.submitted.length === 0) rig.turns.turn();
    expire(rig);
    while (sent.length === 0) rig.turns.turn();
    expect(sent).toMatchObject([{ status: 504, body: { error: { code: "deadline_exceeded" } } }]);
  });

  test("of a row", () => {
    const rig = createHandPath([rule]);
    const { sent, call } = rig.send({ body: '{"rows": [{"x": 1}, {"x": 1e308}]}' });
    rig.run([Number.NaN, Number.NaN]);
    expect(sent).toMatchObject([{ status: 500, body: { error: { code: "model_output_invalid" } } }]);
    expect(call.fallback).toBeUndefined();
  });

  test("of a row of a partial request, which has its error then", () => {
    const rig = createHandPath([rule]);
    const { sent } = rig.send({ body: '{"partial": true, "rows": [{"x": 1}, {"x": 1e308}]}' });
    rig.run([Number.NaN, Number.NaN]);
    expect(sent[0]!.body).toMatchObject({
      predictions: [2.5, null],
      errors: [{ row: 1, code: "model_output_invalid" }],
      fallback: { reason: "model_output_invalid", rows: [0] },
    });
  });
});

describe("no fallback answers for", () => {
  const send = (body: string, version = constant) => createHandPath([version]).send({ body }).sent;

  test.each([
    ["a body that is no JSON", "{", 400],
    ["a row that breaks the schema", '{"x": "a"}', 422],
    ["too many rows", JSON.stringify({ rows: new Array(10_001).fill({ x: 1 }) }), 422],
  ])("%s", (_, body, status) => {
    const rig = createHandPath([constant]);
    const { sent } = rig.send({ body });
    while (sent.length === 0) rig.turns.turn();
    expect(sent).toMatchObject([{ status }]);
  });

  test("a version that isn't ready: its proof has to see failures", () => {
    const proving = makeVersion({ state: "proving", fallback: { kind: "constant", prediction: 1 } });
    expect(proving.fallback).toBeUndefined();
    expect(send('{"x": 1}', proving)).toMatchObject([{ status: 503, body: { error: { code: "not_ready" } } }]);
  });

  test("a fault of the server's own", () => {
    const rig = createHandPath([constant]);
    const { call, sent } = rig.send({ body: '{"x": 1}' });
    rig.path.fail(call, new Error("a bug"));
    expect(sent).toMatchObject([{ status: 500, body: { error: { code: "internal" } } }]);
  });

  test("a call whose rows weren't checked when its deadline passed", () => {
    const rig = createHandPath([constant]);
    const rows = Array.from({ length: 5000 }, () => ({ x: "bad" }));
    const { sent } = rig.send({ body: JSON.stringify({ rows }) });
    expire(rig);
    expect(sent).toMatchObject([{ status: 504 }]);
  });
});
