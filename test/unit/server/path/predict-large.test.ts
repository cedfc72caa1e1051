/**
 * Goal: a large call takes the steps of a small one, a few slices a turn, and stops when nobody waits for it any more.
 */

import { describe, expect, test } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import type { Call } from "../../../../server/path/call.js";
import type { PredictPath } from "../../../../server/path/predict.js";
import { createHandPath } from "../../../support/hand-path.js";
import { binaryGraph, makeVersion } from "../../../support/versions.js";

const tiny = makeVersion();
const classifier = makeVersion({ name: "spam", postprocessing: binaryGraph(["ham", "spam"]), task: "classification" });
/** On any other colour than these the fitted encoder itself would raise. */
const colours = makeVersion({
  name: "colours",
  schema: {
    type: "object",
    properties: { colour: { type: "string", "x-pii": true } },
    required: ["colour"],
    additionalProperties: false,
  },
  preprocessing: {
    format: "plumb-graph/1",
    inputs: [{ name: "colour", type: "string" }],
    nodes: [
      {
        id: "n1",
        op: "ordinal_encoder",
        inputs: ["colour"],
        params: { categories: [["blue", "red"]], handle_unknown: "error" },
      },
    ],
    outputs: [{ name: "X", dtype: "float32", shape: ["rows", 1], from: ["n1"] }],
  },
});

const numbers = Array.from({ length: 10_000 }, (_, i) => Math.fround(Math.sin(i) * 1000));
const bodyOf = (rows: readonly unknown[], partial = false) => JSON.stringify({ rows, ...(partial && { partial }) });
const large = bodyOf(numbers.map((x) => ({ x })));

describe("a large call", () => {
  test("is taken over several turns, and answered as a small one is", () => {
    const { send, run, turns, submitted, observed, admission } = createHandPath([tiny]);
    const { call, sent } = send({ body: large, requestId: "abc" });
    let turnsTaken = 0;
    for (; submitted.length === 0; turnsTaken++) {
      expect(turns.waiting).toBe(1);
      turns.turn();
    }
    expect(turnsTaken).toBeGreaterThan(20);
    expect(submitted).toEqual([call]);
    expect(call.blocks).toEqual([Float32Array.from(numbers)]);
    expect(admission.calls).toBe(1);
    run();
    expect(sent).toEqual([]);
    turns.untilQuiet();
    expect(sent).toMatchObject([{ status: 200, error: undefined, requestId: "abc" }]);
    expect(sent[0]!.body).toEqual({ predictions: numbers, model: "tiny", version: 1, request_id: "abc" });
    expect([admission.calls, admission.bytes]).toEqual([0, 0]);
    expect(observed).toEqual([call]);
  });

  test("holds no small one up that comes after it", () => {
    const { send, turns, submitted } = createHandPath([tiny]);
    send({ body: large });
    turns.turn();
    const { call } = send({ body: '{"x": 1}' });
    expect(submitted).toEqual([call]);
  });

  test("has a record whose times ascend", () => {
    const { send, run, turns, observed } = createHandPath([tiny]);
    send({ body: large });
    turns.untilQuiet();
    run();
    turns.untilQuiet();
    const { arrivedMs, startedMs, decodedMs, validatedMs, preprocessedMs, postprocessedMs, finishedMs, rowCount } =
      observed[0]!;
    const times = [arrivedMs, startedMs, decodedMs, validatedMs, preprocessedMs, postprocessedMs, finishedMs];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(times).size).toBe(times.length);
    expect(rowCount).toBe(numbers.length);
  });

  test("lets go of its body and its rows before it runs, but not of their number", () => {
    const { send, turns, submitted } = createHandPath([tiny]);
    send({ body: large });
    turns.untilQuiet();
    const { body, rows, goodRows } = submitted[0]!;
    expect([body.length, rows.length, goodRows.length]).toEqual([0, 10_000, 0]);
    expect(Object.values(rows)).toEqual([]);
  });

  test("has bytes of its own, unless the transport's last", () => {
    const { send, run, turns } = createHandPath([tiny]);
    const body = Buffer.from(large);
    const { sent } = send({ body });
    body.fill(0);
    turns.untilQuiet();
    run();
    turns.untilQuiet();
    expect(sent[0]!.body.predictions).toEqual(numbers);

    const lasting = Buffer.from(large);
    const { call } = send({ body: lasting, bodyLasts: true });
    expect(call.body).toBe(lasting);
  });

  test("may be one row", () => {
    const { send, run, turns } = createHandPath([tiny]);
    const { sent } = send({ body: `{"x": 7${" ".repeat(40_000)}}` });
    turns.untilQuiet();
    run();
    turns.untilQuiet();
    expect(sent[0]!.body.prediction).toBe(7);
  });

  test("is one of many rows though its body is small", () => {
    const { send, turns, submitted } = createHandPath([tiny]);
    send({ body: bodyOf(Array(1024).fill({ x: 1 })) });
    expect(submitted).toHaveLength(1);
    send({ body: bodyOf(Array(1025).fill({ x: 1 })) });
    expect(submitted).toHaveLength(1);
    turns.untilQuiet();
    expect(submitted).toHaveLength(2);
  });

  test("of two is the first to be decoded if it came first", () => {
    const { send, turns, submitted } = createHandPath([tiny]);
    const first = send({ body: large });
    const second = send({ body: large });
    while (submitted.length === 0) turns.turn();
    expect(submitted).toEqual([first.call]);
    turns.untilQuiet();
    expect(submitted).toEqual([first.call, second.call]);
  });

  test("is refused by its content type at once", () => {
    const { send } = createHandPath([tiny]);
    expect(send({ body: large, contentType: "text/csv" }).sent[0]!.status).toBe(415);
  });
});

describe("a large call that nobody waits for", () => {
  const drop = {
    left: (path: PredictPath, call: Call) => path.abandon(call),
    failed: (path: PredictPath, call: Call) => path.fail(call, new ServeError("deadline_exceeded", "too late")),
  };

  test.each(["left", "failed"] as const)("because it %s while it was read does no more work", (how) => {
    const { send, path, turns, submitted, observed, admission } = createHandPath([tiny]);
    const { call, sent } = send({ body: large });
    turns.turn();
    drop[how](path, call);
    expect([admission.calls, admission.bytes]).toEqual([0, 0]);
    turns.turn();
    expect(turns.waiting).toBe(0);
    expect(submitted).toEqual([]);
    expect(sent).toHaveLength(how === "left" ? 0 : 1);
    expect(observed).toEqual([call]);
  });

  test.each(["left", "failed"] as const)("because it %s while it was answered does no more work", (how) => {
    const { send, path, turns, run, observed } = createHandPath([tiny]);
    const { call, sent } = send({ body: large });
    turns.untilQuiet();
    run();
    turns.turn();
    drop[how](path, call);
    turns.turn();
    expect(turns.waiting).toBe(0);
    expect(sent).toHaveLength(how === "left" ? 0 : 1);
    expect(observed).toEqual([call]);
  });

  test("has a deadline from the first, by the most rows that it may have, and then by those that it has", () => {
    const { send, turns, submitted } = createHandPath([makeVersion({ rowsMax: 9000, sloMs: 200 })]);
    const { call } = send({ body: bodyOf(Array(5000).fill({ x: 1 })), arrivedMs: 1000 });
    expect(call.deadlineMs).toBe(1000 + 5 * (200 + 900));
    turns.untilQuiet();
    expect(submitted[0]!.deadlineMs).toBe(1000 + 5 * (200 + 500));
  });

  test("is answered 504 when its own time is over while it is read", () => {
    const { send, path, clock, admission, turns } = createHandPath([tiny]);
    const { sent } = send({ body: large, timeoutMs: 5 });
    turns.turn();
    clock.advance(5);
    admission.sweep(clock.nowMs, (call) => path.fail(call, new ServeError("deadline_exceeded", "too late")));
    turns.untilQuiet();
    expect(sent.map(({ status }) => status)).toEqual([504]);
  });

  test("has failed if its model has", () => {
    const { send, turns, submitted } = createHandPath([tiny]);
    const { sent } = send({ body: large });
    turns.untilQuiet();
    const call = submitted.shift()!;
    call.error = new ServeError("model_failed", "the worker died, twice");
    call.onRun(call);
    turns.untilQuiet();
    expect(sent.map(({ status }) => status)).toEqual([500]);
  });
});

describe("of ten thousand bad rows", () => {
  const send = (version: typeof tiny, rows: readonly unknown[], partial: boolean) => {
    const path = createHandPath([version]);
    const made = path.send({ body: bodyOf(rows, partial) });
    path.turns.untilQuiet();
    return { ...path, ...made };
  };
  const bad = { schema: numbers.map(() => ({ y: 1 })), graph: numbers.map(() => ({ colour: "green" })) };

  test("a hundred issues are listed", () => {
    const { status, body } = send(tiny, bad.schema, false).sent[0]!;
    expect([status, body.error.code, body.error.issues.length]).toEqual([422, "schema_mismatch", 100]);
    expect(body.error.message).toMatch(/^row 0, .* \(and 9999 more bad rows\)$/);
  });

  test("a hundred issues are listed if the graph refuses them, without a personal value", () => {
    const { status, body, text } = send(colours, bad.graph, false).sent[0]!;
    expect([status, body.error.code, body.error.issues.length]).toEqual([422, "row_refused", 100]);
    expect(body.error.message).toMatch(/^row 0, .* \(and 9999 more bad rows\)$/);
    expect(text).not.toContain("green");
  });

  test.each([
    ["the schema", tiny, bad.schema, "schema_mismatch"],
    ["the graph", colours, bad.graph, "row_refused"],
  ] as const)(
    "a partial request names each, and explains those that %s refuses as far as a reply goes",
    (_, version, rows, code) => {
      const { body, status, text } = send(version, rows, true).sent[0]!;
      expect(status).toBe(200);
      expect(body.predictions).toEqual(numbers.map(() => null));
      expect(body.errors.map((error: { row: number }) => error.row)).toEqual([...numbers.keys()]);
      expect(new Set(body.errors.map((error: { code: string }) => error.code))).toEqual(new Set([code]));
      const explained = body.errors.filter(({ issues }: { issues: unknown[] }) => issues.length > 0).length;
      expect(explained).toBeGreaterThan(1000);
      expect(explained).toBeLessThan(10_000);
      expect(body.errors.slice(0, explained).every(({ issues }: { issues: unknown[] }) => issues.length > 0)).toBe(
        true,
      );
      expect(text.length).toBeLessThan(3_000_000);
    },
  );

  test("a partial request says of each that the model has no answer to it, and why", () => {
    const { turns, submitted, sent } = send(
      classifier,
      numbers.map((x) => ({ x })),
      true,
    );
    const call = submitted.shift()!;
    call.raw = [new Float32Array(10_000).fill(Number.NaN)];
    call.failedRows = numbers.flatMap((_, row) => (row % 2 === 0 ? [row] : []));
    call.onRun(call);
    turns.untilQuiet();
    const { body } = sent[0]!;
    expect([body.predictions, body.probabilities]).toEqual([numbers.map(() => null), numbers.map(() => null)]);
    expect(body.errors.map(({ code }: { code: string }) => code)).toEqual(
      numbers.map((_, row) => (row % 2 === 0 ? "model_failed" : "model_output_invalid")),
    );
  });
});
