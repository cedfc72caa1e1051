/** Goal: a scrape is strict Prometheus text, and its numbers are those of the records. */

import { beforeEach, describe, expect, test } from "vitest";
import { type ErrorCode, errorTable } from "../../../../server/errors.js";
import { Metrics, stages } from "../../../../server/observe/metrics.js";
import { Statistics } from "../../../../server/observe/statistics.js";
import type { Call } from "../../../../server/path/call.js";
import type { Servable } from "../../../../server/versions/servable.js";
import { type Family, parsePrometheus, sumOf } from "../../../support/prometheus-text.js";
import { makeRecord, quick } from "../../../support/records.js";
import { makeVersion } from "../../../support/versions.js";

const version = makeVersion({ name: "demand", number: 3 });
const other = makeVersion({ name: "spam" });
const labels = { model: "demand", version: "3" };

let metrics: Metrics;
let statistics: Statistics;
beforeEach(() => {
  metrics = new Metrics();
  statistics = new Statistics(() => 0);
  for (const counter of statistics.counters) metrics.addGauge(counter, "counter");
  for (const each of [version, other]) {
    metrics.addVersion(each);
    statistics.addVersion(each);
  }
});

function onCall(call: Call): void {
  metrics.onCall(call);
  statistics.onCall(call);
}

function observeBatch(of: Servable, executor: "inline" | "pool", rowCount: number, durationUs: number): void {
  metrics.observeBatch(of, executor, rowCount, durationUs);
  statistics.observeBatch(of, rowCount, durationUs);
}

const scrape = async (): Promise<Map<string, Family>> => parsePrometheus((await metrics.scrape()).text);

describe("the SLO", () => {
  const slow = { run: 300 };
  const at = async (name: string) => sumOf(await scrape(), name, labels);

  test.each<[string, Parameters<typeof makeRecord>[0], number, number]>([
    ["a call in time", {}, 1, 0],
    ["a call that is late", { times: slow }, 1, 1],
    ["a call of many rows, which has more time", { times: slow, rows: 5000 }, 1, 0],
    ["a call that the server failed on", { error: "model_failed" }, 1, 1],
    ["a call that was refused for want of time", { error: "overloaded" }, 1, 1],
    ["a call that was refused for what it sent", { error: "schema_mismatch", times: { preprocess: 300 } }, 0, 0],
    ["a caller that left early", { abandoned: true }, 1, 0],
    ["a caller that left when it was late", { abandoned: true, times: { preprocess: 300 } }, 1, 1],
  ])("%s", async (_, options, counted, missed) => {
    const call = makeRecord({ version, ...options });
    call.request = { rows: new Array(call.rowCount), partial: false };
    onCall(call);
    expect([await at("plumb_slo_counted_total"), await at("plumb_slo_missed_total")]).toEqual([counted, missed]);
  });

  test("is not about requests that had no version", async () => {
    metrics.countRefusal("route_not_found");
    onCall(makeRecord({ error: "not_ready" }));
    const families = await scrape();
    expect(sumOf(families, "plumb_slo_counted_total")).toBe(0);
    expect(sumOf(families, "plumb_requests_total", { model: "", result: "route_not_found" })).toBe(1);
  });
});

describe("a fallback", () => {
  test("of a version that serves is there from the first scrape on, though the version was counted before", async () => {
    const declaring = makeVersion({ name: "careful", state: "loading", fallback: { kind: "constant", prediction: 1 } });
    metrics.addVersion(declaring);
    const reasons = async () =>
      (await scrape()).get("plumb_fallbacks_total")!.samples.filter(({ labels }) => labels.model === "careful").length;
    expect(await reasons()).toBe(0);
    for (const next of ["proving", "ready"] as const) declaring.transition(next);
    expect(await reasons()).toBeGreaterThan(1);
  });

  test("for the whole of a call is counted by its reason, as its result, and without stages", async () => {
    const call = makeRecord({ version, rows: 3 });
    call.fallback = "deadline_exceeded";
    call.fellBack = true;
    onCall(call);
    const families = await scrape();
    expect(sumOf(families, "plumb_fallbacks_total", { ...labels, reason: "deadline_exceeded" })).toBe(1);
    expect(sumOf(families, "plumb_requests_total", { ...labels, result: "fallback" })).toBe(1);
    expect(sumOf(families, "plumb_requests_total", { ...labels, result: "ok" })).toBe(0);
    expect(sumOf(families, "plumb_rows_total", labels)).toBe(3);
    expect(sumOf(families, "plumb_stage_seconds_count", labels)).toBe(0);
    expect(sumOf(families, "nv_inference_request_success", labels)).toBe(1);
  });

  test("for some rows keeps the stages, and counts what the model did", async () => {
    const call = makeRecord({ version, rows: 3 });
    call.fallback = "model_output_invalid";
    call.fallbackRows = [1];
    call.modelFault = "model_output_invalid";
    onCall(call);
    const families = await scrape();
    expect(sumOf(families, "plumb_fallbacks_total", { ...labels, reason: "model_output_invalid" })).toBe(1);
    expect(sumOf(families, "plumb_model_faults_total", { ...labels, code: "model_output_invalid" })).toBe(1);
    expect(sumOf(families, "plumb_stage_seconds_count", { ...labels, stage: "run" })).toBe(1);
  });
});

test("a call that was answered from the cache has no stages from preprocess to postprocess", async () => {
  const call = makeRecord({ version });
  call.cached = true;
  onCall(call);
  const families = await scrape();
  const counts = stages.map((stage) => sumOf(families, "plumb_stage_seconds_count", { ...labels, stage }));
  expect(counts).toEqual([1, 1, 0, 0, 0, 0, 1]);
  expect(sumOf(families, "plumb_requests_total", { ...labels, result: "ok" })).toBe(1);
});

describe("before the first call", () => {
  test("every series of a version is there, with zero", async () => {
    const families = await scrape();
    for (const name of [
      "plumb_rows_total",
      "nv_inference_request_success",
      "nv_inference_count",
      "nv_inference_exec_count",
    ]) {
      expect(families.get(name)!.samples.map((sample) => [sample.labels, sample.value])).toEqual([
        [labels, 0],
        [{ model: "spam", version: "1" }, 0],
      ]);
    }
    for (const stage of stages) expect(sumOf(families, "plumb_stage_seconds_count", { ...labels, stage })).toBe(0);
  });

  test("the process tells of itself, too", async () => {
    const families = await scrape();
    expect(sumOf(families, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect((await metrics.scrape()).contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });
});

describe("a call that was answered", () => {
  test("is counted with its rows, and each stage with its time", async () => {
    onCall(makeRecord({ version, rows: 5 }));
    const families = await scrape();
    expect(sumOf(families, "plumb_requests_total", { ...labels, result: "ok" })).toBe(1);
    expect(sumOf(families, "plumb_rows_total", labels)).toBe(5);
    for (const stage of stages) {
      expect(sumOf(families, "plumb_stage_seconds_sum", { ...labels, stage })).toBeCloseTo(quick[stage] / 1000, 9);
      expect(sumOf(families, "plumb_stage_seconds_count", { ...labels, stage })).toBe(1);
    }
    expect(sumOf(families, "plumb_request_seconds_sum", labels)).toBeCloseTo(0.036, 9);
    expect(sumOf(families, "plumb_requests_total", { model: "spam" })).toBe(0);
  });

  test("in part counts the rows that have an answer, and the others by what is wrong with them", async () => {
    const call = makeRecord({ version, rows: 5, unanswered: 2 });
    const error = { message: "no", issues: [] };
    call.rowErrors = [
      { row: 0, code: "model_output_invalid", ...error },
      { row: 1, code: "model_output_invalid", ...error },
      { row: 9, code: "schema_mismatch", ...error },
    ];
    onCall(call);
    const families = await scrape();
    expect(sumOf(families, "plumb_rows_total", labels)).toBe(3);
    expect(sumOf(families, "plumb_row_errors_total", { ...labels, code: "model_output_invalid" })).toBe(2);
    expect(sumOf(families, "plumb_row_errors_total", { ...labels, code: "schema_mismatch" })).toBe(1);
  });

  test("counts the fields that nobody reads, and has no series where there are none", async () => {
    onCall(makeRecord({ version, rows: 1 }));
    expect(sumOf(await scrape(), "plumb_ignored_fields_total", labels)).toBe(0);
    const call = makeRecord({ version, rows: 2 });
    call.ignoredFields = 3;
    onCall(call);
    expect(sumOf(await scrape(), "plumb_ignored_fields_total", labels)).toBe(3);
  });

  test("without a row that ran has waited in no queue", async () => {
    onCall(makeRecord({ version, rows: 0 }));
    const families = await scrape();
    expect(sumOf(families, "plumb_requests_total", { ...labels, result: "ok" })).toBe(1);
    for (const stage of stages) {
      const sum = sumOf(families, "plumb_stage_seconds_sum", { ...labels, stage });
      expect(sum, stage).toBeCloseTo(stage === "queue" || stage === "run" ? 0 : quick[stage] / 1000, 9);
    }
    expect(sumOf(families, "nv_inference_queue_duration_us", labels)).toBe(0);
  });
});

describe("a call that wasn't", () => {
  test("is counted by its code, of the version that it had", async () => {
    onCall(makeRecord({ version, error: "schema_mismatch" }));
    onCall(makeRecord({ version, error: "model_output_invalid" }));
    onCall(makeRecord({ version, error: "model_output_invalid" }));
    onCall(makeRecord({ version, abandoned: true }));
    const families = await scrape();
    const results = families
      .get("plumb_requests_total")!
      .samples.filter(({ value }) => value > 0)
      .map(({ labels: { result }, value }) => [result, value]);
    expect(results).toEqual([
      ["abandoned", 1],
      ["schema_mismatch", 1],
      ["model_output_invalid", 2],
    ]);
    expect(sumOf(families, "plumb_rows_total")).toBe(0);
    expect(sumOf(families, "plumb_stage_seconds_count")).toBe(0);
    expect(sumOf(families, "plumb_request_seconds_count", labels)).toBe(4);
  });

  test("is counted without a version when it failed before it had one, and isn't a model's", async () => {
    onCall(makeRecord({ version: undefined, error: "malformed_body" }));
    const families = await scrape();
    expect(sumOf(families, "plumb_requests_total", { model: "", version: "", result: "malformed_body" })).toBe(1);
    for (const [name, { samples }] of families) {
      if (name.startsWith("nv_")) expect(samples.map(({ labels: { model } }) => model)).not.toContain("");
    }
  });
});

describe("Triton's counters", () => {
  const reasons: Record<string, readonly ErrorCode[]> = {
    REJECTED: ["overloaded", "deadline_exceeded", "not_ready"],
    BACKEND: ["model_failed", "model_output_invalid"],
  };

  test.each(Object.keys(errorTable) as ErrorCode[])("know %s as a failure, by one reason", async (code) => {
    onCall(makeRecord({ version, error: code }));
    const families = await scrape();
    const reason = Object.keys(reasons).find((name) => reasons[name]!.includes(code)) ?? "OTHER";
    expect(sumOf(families, "nv_inference_request_failure", labels)).toBe(1);
    expect(sumOf(families, "nv_inference_request_failure", { ...labels, reason })).toBe(1);
    expect(sumOf(families, "nv_inference_request_success", labels)).toBe(0);
  });

  test("know a caller who left as cancelled", async () => {
    onCall(makeRecord({ version, abandoned: true }));
    expect(sumOf(await scrape(), "nv_inference_request_failure", { ...labels, reason: "CANCELED" })).toBe(1);
  });

  test("agree with the records and batches", async () => {
    const answered = 3;
    for (let i = 0; i < answered; i++) onCall(makeRecord({ version, rows: 2 }));
    observeBatch(version, "inline", 2, 30);
    observeBatch(version, "pool", 4, 1500);
    const families = await scrape();
    const value = (name: string) => sumOf(families, name, labels);
    expect(value("nv_inference_request_success")).toBe(answered);
    expect(value("nv_inference_count")).toBe(6);
    expect(value("nv_inference_exec_count")).toBe(2);
    expect(value("nv_inference_request_duration_us")).toBe(answered * 36_000);
    expect(value("nv_inference_queue_duration_us")).toBe(answered * 5000);
    expect(value("nv_inference_compute_input_duration_us")).toBe(answered * 9000);
    expect(value("nv_inference_compute_infer_duration_us")).toBe(answered * 6000);
    expect(value("nv_inference_compute_output_duration_us")).toBe(answered * 15_000);
    for (const [name, { type }] of families) if (name.startsWith("nv_inference")) expect(type, name).toBe("counter");
  });
});

test("batches are counted by executor, with their rows and their time", async () => {
  observeBatch(version, "inline", 3, 40);
  observeBatch(version, "inline", 300, 4000);
  observeBatch(version, "pool", 256, 3000);
  const families = await scrape();
  const inline = { ...labels, executor: "inline" };
  expect(sumOf(families, "plumb_batch_rows_count", inline)).toBe(2);
  expect(sumOf(families, "plumb_batch_rows_sum", inline)).toBe(303);
  expect(sumOf(families, "plumb_batch_rows_bucket", { ...inline, le: "4" })).toBe(1);
  expect(sumOf(families, "plumb_batch_rows_bucket", { ...inline, le: "512" })).toBe(2);
  expect(sumOf(families, "plumb_batch_seconds_sum", { ...labels, executor: "pool" })).toBeCloseTo(0.003, 12);
});

test("gauges are read when the scrape comes", async () => {
  let value = 1;
  metrics.addGauge({ name: "plumb_calls_in_flight", help: "Calls.", read: () => [{ value }] });
  metrics.addGauge(
    { name: "plumb_log_lines_dropped_total", help: "Lines.", read: () => [{ labels: { sink: "stderr" }, value: 7 }] },
    "counter",
  );
  value = 42;
  const families = await scrape();
  expect(families.get("plumb_calls_in_flight")).toMatchObject({ type: "gauge", samples: [{ value: 42 }] });
  expect(families.get("plumb_log_lines_dropped_total")).toMatchObject({
    type: "counter",
    samples: [{ labels: { sink: "stderr" }, value: 7 }],
  });
});

test("a version that is gone has no series any more; one that takes its name counts from nothing", async () => {
  onCall(makeRecord({ version }));
  observeBatch(version, "inline", 1, 10);
  metrics.removeVersion(version);
  statistics.removeVersion(version);
  const named = async (model: string) =>
    [...(await scrape()).values()].flatMap(({ samples }) => samples.filter(({ labels }) => labels.model === model));
  expect([await named("demand"), (await named("spam")).length > 0]).toEqual([[], true]);
  metrics.addVersion(makeVersion({ name: "demand", number: 3 }));
  expect(sumOf(await scrape(), "plumb_requests_total", { ...labels, result: "ok" })).toBe(0);
});
