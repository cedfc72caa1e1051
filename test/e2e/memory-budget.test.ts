/**
 * Goal: with a memory budget every model of the store answers, though not all are loaded at once: the first call of a
 * cold one waits, or is told to come again, and what wasn't used gives way.
 */

import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readFacts } from "../../bundle/index.js";
import { estimateBytes } from "../../server/versions/memory-estimate.js";
import { ask, post } from "../support/http-client.js";
import { metric, scrape } from "../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { endServers, startServer } from "../support/server-process.js";

const names = ["a", "b", "c", "d"] as const;
let store: ModelStore;
let budgetBytes: number;

beforeAll(async () => {
  store = await writeStore(...names.map((name) => echoModel({ name })));
  const { manifest } = await readFacts(join(store.directory, "a/1"));
  budgetBytes = 2 * estimateBytes(manifest, { workers: 1, onLoop: true, cacheBytes: 0 }) + 1000;
});
afterEach(endServers);
afterAll(() => store.remove());

const start = () => startServer(store.directory, "--workers", "1", "--memory-budget-bytes", String(budgetBytes));
const patient = { headers: { "x-timeout-ms": "60000" } };

test("two of four are loaded, all of them answer, and what wasn't used for longest gives way", async () => {
  const server = await start();
  const states = async () => {
    const { json } = await ask(server.httpPort, "/models");
    return json.models.map((model: { versions: { state: string }[] }) => model.versions[0]!.state).join(" ");
  };
  expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
  expect(await states()).toBe("ready ready cold cold");
  const { json: described } = await ask(server.httpPort, "/models/c");
  expect(described.schema.properties.value).toMatchObject({ type: "number" });
  expect(described.versions[0]).toMatchObject({ state: "cold", task: "regression", digest: expect.any(String) });
  const ready = (await scrape(server)).get("plumb_version_ready")!.samples.map(({ value }) => value);
  expect([ready, await metric(server, "plumb_versions_cold")]).toEqual([[1, 1], 2]);

  const late = await post(server.httpPort, "/models/c/predict", { value: 1 }, { headers: { "x-timeout-ms": "1" } });
  expect([late.status, late.json.error.code]).toEqual([503, "not_ready"]);
  expect(Number(late.headers["retry-after"])).toBeGreaterThan(0);

  const calls = [...names, ...names, "d", "c", "b", "a"].map(async (name, value) => {
    const { status, json } = await post(server.httpPort, `/models/${name}/predict`, { value }, patient);
    expect([status, json.model, json.prediction], name).toEqual([200, name, value]);
  });
  const ended = await Promise.allSettled(calls);
  expect(ended.filter(({ status }) => status === "rejected")).toEqual([]);

  // One after the other: the least recently used gives way to each that isn't there.
  for (const name of names) {
    const { json } = await post(server.httpPort, `/models/${name}/predict`, { value: 2 }, patient);
    expect([json.model, json.prediction]).toEqual([name, 2]);
  }
  expect(await states()).toBe("cold cold ready ready");
  expect(await metric(server, "plumb_evictions_total")).toBeGreaterThanOrEqual(2);
  expect(await metric(server, "plumb_cold_loads_total")).toBeGreaterThanOrEqual(2);
  expect(await metric(server, "plumb_versions_bytes")).toBeLessThanOrEqual(budgetBytes);
  const loads = await metric(server, "plumb_cold_loads_total");
  // Many calls, one load; also where bodies came in one turn.
  const many = Array.from({ length: 12 }, () => post(server.httpPort, "/models/a/predict", { value: 3 }, patient));
  const answered = await Promise.allSettled(many);
  expect(answered.map((one) => one.status === "fulfilled" && one.value.json.prediction)).toEqual(many.map(() => 3));
  expect(await metric(server, "plumb_cold_loads_total")).toBe(loads + 1);

  // One whose bundle is no longer sound fails when it is called, as it would have at the start.
  await truncate(join(store.directory, "b/1/model.onnx"), 10);
  const failed = await post(server.httpPort, "/models/b/predict", { value: 1 }, patient);
  expect([failed.status, failed.json.error.code]).toEqual([503, "not_ready"]);
  expect(failed.json.error.message).toContain("model.onnx");
  expect((await post(server.httpPort, "/models/a/predict", { value: 4 }, patient)).json.prediction).toBe(4);
});
