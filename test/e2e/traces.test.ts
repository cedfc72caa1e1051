/**
 * Goal: a collector is told of sampled calls, where they were and what became of them, in OpenTelemetry's own terms.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Asked, post } from "../support/http-client.js";
import { busyWorkers, metric } from "../support/metrics.js";
import {
  echoModel,
  lookupModel,
  lookupSize,
  type ModelStore,
  rootModel,
  spinModel,
  writeStore,
} from "../support/model-store.js";
import type { SentSpan } from "../support/otlp-message.js";
import { OtlpReceiver } from "../support/otlp-receiver.js";
import { sendTo, startWith } from "../support/otlp-servers.js";
import { endServers, type ServerProcess } from "../support/server-process.js";

const allStages = ["decode", "validate", "preprocess", "queue", "run", "postprocess", "reply"];
const traceId = "0af7651916cd43dd8448eb211c80319c";
const callersSpan = "b7ad6b7169203331";
/** A day: no estimate of a busy machine's refuses a call for that. */
const patiently = { "x-timeout-ms": "86400000" };
/** Rounds of the slow model that last about a second. */
const slow = { value: 1_000_000 };
const quickly = { interval: 5, timeout: 20_000 };

let store: ModelStore;
beforeAll(async () => {
  store = await writeStore(
    echoModel({ limits: { rows_max: 10_000, body_bytes_max: 2_097_152 } }),
    rootModel({ fallback: { kind: "constant", prediction: -1 } }),
    lookupModel(),
    spinModel(),
  );
});
afterAll(async () => {
  await endServers();
  await store.remove();
});

function send(
  { httpPort }: ServerProcess,
  id: string,
  path: string,
  body: unknown,
  asked: Asked = {},
): Promise<Answer> {
  return post(httpPort, path, body, { ...asked, headers: { "x-request-id": id, ...asked.headers } });
}

describe("every call", () => {
  let collector: OtlpReceiver;
  let server: ServerProcess;
  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    const flags = [
      "--default-model",
      "echo",
      "--trace-sample-share",
      "1",
      "--access-log",
      "all",
      "--cache-bytes",
      "1000000",
    ];
    server = await startWith(
      sendTo(collector.endpoint),
      store.directory,
      ...flags,
      "--execution",
      "pool",
      "--workers",
      "1",
    );
  });
  afterAll(async () => {
    await server.end();
    await collector.stop();
  });

  /**
   * The trace of a call, after what holds of each: one service, one trace, stages in order inside of the server's span.
   */
  async function traceOf(id: string): Promise<{ root: SentSpan; names: string[]; stages: SentSpan[] }> {
    const [root, ...stages] = await collector.trace(id);
    expect(root).toMatchObject({ kind: "server", scope: "plumb", statusMessage: "" });
    expect(root.spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
    expect(root.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
    let atNs = root.startNs;
    for (const stage of stages) {
      expect(stage).toMatchObject({
        traceId: root.traceId,
        parentSpanId: root.spanId,
        kind: "internal",
        resource: root.resource,
      });
      expect(stage.startNs).toBeGreaterThanOrEqual(atNs);
      expect(stage.endNs).toBeGreaterThanOrEqual(stage.startNs);
      atNs = stage.endNs;
    }
    expect(root.endNs).toBeGreaterThanOrEqual(atNs);
    expect(new Set([root, ...stages].map(({ spanId }) => spanId)).size).toBe(1 + stages.length);
    return { root, stages, names: stages.map(({ name }) => name) };
  }

  test("has a span, and one for each of its stages, at the time that it was", async () => {
    const beforeMs = Date.now();
    await send(server, "ok", "/predict", { rows: [{ value: 1 }, { value: 2 }] });
    const { root, names } = await traceOf("ok");
    const afterMs = Date.now();
    expect(names).toEqual(allStages);
    expect(root).toMatchObject({ name: "POST /predict", parentSpanId: "", traceState: "", status: "unset" });
    expect(root.attributes).toEqual({
      "http.request.method": "POST",
      "http.route": "/predict",
      "url.path": "/predict",
      "url.scheme": "http",
      "network.protocol.version": "1.1",
      "http.request.body.size": 34,
      "http.response.status_code": 200,
      "plumb.request_id": "ok",
      "plumb.model": "echo",
      "plumb.version": 1,
      "plumb.result": "ok",
      "plumb.rows": 2,
      "plumb.batch_rows": 2,
      "plumb.executor": "pool",
    });
    // The wall clock is read in whole milliseconds.
    expect(root.startNs).toBeGreaterThanOrEqual(BigInt(beforeMs - 1) * 1_000_000n);
    expect(root.endNs).toBeLessThanOrEqual(BigInt(afterMs + 2) * 1_000_000n);
  });

  test("is told of by a service with a name, a version and an instance", async () => {
    const { resource } = (await traceOf("ok")).root;
    expect(resource).toMatchObject({
      "service.name": "plumb",
      "telemetry.sdk.name": "opentelemetry",
      "telemetry.sdk.language": "nodejs",
    });
    expect(resource["service.version"]).toMatch(/^\d+\.\d+\.\d+/);
    expect(resource["service.instance.id"]).toMatch(/^[0-9a-f-]{36}$/);
    for (const { path, headers } of collector.received) {
      expect(path).toBe("/v1/traces");
      expect(headers["content-type"]).toBe("application/x-protobuf");
    }
  });

  test("has its trace in the log, as the collector knows it", async () => {
    const { root } = await traceOf("ok");
    const line = await server.untilLogged(({ request_id }) => request_id === "ok");
    expect(line).toMatchObject({ trace_id: root.traceId, span_id: root.spanId });
    expect(line).not.toHaveProperty("parent_span_id");
  });

  test("continues its caller's trace, state included, and the log says so", async () => {
    const headers = { traceparent: `00-${traceId}-${callersSpan}-01`, tracestate: ["vendor=a1", "ot=th:8"] };
    await send(server, "child", "/models/echo/predict", { value: 17 }, { headers });
    const { root, names } = await traceOf("child");
    expect(root).toMatchObject({
      name: "POST /models/{model}/predict",
      traceId,
      parentSpanId: callersSpan,
      traceState: "vendor=a1,ot=th:8",
    });
    expect(names).toEqual(allStages);
    expect(await server.untilLogged(({ request_id }) => request_id === "child")).toMatchObject({
      trace_id: traceId,
      span_id: root.spanId,
      parent_span_id: callersSpan,
    });
  });

  test("whose caller isn't sampled is left out", async () => {
    await send(
      server,
      "unsampled",
      "/predict",
      { value: 1 },
      { headers: { traceparent: `00-${traceId}-${callersSpan}-00` } },
    );
    await send(server, "after", "/predict", { value: 1 });
    await traceOf("after");
    // Spans go in the order of their calls.
    expect(collector.spans.map(({ attributes }) => attributes["plumb.request_id"])).not.toContain("unsampled");
    const line = await server.untilLogged(({ request_id }) => request_id === "unsampled");
    expect(line).toMatchObject({ trace_id: traceId, parent_span_id: callersSpan });
    expect(line).not.toHaveProperty("span_id");
  });

  test("begins a trace of its own where the caller's isn't valid", async () => {
    await send(
      server,
      "invalid",
      "/predict",
      { value: 1 },
      { headers: { traceparent: `00-${traceId}-${callersSpan}`, tracestate: "a=1" } },
    );
    const { root } = await traceOf("invalid");
    expect(root).toMatchObject({ parentSpanId: "", traceState: "" });
    expect(root.traceId).not.toBe(traceId);
  });

  test.each<[string, string, unknown, number, string[]]>([
    ["schema_mismatch", "/predict", { value: "4711" }, 422, ["decode", "validate"]],
    ["malformed_body", "/predict", '{"value": 4711', 400, ["decode"]],
    ["model_not_found", "/models/unheard/predict", { value: 4711 }, 404, []],
    ["model_failed", "/models/lookup/predict", { value: lookupSize + 4711 }, 500, allStages.slice(0, 6)],
  ])(
    "that ends with %s ends in the stage that it failed in, and repeats no value",
    async (code, path, body, status, expected) => {
      await send(server, code, path, body);
      const { root, names } = await traceOf(code);
      expect(names).toEqual(expected);
      expect(root.attributes).toMatchObject({ "http.response.status_code": status, "plumb.result": code });
      expect(root.status).toBe(status >= 500 ? "error" : "unset");
      expect(root.attributes["error.type"]).toBe(status >= 500 ? code : undefined);
      expect(Object.values(root.attributes).join()).not.toContain("4711");
    },
  );

  test("that came too late says how far it came", async () => {
    const answer = await send(server, "late", "/models/spin/predict", slow, { headers: { "x-timeout-ms": "200" } });
    expect(answer.status).toBe(504);
    const { root, names } = await traceOf("late");
    expect(names).toEqual(["decode", "validate", "preprocess", "queue"]);
    expect(root).toMatchObject({ status: "error", attributes: { "error.type": "deadline_exceeded" } });
  });

  test("whose caller left says so", async () => {
    await expect.poll(() => busyWorkers(server), quickly).toBe(0);
    const leaving = new AbortController();
    const asked = send(server, "left", "/models/spin/predict", slow, { headers: patiently, signal: leaving.signal });
    const failed = expect(asked).rejects.toThrow();
    await expect.poll(() => busyWorkers(server), quickly).toBe(1);
    leaving.abort();
    await failed;
    const { root } = await traceOf("left");
    expect(root).toMatchObject({ status: "unset", attributes: { "plumb.result": "abandoned" } });
    expect(root.attributes).not.toHaveProperty("http.response.status_code");
  });

  test("that the fallback answers says why", async () => {
    expect((await send(server, "fallback", "/models/root/predict", { value: -1 })).json.prediction).toBe(-1);
    const { root, names } = await traceOf("fallback");
    expect(names.slice(0, 5)).toEqual(allStages.slice(0, 5));
    expect(root).toMatchObject({
      status: "unset",
      attributes: {
        "plumb.fallback": "model_output_invalid",
        "plumb.result": "fallback",
        "http.response.status_code": 200,
      },
    });
  });

  test("that is answered from the cache says so, and ran nowhere", async () => {
    for (const id of ["first", "again"]) await send(server, id, "/predict", { value: 99 });
    expect((await traceOf("first")).names).toEqual(allStages);
    const { root, names } = await traceOf("again");
    expect(names).toEqual(["decode", "validate", "reply"]);
    expect(root.attributes).toMatchObject({ "plumb.cached": true, "plumb.result": "ok" });
    expect(root.attributes).not.toHaveProperty("plumb.executor");
  });

  test("that is answered in part says how many rows were bad; without a good one nothing ran", async () => {
    await send(server, "partial", "/predict", { rows: [{ value: 1 }, {}, { value: 3 }], partial: true });
    const partial = await traceOf("partial");
    expect(partial.names).toEqual(allStages);
    expect(partial.root.attributes).toMatchObject({ "plumb.rows": 2, "plumb.row_errors": 1, "plumb.result": "ok" });
    await send(server, "none-good", "/predict", { rows: [{}], partial: true });
    expect((await traceOf("none-good")).names).toEqual(["decode", "validate", "preprocess", "postprocess", "reply"]);
  });

  test("of many rows has its stages too, though it takes them in slices and batches", async () => {
    const rows = Array.from({ length: 10_000 }, (_, value) => ({ value }));
    expect((await send(server, "large", "/predict", { rows }, { headers: patiently })).status).toBe(200);
    const { root, names } = await traceOf("large");
    expect(names).toEqual(allStages);
    expect(root.attributes).toMatchObject({
      "plumb.rows": 10_000,
      "http.request.body.size": JSON.stringify({ rows }).length,
    });
  });

  test("is all that is traced: no health, no metrics, no list of models", async () => {
    for (const { name } of collector.spans) expect(name).toMatch(/^POST |^[a-z]+$/);
    expect(await metric(server, "plumb_trace_spans_dropped_total")).toBe(0);
    expect(server.log.filter(({ message }) => message.startsWith("traces:"))).toEqual([]);
  });
});

describe("the share", () => {
  async function tracesOf(
    calls: number,
    flags: readonly string[],
    environment: Record<string, string> = {},
  ): Promise<number> {
    const collector = await OtlpReceiver.start();
    const server = await startWith(
      { ...sendTo(collector.endpoint), ...environment },
      store.directory,
      "--default-model",
      "echo",
      ...flags,
    );
    for (let value = 0; value < calls; value++) {
      await send(server, `own-${value}`, "/predict", { value });
      if (value % 10 === 0) {
        await send(
          server,
          `their-${value}`,
          "/predict",
          { value },
          { headers: { traceparent: `00-${traceId}-${callersSpan}-01` } },
        );
      }
    }
    expect((await server.end()).code).toBe(0);
    await collector.stop();
    const ids = collector.spans.flatMap(({ kind, attributes }) =>
      kind === "server" ? [String(attributes["plumb.request_id"])] : [],
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => id.startsWith("their"))).toHaveLength(calls / 10);
    return ids.length - calls / 10;
  }

  test("0 is none but those whose caller wants it", async () => {
    expect(await tracesOf(100, ["--trace-sample-share", "0"])).toBe(0);
  });

  test("1 is all", async () => {
    expect(await tracesOf(100, ["--trace-sample-share", "1"])).toBe(100);
  });

  test("0.5 is a half", async () => {
    // 100 tosses of a coin fall outside of this once in a billion runs.
    const traced = await tracesOf(100, ["--trace-sample-share", "0.5"]);
    expect(traced).toBeGreaterThan(20);
    expect(traced).toBeLessThan(80);
  });

  test("is OpenTelemetry's, where its variable says one", async () => {
    const environment = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "1" };
    expect(await tracesOf(50, ["--trace-sample-share", "0"], environment)).toBe(50);
  });
});

test("OpenTelemetry's variables name the service, and say how its spans are sent", async () => {
  const collector = await OtlpReceiver.start();
  const environment = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/elsewhere`,
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    OTEL_SERVICE_NAME: "shop-predictions",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=other,deployment.environment.name=production,service.instance.id=i-1",
  };
  const server = await startWith(environment, store.directory, "--default-model", "echo", "--trace-sample-share", "1");
  await send(server, "one", "/predict", { value: 1 });
  await server.end();
  const [{ resource }] = await collector.trace("one");
  expect(resource).toMatchObject({
    "service.name": "shop-predictions",
    "service.instance.id": "i-1",
    "deployment.environment.name": "production",
  });
  const [{ path, headers }] = collector.received as [(typeof collector.received)[number]];
  expect(path).toBe("/elsewhere");
  expect(headers).toMatchObject({ authorization: "Bearer abc", "content-encoding": "gzip" });
  await collector.stop();
});

test("what is under way when a server is told to stop is delivered before it ends", async () => {
  const collector = await OtlpReceiver.start();
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: "999999999" };
  const flags = ["--default-model", "spin", "--trace-sample-share", "1", "--execution", "pool", "--workers", "1"];
  const server = await startWith(environment, store.directory, ...flags);
  await send(server, "before", "/predict", { value: 1 });
  const asked = send(server, "during", "/predict", slow, { headers: patiently });
  await expect.poll(() => busyWorkers(server), quickly).toBe(1);
  expect(collector.received).toEqual([]);
  server.kill("SIGTERM");
  expect((await asked).status).toBe(200);
  expect(await server.ended).toEqual({ code: 0, signal: null });
  for (const id of ["before", "during"])
    expect((await collector.trace(id)).slice(1).map(({ name }) => name)).toEqual(allStages);
  await collector.stop();
});
