/**
 * Goal: what matters is logged, one JSON line each and without a row's values; and whoever reads the log can't hold the
 * server up.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ServeError } from "../../../../server/errors.js";
import { AccessLog, type AccessLogOptions } from "../../../../server/observe/access-log.js";
import { type LogOptions, Logs } from "../../../../server/observe/logs.js";
import { createPath } from "../../../../server/path/predict.js";
import { createHandPath } from "../../../support/hand-path.js";
import { makeRecord } from "../../../support/records.js";
import { makeVersion } from "../../../support/versions.js";

const version = makeVersion({ name: "demand", number: 3, sloMs: 50 });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A log whose reader takes each write when the test says so; `automatic` takes it at once. */
function createRig(options: Partial<LogOptions & AccessLogOptions> = {}, automatic = true) {
  const writes: Buffer[] = [];
  const waiting: (() => void)[] = [];
  const logs = new Logs({
    wallClock: () => new Date("2026-11-22T08:00:00Z"),
    sink: (bytes, done) => {
      writes.push(bytes);
      if (automatic) done(true);
      else waiting.push(() => done(true));
    },
    ...options,
  });
  const accessLog = new AccessLog({
    logs,
    accessLog: "sampled",
    sampleShare: 0.01,
    random: () => 0.5,
    spanOf: () => undefined,
    ...options,
  });
  const text = () => Buffer.concat(writes).toString();
  /** The lines that were written, after a flush. */
  const lines = async () => {
    await accessLog.close();
    await logs.flush(1000);
    return text()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };
  return { logs, accessLog, writes, waiting, text, lines };
}

test("of several processes that write to one pipe, whole lines are written at a time, as many as stay together", async () => {
  const { logs, writes, lines } = createRig({ pieceBytesMax: 400, fields: { process: "2" } });
  for (let i = 0; i < 50; i++) logs.event("info", "é".repeat(i === 30 ? 300 : 20), { i });
  expect((await lines()).map(({ i, process }) => [i, process])).toEqual(Array.from({ length: 50 }, (_, i) => [i, "2"]));
  const texts = writes.map(String);
  expect(texts.every((text) => text.endsWith("\n"))).toBe(true);
  // A line that is longer than that is written alone.
  const long = texts.filter((text) => Buffer.byteLength(text) > 400);
  expect(long.map((text) => text.split("\n").length - 1)).toEqual([1]);
  expect(writes.length).toBeLessThan(50);
});

describe("an event", () => {
  test("is one line of JSON with time, level, message and what belongs to it", async () => {
    const { logs, text, lines } = createRig();
    logs.event("warn", "two\nlines", { model: "demand", count: 2 });
    await lines();
    expect(text()).toBe(
      '{"time":"2026-11-22T08:00:00.000Z","level":"warn","message":"two\\nlines","model":"demand","count":2}\n',
    );
  });

  test("is written soon, without a flush", () => {
    const { logs, text } = createRig();
    logs.event("info", "one");
    logs.event("info", "two");
    vi.advanceTimersByTime(1000);
    expect(text().match(/"message":"\w+"/g)).toEqual(['"message":"one"', '"message":"two"']);
  });
});

describe("an ordinary call", () => {
  test("is logged if it is in the sample", async () => {
    const draws = [0.5, 0.0099, 0.01, 0];
    const { accessLog, lines } = createRig({ random: () => draws.shift()! });
    for (let rows = 1; rows <= 4; rows++) accessLog.onCall(makeRecord({ version, rows }));
    expect((await lines()).map(({ rows }) => rows)).toEqual([2, 4]);
  });

  test("is logged always, or never, if that is wanted", async () => {
    const all = createRig({ accessLog: "all", random: () => 1 });
    const off = createRig({ accessLog: "off", random: () => 0 });
    for (const { accessLog } of [all, off]) accessLog.onCall(makeRecord({ version }));
    expect(await all.lines()).toHaveLength(1);
    expect(await off.lines()).toEqual([]);
  });

  test("is told with what it was, where it ran and what it took", async () => {
    const { accessLog, lines } = createRig({ accessLog: "all" });
    accessLog.onCall(makeRecord({ version, rows: 4 }));
    expect(await lines()).toEqual([
      {
        time: "2026-11-22T08:00:00.000Z",
        level: "info",
        message: "call",
        request_id: "r1",
        model: "demand",
        version: 3,
        result: "ok",
        status: 200,
        rows: 4,
        bytes: 10,
        executor: "inline",
        batch_rows: 4,
        ms: 36,
        queue_ms: 5,
        run_ms: 6,
      },
    ]);
  });

  test("is told with its trace", async () => {
    const { accessLog, lines } = createRig({ accessLog: "all" });
    accessLog.onCall(makeRecord({ version, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }));
    expect(await lines()).toMatchObject([
      { trace_id: "0af7651916cd43dd8448eb211c80319c", parent_span_id: "b7ad6b7169203331" },
    ]);
  });

  test("is told with its own span, in its caller's trace or in one of its own", async () => {
    const [traceId, spanId] = ["0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"];
    const { accessLog, lines } = createRig({ accessLog: "all", spanOf: () => ({ traceId, spanId }) });
    accessLog.onCall(makeRecord({ version, traceparent: `00-${traceId}-b7ad6b7169203331-01` }));
    accessLog.onCall(makeRecord({ version }));
    const [child, root] = await lines();
    expect(child).toMatchObject({ trace_id: traceId, span_id: spanId, parent_span_id: "b7ad6b7169203331" });
    expect(root).toMatchObject({ trace_id: traceId, span_id: spanId });
    expect(root).not.toHaveProperty("parent_span_id");
  });

  test("whose caller left is told as such", async () => {
    const { accessLog, lines } = createRig({ accessLog: "all" });
    accessLog.onCall(makeRecord({ version, abandoned: true }));
    const [line] = await lines();
    expect(line).toMatchObject({ result: "abandoned" });
    expect(line).not.toHaveProperty("status");
  });
});

describe("whatever the sample, even with the access log off", () => {
  test("a call that took longer than its SLO is logged", async () => {
    const { accessLog, lines } = createRig({ accessLog: "off" });
    accessLog.onCall(makeRecord({ version, times: { run: 5 } }));
    accessLog.onCall(makeRecord({ version, times: { run: 50 } }));
    expect(await lines()).toMatchObject([{ level: "warn", message: "slow call", result: "ok", run_ms: 50 }]);
  });

  test("a caller's mistake is logged as a warning, our own as an error with its cause", async () => {
    const { accessLog, lines } = createRig({ accessLog: "off" });
    const cause = new TypeError("x is not a function");
    accessLog.onCall(
      makeRecord({ version: undefined, error: new ServeError("malformed_body", "the body is empty", { cause }) }),
    );
    accessLog.onCall(makeRecord({ version, error: new ServeError("internal", "the server failed", { cause }) }));
    accessLog.onCall(makeRecord({ version, error: new ServeError("model_failed", "no", { cause: "killed" }) }));
    const [theirs, ours, plain] = await lines();
    expect(theirs).toMatchObject({
      level: "warn",
      message: "the body is empty",
      result: "malformed_body",
      status: 400,
    });
    expect(theirs).not.toHaveProperty("cause");
    expect(ours).toMatchObject({
      level: "error",
      result: "internal",
      status: 500,
      cause: expect.stringContaining("TypeError: x is not a function\n    at "),
    });
    expect(plain).toMatchObject({ result: "model_failed", cause: "killed" });
  });
});

test("no line repeats a value that a caller sent", async () => {
  const { accessLog, lines, text } = createRig({ accessLog: "all" });
  const rig = createHandPath([makeVersion()]);
  const path = createPath({ ...rig.parts, observers: [accessLog] });
  const secret = 4_711_815;
  for (const body of [
    `{"x": ${secret}}`,
    `{"x": "${secret}"}`,
    `{"y": ${secret}}`,
    `{"rows": [{"x": 1}, {"x": [${secret}]}, ${secret}]}`,
    `{"x": ${secret}`,
    `{"x": "${secret}" 1}`,
    `"${secret}"`,
    `{"rows": "${secret}"}`,
    `{"rows": [{"x": "${secret}"}], "partial": true}`,
  ]) {
    rig.send({ body }, path);
  }
  rig.run([secret]);
  expect(await lines()).toHaveLength(9);
  expect(text()).not.toContain(String(secret));
});

test("lines that the system doesn't take, as of a disk that is full, are counted", async () => {
  const { logs } = createRig({ sink: (_bytes, done) => done(false) });
  for (let i = 0; i < 3; i++) logs.event("info", "lost");
  await logs.flush(1000);
  expect(logs.dropped).toBe(3);
});

describe("refusals under overload", () => {
  const refused = () => makeRecord({ version, error: "overloaded" });

  test("get a line each up to twenty a second; the others are counted in one", () => {
    const { accessLog, text } = createRig();
    for (let i = 0; i < 500; i++) accessLog.onCall(refused());
    vi.advanceTimersByTime(1100);
    const lines = text()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(21);
    expect(lines.slice(0, 20).every(({ result }) => result === "overloaded")).toBe(true);
    expect(lines[20]).toMatchObject({
      level: "error",
      message: "more calls were refused, without a line for each",
      count: 480,
    });
    accessLog.onCall(refused());
    vi.advanceTimersByTime(1100);
    expect(text().trim().split("\n")).toHaveLength(22);
  });

  test("are counted at the end too", async () => {
    const { accessLog, lines } = createRig();
    for (let i = 0; i < 25; i++) accessLog.onCall(refused());
    expect((await lines()).at(-1)).toMatchObject({ count: 5 });
  });

  test("all get a line where every call is to be logged", async () => {
    const { accessLog, lines } = createRig({ accessLog: "all" });
    for (let i = 0; i < 25; i++) accessLog.onCall(refused());
    expect(await lines()).toHaveLength(25);
  });
});

describe("requests that are refused for their address, verb or framing", () => {
  const error = new ServeError("route_not_found", "nothing is served there");
  const refused = (i: number, method = "GET") => ({ requestId: `r${i}`, error, method, address: `/nope/${i}` });

  test("get a line under their id, with what was asked for", async () => {
    const { accessLog, lines } = createRig({ accessLog: "off" });
    accessLog.onRefusal(refused(7, "M".repeat(5_000)));
    expect(await lines()).toEqual([
      {
        time: "2026-11-22T08:00:00.000Z",
        level: "warn",
        message: "nothing is served there",
        request_id: "r7",
        result: "route_not_found",
        status: 404,
        method: "M".repeat(20),
        address: "/nope/7",
      },
    ]);
  });

  test("get a line each up to twenty a second, those for an unknown model among them; the others are counted in one", () => {
    const { accessLog, text } = createRig();
    for (let i = 0; i < 300; i++) accessLog.onRefusal(refused(i));
    for (let i = 0; i < 200; i++) accessLog.onCall(makeRecord({ version: undefined, error: "model_not_found" }));
    vi.advanceTimersByTime(1100);
    const lines = text()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.slice(0, 20).map(({ request_id }) => request_id)).toEqual(
      Array.from({ length: 20 }, (_, i) => `r${i}`),
    );
    expect(lines.slice(20)).toMatchObject([
      { level: "warn", message: expect.stringMatching(/^more requests were refused/), count: 480 },
    ]);
  });

  test("take no line from calls that are refused as too much", async () => {
    const { accessLog, lines } = createRig();
    for (let i = 0; i < 100; i++) accessLog.onRefusal(refused(i));
    accessLog.onCall(makeRecord({ version, error: "overloaded" }));
    expect((await lines()).map(({ result }) => result)).toContain("overloaded");
  });

  test("all get a line where every call is to be logged", async () => {
    const { accessLog, lines } = createRig({ accessLog: "all" });
    for (let i = 0; i < 100; i++) accessLog.onRefusal(refused(i));
    expect(await lines()).toHaveLength(100);
  });
});

describe("a reader that is slow or gone", () => {
  const line = "x".repeat(1000);

  test("doesn't hold up whoever logs, and gets what there was in the end, in order", async () => {
    const { logs, waiting, writes, lines } = createRig({}, false);
    logs.event("info", "0");
    vi.advanceTimersByTime(1000);
    for (let i = 1; i < 100; i++) logs.event("info", String(i));
    vi.advanceTimersByTime(10_000);
    expect(writes).toHaveLength(1);
    waiting.shift()!();
    expect(writes).toHaveLength(2);
    waiting.shift()!();
    expect((await lines()).map(({ message }) => Number(message))).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(logs.dropped).toBe(0);
  });

  test("costs bounded memory: what is too much is dropped and counted", async () => {
    const { logs, waiting, writes, lines } = createRig({}, false);
    for (let i = 0; i < 5000; i++) logs.event("info", line);
    vi.advanceTimersByTime(1000);
    for (let i = 0; i < 5000; i++) logs.event("info", line);
    expect(logs.dropped).toBeGreaterThan(7000);
    while (waiting.length > 0) waiting.shift()!();
    expect(Math.max(...writes.map(({ length }) => length))).toBeLessThanOrEqual(1_048_576);
    expect(await lines()).toHaveLength(10_000 - logs.dropped);
  });

  test("that comes back gets new lines again", async () => {
    const { logs, waiting, text } = createRig({}, false);
    for (let i = 0; i < 5000; i++) logs.event("info", line);
    const { dropped } = logs;
    vi.advanceTimersByTime(1000);
    while (waiting.length > 0) waiting.shift()!();
    logs.event("info", "news");
    vi.advanceTimersByTime(1000);
    expect(text()).toContain('"message":"news"');
    expect(logs.dropped).toBe(dropped);
  });

  test("keeps a flush waiting no longer than it may", async () => {
    const { logs } = createRig({}, false);
    logs.event("info", "one");
    const flushed = logs.flush(500);
    let isDone = false;
    void flushed.then(() => {
      isDone = true;
    });
    await vi.advanceTimersByTimeAsync(499);
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(2);
    await flushed;
  });

  test("keeps a flush waiting until all is taken, if that is sooner", async () => {
    const { logs, waiting, writes } = createRig({}, false);
    logs.event("info", "one");
    const flushed = logs.flush(1e9);
    logs.event("info", "two");
    waiting.shift()!();
    waiting.shift()!();
    await flushed;
    expect(writes).toHaveLength(2);
  });
});

test("a flush of nothing ends at once", async () => {
  await createRig({}, false).logs.flush(1e9);
});
