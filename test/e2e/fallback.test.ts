/**
 * Goal: a bundle's fallback answers over the wire where the model fails or is late, says so, is counted and logged, and
 * is never kept.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { busyWorkers, metric } from "../support/metrics.js";
import { echoModel, lookupModel, type ModelStore, rootModel, spinModel, writeStore } from "../support/model-store.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";
import { linearRule } from "../support/tiny-bundle.js";

const quickly = { interval: 5, timeout: 20_000 };

/** `value` times a factor: of the largest values infinite, which is no answer. */
const timesRule = (coef: number) => linearRule({ feature: "value", coef, intercept: 0 });

let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  store = await writeStore(
    rootModel({ fallback: { kind: "constant", prediction: -1 } }),
    rootModel({
      name: "class",
      labels: ["low", "high"],
      fallback: { kind: "constant", prediction: "low", probabilities: { low: 0.9, high: 0.1 } },
    }),
    lookupModel({ fallback: timesRule(-2) }),
    spinModel({ fallback: timesRule(3), limits: { rows_max: 10_000, body_bytes_max: 2_097_152 } }),
    spinModel({ name: "fragile", fallback: timesRule(1e308) }),
  );
});

afterEach(endServers);

afterAll(async () => {
  await store.remove();
});

const predict = (model: string, body: unknown, headers: Record<string, string> = {}) =>
  post(server.httpPort, `/models/${model}/predict`, body, { headers });

describe("a model that answers no finite number", () => {
  test("is replaced by the constant, with the reason in the answer, a header, the metrics and the log", async () => {
    server = await startServer(store.directory, "--cache-bytes", "1000000");
    for (const id of ["fb-1", "fb-2"]) {
      const answer = await predict("root", { value: -4 }, { "x-request-id": id });
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        prediction: -1,
        fallback: { reason: "model_output_invalid" },
        model: "root",
        version: 1,
        request_id: id,
      });
      expect(answer.headers).toMatchObject({ "x-plumb-fallback": "model_output_invalid", "x-request-id": id });
    }
    expect(await metric(server, "plumb_fallbacks_total", { model: "root", reason: "model_output_invalid" })).toBe(2);
    expect(await metric(server, "plumb_model_faults_total", { model: "root", code: "model_output_invalid" })).toBe(2);
    expect(await metric(server, "plumb_requests_total", { model: "root", result: "fallback" })).toBe(2);
    // Neither was kept: both asked the model.
    expect(await metric(server, "plumb_cache_misses_total", { model: "root" })).toBe(2);
    expect(await metric(server, "plumb_cache_entries", { model: "root" })).toBe(0);
    const line = await server.untilLogged((fields) => fields.request_id === "fb-2");
    expect(line).toMatchObject({ level: "warn", result: "fallback", fallback: "model_output_invalid", status: 200 });
    expect((await ask(server.httpPort, "/models/root")).json.versions[0].fallback).toBe("constant");
  });

  test("of a classifier gets the constant's label and probabilities, for the rows that need them", async () => {
    server = await startServer(store.directory);
    const answer = await predict("class", { rows: [{ value: 4 }, { value: -4 }] });
    expect(answer.json).toMatchObject({
      predictions: ["high", "low"],
      probabilities: [expect.anything(), { low: 0.9, high: 0.1 }],
      fallback: { reason: "model_output_invalid", rows: [1] },
    });
    const good = await predict("class", { value: 4 });
    expect(good.json.fallback).toBeUndefined();
    expect(good.headers["x-plumb-fallback"]).toBeUndefined();
  });
});

test("rows that the model can't be run on are answered by the rule, in ordinary and in large calls", async () => {
  server = await startServer(store.directory);
  const few = await predict("lookup", { rows: [{ value: 5 }, { value: 9999 }] });
  expect(few.json).toMatchObject({ predictions: [5, -19_998], fallback: { reason: "model_failed", rows: [1] } });
  const rows = Array.from({ length: 3000 }, (_, i) => ({ value: i % 500 === 250 ? 1000 + i : i % 200 }));
  const many = await predict("lookup", { rows });
  expect(many.json.fallback).toEqual({ reason: "model_failed", rows: [250, 750, 1250, 1750, 2250, 2750] });
  expect(many.json.predictions).toEqual(rows.map(({ value }) => (value >= 1000 ? -2 * value : value)));
  expect(many.headers["x-plumb-fallback"]).toBe("model_failed");
});

describe("a deadline", () => {
  test("that passes during the run, in the queue, or that can't be kept, is met by the rule", async () => {
    server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
    const running = await predict("spin", { value: 1_500_000 }, { "x-timeout-ms": "100" });
    expect(running.json).toMatchObject({ prediction: 4_500_000, fallback: { reason: "deadline_exceeded" } });
    expect(await busyWorkers(server)).toBe(1);
    const queued = await predict("spin", { rows: [{ value: 1 }, { value: 2 }] }, { "x-timeout-ms": "100" });
    expect(queued.json.predictions).toEqual([3, 6]);
    expect(["deadline_exceeded", "overloaded"]).toContain(queued.json.fallback.reason);
    await expect.poll(() => busyWorkers(server), quickly).toBe(0);
    expect((await predict("spin", { value: 7 })).json).toMatchObject({ prediction: 7 });
    expect(await metric(server, "plumb_calls_in_flight")).toBe(0);
  });

  test("of a large call is met in slices", async () => {
    server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
    const blocking = predict("spin", { value: 1_500_000 }, { "x-timeout-ms": "60000" });
    await expect.poll(() => busyWorkers(server), quickly).toBe(1);
    const rows = Array.from({ length: 8000 }, (_, i) => ({ value: i }));
    const answer = await predict("spin", { rows }, { "x-timeout-ms": "400" });
    expect(answer.status).toBe(200);
    expect(answer.json.predictions).toEqual(rows.map(({ value }) => 3 * value));
    expect(["deadline_exceeded", "overloaded"]).toContain(answer.json.fallback.reason);
    expect((await blocking).json.prediction).toBe(1_500_000);
  });

  test("with a fallback that fails too is the plain error", async () => {
    server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
    const answer = await predict("fragile", { value: 1_500_000 }, { "x-timeout-ms": "100" });
    expect([answer.status, answer.json.error.code]).toEqual([504, "deadline_exceeded"]);
    expect(answer.headers["x-plumb-fallback"]).toBeUndefined();
    expect(await metric(server, "plumb_fallbacks_total", { model: "fragile" })).toBe(0);
    expect(await metric(server, "plumb_requests_total", { model: "fragile", result: "deadline_exceeded" })).toBe(1);
  });
});

test("bad input never falls back", async () => {
  server = await startServer(store.directory);
  for (const [body, status] of [
    ["{", 400],
    ['{"value": "a"}', 422],
    ['{"worth": 1}', 422],
  ] as const) {
    const answer = await predict("root", body);
    expect(answer.status).toBe(status);
    expect(answer.headers["x-plumb-fallback"]).toBeUndefined();
  }
  expect(await metric(server, "plumb_fallbacks_total")).toBe(0);
});

test("a bundle whose fallback names a feature that isn't there is refused, with the feature's name", async () => {
  const rule = timesRule(1);
  rule.preprocessing.inputs = [{ name: "valeu", type: "number" }];
  rule.preprocessing.nodes[0]!.inputs = ["valeu"];
  const broken = await writeStore(rootModel(), rootModel({ version: 2, fallback: rule }));
  try {
    server = await startServer(broken.directory);
    const line = await server.untilLogged((fields) => String(fields.message).startsWith("a bundle is refused"));
    expect(line.message).toMatch(/fallback.*"valeu"/s);
    expect((await predict("root", { value: 4 })).json).toMatchObject({ prediction: 2, version: 1 });
  } finally {
    await broken.remove();
  }
});

test("a version that falls back to the one before is answered for by it, as long as that serves and takes the row", async () => {
  const versions = await writeStore(
    echoModel({ name: "step" }),
    rootModel({ name: "step", version: 2, fallback: { kind: "last_good_version" } }),
    rootModel({ name: "form", labels: ["low", "high"] }),
    rootModel({ name: "form", version: 2, fallback: { kind: "last_good_version" } }),
  );
  try {
    server = await startServer(versions.directory, "--execution", "inline");
    const answer = await predict("step", { rows: [{ value: 9 }, { value: -4 }] });
    expect(answer).toMatchObject({
      status: 200,
      json: { predictions: [3, -4], version: 2, fallback: { reason: "model_output_invalid", rows: [1] } },
    });
    expect(answer.headers).toMatchObject({ "x-plumb-version": "2", "x-plumb-fallback": "model_output_invalid" });
    const isError = { status: 500, json: { error: { code: "model_output_invalid" } } };
    // The one before takes no value below a million, and that of another model gives labels.
    expect(await predict("step", { value: -2_000_000 })).toMatchObject(isError);
    expect(await predict("form", { value: -4 })).toMatchObject(isError);
    expect((await post(server.adminPort, "/models/step/versions/1/unload", "")).status).toBe(200);
    expect(await predict("step", { value: -4 })).toMatchObject(isError);
  } finally {
    await endServers();
    await versions.remove();
  }
});
