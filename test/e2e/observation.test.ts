/** Goal: health, metrics and logs say what happened, all of it, and nothing of what stood in the rows. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { metric, scrape } from "../support/metrics.js";
import { echoModel, lookupModel, lookupSize, type ModelStore, rootModel, writeStore } from "../support/model-store.js";
import { parsePrometheus, sumOf } from "../support/prometheus-text.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  store = await writeStore(echoModel(), rootModel(), lookupModel());
  server = await startServer(store.directory, "--default-model", "echo", "--access-log", "all");
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

describe("health", () => {
  test("is live and ready, on both listeners", async () => {
    for (const port of [server.httpPort, server.adminPort]) {
      expect(await ask(port, "/health/live")).toMatchObject({ status: 200, json: { live: true } });
      expect(await ask(port, "/health/ready")).toMatchObject({ status: 200, json: { ready: true } });
    }
  });
});

describe("metrics", () => {
  test("are Prometheus' text, and stand on the admin listener only", async () => {
    expect((await ask(server.adminPort, "/metrics")).headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    const families = await scrape(server);
    for (const { name, help, samples } of families.values()) {
      expect(help, name).not.toBe("");
      for (const { labels } of samples)
        for (const value of Object.values(labels)) expect(value, name).not.toMatch(/[\s/]/);
    }
    expect(families.get("plumb_request_seconds")!.type).toBe("histogram");
    expect(families.get("plumb_requests_total")!.type).toBe("counter");
    expect(families.has("process_resident_memory_bytes")).toBe(true);
    expect((await ask(server.httpPort, "/metrics")).status).toBe(404);
    expect((await ask(server.adminPort, "/metrics", { method: "POST" })).status).toBe(405);
    expect((await ask(server.adminPort, "/nowhere")).json.error).toMatchObject({ code: "route_not_found", issues: [] });
  });

  test("have every series of every model from the first scrape on", async () => {
    const families = await scrape(server);
    for (const model of ["echo", "root", "lookup"]) {
      for (const name of [
        "plumb_rows_total",
        "plumb_queue_rows",
        "nv_inference_request_success",
        "nv_inference_count",
        "nv_inference_exec_count",
      ]) {
        expect(
          families.get(name)!.samples.some(({ labels }) => labels.model === model && labels.version === "1"),
          `${name} of ${model}`,
        ).toBe(true);
      }
    }
    const triton = [...families.keys()].filter((name) => name.startsWith("nv_inference_"));
    expect(triton.sort()).toEqual([
      "nv_inference_compute_infer_duration_us",
      "nv_inference_compute_input_duration_us",
      "nv_inference_compute_output_duration_us",
      "nv_inference_count",
      "nv_inference_exec_count",
      "nv_inference_pending_request_count",
      "nv_inference_queue_duration_us",
      "nv_inference_request_duration_us",
      "nv_inference_request_failure",
      "nv_inference_request_success",
    ]);
  });

  test("add up to what was asked, by result", async () => {
    const before = await scrape(server);
    const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      post(server.httpPort, path, body, { headers });
    await Promise.all([
      ...Array.from({ length: 20 }, (_, value) => send("/predict", { value })),
      ...Array.from({ length: 3 }, () => send("/models/echo/predict", { rows: [{ value: 1 }, { value: 2 }] })),
      send("/predict", { rows: [{ value: 1 }, {}], partial: true }),
      send("/predict", {}),
      send("/predict", { value: "x" }),
      send("/predict", "no json"),
      send("/predict", { value: 1 }, { "content-type": "text/plain" }),
      send("/predict", " ".repeat(2_000_000)),
      send("/models/root/predict", { value: -1 }),
      send("/models/lookup/predict", { value: lookupSize }),
      send("/models/unheard/predict", { value: 1 }),
    ]);
    const after = await scrape(server);
    const rise = (name: string, labels: Record<string, string> = {}) =>
      sumOf(after, name, labels) - sumOf(before, name, labels);
    const byResult = Object.fromEntries(
      [
        "ok",
        "schema_mismatch",
        "malformed_body",
        "unsupported_media_type",
        "body_too_large",
        "model_output_invalid",
        "model_failed",
        "model_not_found",
      ].map((result) => [result, rise("plumb_requests_total", { result })]),
    );
    expect(byResult).toEqual({
      ok: 24,
      schema_mismatch: 2,
      malformed_body: 1,
      unsupported_media_type: 1,
      body_too_large: 1,
      model_output_invalid: 1,
      model_failed: 1,
      model_not_found: 1,
    });
    expect(rise("plumb_requests_total")).toBe(32);
    expect(rise("plumb_request_seconds_count")).toBe(32);
    expect(rise("plumb_rows_total", { model: "echo" })).toBe(27);
    expect(rise("nv_inference_request_success", { model: "echo" })).toBe(24);
    expect(rise("nv_inference_count", { model: "echo" })).toBe(27);
    expect(rise("nv_inference_request_failure", { model: "root", reason: "BACKEND" })).toBe(1);
    expect(rise("nv_inference_request_failure", { model: "lookup", reason: "BACKEND" })).toBe(1);
    expect(rise("nv_inference_request_failure", { model: "echo", reason: "OTHER" })).toBeGreaterThanOrEqual(2);
    for (const stage of ["decode", "validate", "preprocess", "queue", "run", "postprocess", "reply"]) {
      expect(rise("plumb_stage_seconds_count", { stage, model: "echo" }), stage).toBe(24);
      expect(rise("plumb_stage_seconds_sum", { stage, model: "echo" }), stage).toBeGreaterThanOrEqual(0);
    }
    const batches = rise("plumb_batch_rows_count", { model: "echo" });
    expect(batches).toBeGreaterThan(0);
    expect(batches).toBeLessThanOrEqual(24);
    expect(rise("nv_inference_exec_count", { model: "echo" })).toBe(batches);
  });

  test("take no label from a caller", async () => {
    await post(
      server.httpPort,
      "/models/made-up-4711/predict",
      { value: 1 },
      { headers: { "x-request-id": "id-4711" } },
    );
    const { text } = await ask(server.adminPort, "/metrics");
    expect(text).not.toMatch(/made-up-4711|id-4711/);
  });

  test("are compressed for who takes that", async () => {
    const scraper = await fetch(`http://127.0.0.1:${server.adminPort}/metrics`, {
      headers: { "accept-encoding": "gzip" },
    });
    const text = await scraper.text();
    expect([scraper.headers.get("content-encoding"), scraper.headers.get("vary")]).toEqual(["gzip", "accept-encoding"]);
    expect(Number(scraper.headers.get("content-length"))).toBeLessThan(text.length / 5);
    const plain = await ask(server.adminPort, "/metrics");
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect([...parsePrometheus(text).keys()]).toEqual([...parsePrometheus(plain.text).keys()]);
  });

  test("show what is in flight: nothing, now", async () => {
    const families = await scrape(server);
    expect(sumOf(families, "plumb_ready")).toBe(1);
    for (const name of [
      "plumb_calls_in_flight",
      "plumb_bytes_in_flight",
      "plumb_queue_rows",
      "nv_inference_pending_request_count",
    ])
      expect(sumOf(families, name), name).toBe(0);
    expect(sumOf(families, "plumb_version_ready")).toBe(3);
    expect(sumOf(families, "plumb_pool_workers")).toBeGreaterThanOrEqual(1);
    expect(sumOf(families, "plumb_log_lines_dropped_total")).toBe(0);
  });

  test("count connections as they come and go", async () => {
    await expect.poll(() => metric(server, "plumb_connections"), { interval: 5 }).toBe(0);
  });
});

describe("the log", () => {
  const sent = (id: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    post(server.httpPort, path, body, { headers: { "x-request-id": id, ...headers } });
  const lineOf = (id: string) => server.untilLogged((line) => line.request_id === id);

  test("has one line for a call, with its id, model, version, result and times", async () => {
    await sent("log-ok", "/predict", { rows: [{ value: 1 }, { value: 2 }] });
    const line = await lineOf("log-ok");
    expect(line).toMatchObject({
      level: "info",
      model: "echo",
      version: 1,
      result: "ok",
      status: 200,
      rows: 2,
      bytes: 34,
    });
    expect(new Date(line.time as string).toISOString()).toBe(line.time);
    for (const field of ["ms", "queue_ms", "run_ms"]) expect(line[field]).toEqual(expect.any(Number));
    expect(server.log.filter(({ request_id }) => request_id === "log-ok")).toHaveLength(1);
  });

  test("has one line for every error, with its id and code", async () => {
    const cases: [string, string, unknown, string, number, string][] = [
      ["log-row", "/predict", {}, "schema_mismatch", 422, "warn"],
      ["log-json", "/predict", "{", "malformed_body", 400, "warn"],
      ["log-model", "/models/unheard/predict", { value: 1 }, "model_not_found", 404, "warn"],
      ["log-large", "/predict", " ".repeat(2_000_000), "body_too_large", 413, "warn"],
      ["log-nan", "/models/root/predict", { value: -1 }, "model_output_invalid", 500, "error"],
      ["log-failed", "/models/lookup/predict", { value: lookupSize }, "model_failed", 500, "error"],
    ];
    for (const [id, path, body, code, status, level] of cases) {
      await sent(id, path, body);
      expect(await lineOf(id)).toMatchObject({ level, result: code, status });
    }
  });

  test("has the trace that a valid traceparent names, and ignores an invalid one", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const span = "b7ad6b7169203331";
    await sent("log-trace", "/predict", { value: 1 }, { traceparent: `00-${trace}-${span}-01` });
    expect(await lineOf("log-trace")).toMatchObject({ trace_id: trace, parent_span_id: span });
    const invalid = [
      "x",
      `00-${trace}-${span}`,
      `00-${trace.toUpperCase()}-${span}-01`,
      `00-${"0".repeat(32)}-${span}-01`,
      `00-${trace}-${"0".repeat(16)}-01`,
      `ff-${trace}-${span}-01`,
      `00-${trace}-${span}-01-more`,
      `00-${trace}-${span}-0g`,
    ];
    for (const [i, traceparent] of invalid.entries()) {
      expect((await sent(`log-trace-${i}`, "/predict", { value: 1 }, { traceparent })).status).toBe(200);
      expect(await lineOf(`log-trace-${i}`)).not.toHaveProperty("trace_id");
    }
  });

  test("holds no value of any row, whatever was wrong with it", async () => {
    const marker = 471_147;
    const text = "marker-471147";
    const bodies: [string, unknown][] = [
      ["/predict", { value: marker }],
      ["/predict", { value: text }],
      ["/predict", { value: 1, note: text.repeat(10) }],
      ["/predict", { value: 1, count: marker + 0.5 }],
      ["/predict", { value: 1, flag: text }],
      ["/predict", { value: 1, patient: marker }],
      ["/predict", { value: 1, unknown: text }],
      ["/predict", { rows: [{ value: text }, { value: marker * 1e6 }] }],
      ["/predict", { rows: [{ value: text }, { value: 1 }], partial: true }],
      ["/predict", { rows: text }],
      ["/predict", `{"value":${marker}`],
      ["/predict", `{"value":1} ${text}`],
      ["/predict", `{"note":"${text}","note":"${text}","value":1}`],
      ["/predict", Buffer.from(`{"note":"${text}\xe9","value":1}`, "latin1")],
      ["/models/root/predict", { value: -marker }],
      ["/models/lookup/predict", { value: marker }],
      ["/models/lookup/predict", { rows: [{ value: 1 }, { value: marker }], partial: true }],
    ];
    for (const [i, [path, body]] of bodies.entries()) {
      await sent(`log-value-${i}`, path, body);
      await lineOf(`log-value-${i}`);
    }
    await server.untilLogged(({ message }) => message.startsWith("the model failed on"));
    // A trace id and the like may hold the digits by chance, but hardly the marker with anything of its own round it.
    expect(server.stderr.match(/.*(?:marker-)?471147.*/g) ?? []).toEqual([]);
    expect(server.stdout).not.toContain("471147");
  });

  test("says of a row that breaks the schema which feature it was and what was expected", async () => {
    await sent("log-feature", "/predict", { rows: [{ value: 1 }, { value: "x", count: 0.5 }] });
    expect((await lineOf("log-feature")).message).toMatch(
      /row 1, feature "value": expected a number from -1000000 to 1000000/,
    );
  });

  test("is lines of JSON and nothing else", () => {
    for (const line of server.stderr.trimEnd().split("\n")) {
      expect(JSON.parse(line)).toMatchObject({
        time: expect.any(String),
        level: expect.stringMatching(/^(info|warn|error)$/),
        message: expect.any(String),
      });
    }
  });
});

describe("--access-log", () => {
  test("off leaves out what is in order, and never an error", async () => {
    const quiet = await startServer(store.directory, "--default-model", "echo", "--access-log", "off");
    for (let value = 0; value < 50; value++) await post(quiet.httpPort, "/predict", { value });
    await post(quiet.httpPort, "/predict", {}, { headers: { "x-request-id": "the-error" } });
    await quiet.untilLogged(({ request_id }) => request_id === "the-error");
    expect(quiet.log.filter(({ message }) => message === "call")).toEqual([]);
    await quiet.end();
  });

  test("sampled takes the share that is set", async () => {
    const sampled = await startServer(store.directory, "--default-model", "echo", "--log-sample-share", "0.5");
    for (let value = 0; value < 100; value++) await post(sampled.httpPort, "/predict", { value });
    await sampled.end();
    const logged = sampled.log.filter(({ message }) => message === "call").length;
    // 100 tosses of a coin fall outside of this once in a billion runs.
    expect(logged).toBeGreaterThan(20);
    expect(logged).toBeLessThan(80);
  });

  test("has every call that took longer than the objective, sampled or not", async () => {
    const hasty = await writeStore(echoModel({ sloMs: 0.000_001 }));
    const slow = await startServer(hasty.directory, "--access-log", "off");
    const answer = await post(
      slow.httpPort,
      "/predict",
      { value: 1 },
      { headers: { "x-request-id": "slow", "x-timeout-ms": "10000" } },
    );
    expect(answer.json.prediction).toBe(1);
    expect(await slow.untilLogged(({ request_id }) => request_id === "slow")).toMatchObject({
      level: "warn",
      message: "slow call",
      result: "ok",
    });
    await slow.end();
    await hasty.remove();
  });
});
