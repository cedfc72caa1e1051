/**
 * Goal: after any records and batches, a scrape is strict Prometheus text and every counter is what a count by hand
 * gives.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type ErrorCode, errorTable } from "../../server/errors.js";
import { Metrics, stages } from "../../server/observe/metrics.js";
import { Statistics } from "../../server/observe/statistics.js";
import { modelStatistics } from "../../server/protocol/open-inference/statistics.js";
import { parsePrometheus, sumOf } from "../support/prometheus-text.js";
import { makeRecord } from "../support/records.js";
import { makeVersion } from "../support/versions.js";

const versions = [
  makeVersion({ name: "demand", number: 1 }),
  makeVersion({ name: "demand", number: 12 }),
  makeVersion({ name: "spam" }),
];
const ms = fc.double({ min: 0, max: 50_000, noNaN: true });
const times = fc.record({
  wait: ms,
  decode: ms,
  validate: ms,
  preprocess: ms,
  queue: ms,
  run: ms,
  postprocess: ms,
  reply: ms,
});
const record = fc.record({
  which: fc.nat(2),
  times,
  rows: fc.integer({ min: 1, max: 500 }),
  end: fc.oneof(
    fc.constant("ok" as const),
    fc.constant("abandoned" as const),
    fc.constantFrom(...(Object.keys(errorTable) as ErrorCode[])),
  ),
});
const batch = fc.record({
  which: fc.nat(2),
  executor: fc.constantFrom("inline" as const, "pool" as const),
  rows: fc.integer({ min: 1, max: 2000 }),
  us: ms,
});

test("a scrape agrees with the records", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 30 }),
      fc.array(batch, { maxLength: 30 }),
      async (records, batches) => {
        const metrics = new Metrics();
        const statistics = new Statistics(() => 0);
        for (const counter of statistics.counters) metrics.addGauge(counter, "counter");
        for (const version of versions) {
          metrics.addVersion(version);
          statistics.addVersion(version);
        }
        const calls = records.map(({ which, end, ...rest }) => {
          const version = versions[which]!;
          if (end === "ok") return makeRecord({ version, ...rest });
          return end === "abandoned"
            ? makeRecord({ version, ...rest, abandoned: true })
            : makeRecord({ version, ...rest, error: end });
        });
        for (const call of calls) for (const observer of [metrics, statistics]) observer.onCall(call);
        for (const { which, executor, rows, us } of batches) {
          metrics.observeBatch(versions[which]!, executor, rows, us);
          statistics.observeBatch(versions[which]!, rows, us);
        }
        const families = parsePrometheus((await metrics.scrape()).text);

        for (const [which, version] of versions.entries()) {
          const labels = { model: version.name, version: String(version.number) };
          const value = (name: string, more: Record<string, string> = {}) =>
            sumOf(families, name, { ...labels, ...more });
          const own = calls.filter((call) => call.version === version);
          const ok = own.filter((call) => !call.error && !call.abandoned);
          expect(value("nv_inference_request_success")).toBe(ok.length);
          expect(value("nv_inference_request_failure")).toBe(own.length - ok.length);
          expect(value("plumb_requests_total")).toBe(own.length);
          expect(value("plumb_request_seconds_count")).toBe(own.length);
          expect(value("plumb_rows_total")).toBe(ok.reduce((sum, { rowCount }) => sum + rowCount, 0));
          for (const stage of stages) expect(value("plumb_stage_seconds_count", { stage })).toBe(ok.length);
          const ownBatches = batches.filter((one) => one.which === which);
          expect(value("nv_inference_exec_count")).toBe(ownBatches.length);
          expect(value("nv_inference_count")).toBe(value("plumb_rows_total"));
          const runUs = ok.reduce((sum, { runStartedMs, runEndedMs }) => sum + 1000 * (runEndedMs - runStartedMs), 0);
          expect(Math.abs(value("nv_inference_compute_infer_duration_us") - runUs)).toBeLessThanOrEqual(1);
          const { inference_stats, batch_stats, ...counted } = modelStatistics(version, statistics.of(version)!);
          expect(counted.inference_count).toBe(value("nv_inference_count"));
          expect(counted.execution_count).toBe(ownBatches.length);
          const { success, fail, queue, compute_input, compute_infer, compute_output } = inference_stats;
          for (const { count } of [success, queue, compute_input, compute_infer, compute_output])
            expect(count).toBe(ok.length);
          expect(fail.count).toBe(own.length - ok.length);
          expect(Math.abs(success.ns / 1000 - value("nv_inference_request_duration_us"))).toBeLessThanOrEqual(1);
          expect(batch_stats.map(({ batch_size }) => batch_size)).toEqual(
            [...new Set(ownBatches.map(({ rows }) => rows))].sort((a, b) => a - b),
          );
        }
      },
    ),
    { numRuns: 25 },
  );
});
