/**
 * Goal: after calls through several doors, the statistics of the Open Inference Protocol are what the callers counted,
 * the same over HTTP and gRPC, and those of the metrics.
 */

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelStatistics } from "../../server/protocol/open-inference/statistics.js";
import { GrpcClient, inferRequest } from "../support/grpc-client.js";
import { ask, post } from "../support/http-client.js";
import { scrape } from "../support/metrics.js";
import { sumOf } from "../support/prometheus-text.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const patiently = { headers: { "x-timeout-ms": "60000" } };
const row = { feature_search_interest: 61.2, feature_price: 101.3, feature_promo: 1 };
const tensors = (rows: number) =>
  Object.entries(row).map(([name, value]) => ({
    name,
    datatype: "FP64",
    shape: [rows],
    data: new Array<number>(rows).fill(value),
  }));
const blocks = (rows: number) => [
  { name: "X", datatype: "FP32", shape: [rows, 4], data: new Array<number>(4 * rows).fill(0.5) },
];

let server: ServerProcess;
let client: GrpcClient;

beforeAll(async () => {
  server = await startServer(models, "--grpc-port", "0", "--default-model", "demand");
  const ready = await server.untilLogged(({ message }) => message === "ready");
  client = new GrpcClient(ready.grpc_port as number);
});

afterAll(async () => {
  client.close();
  await endServers();
});

const statsOf = async (path: string): Promise<readonly ModelStatistics[]> =>
  (await ask(server.httpPort, path)).json.model_stats;

test("the statistics are those of the callers, of the metrics, and of gRPC", async () => {
  const http = (path: string, body: unknown) =>
    post(server.httpPort, path, body, patiently).then(({ status }) => status);
  const grpc = async (name: string, inputs: ReturnType<typeof tensors>) => {
    const request = { model_name: name, ...inferRequest(inputs) };
    return (await client.call("ModelInfer", request, { deadline: Date.now() + 60_000 })).error?.code ?? 200;
  };
  // Each with the rows that it has answered.
  const doors: readonly (readonly [rows: number, call: () => Promise<number>])[] = [
    [1, () => http("/predict", row)],
    [5, () => http("/models/demand/predict", { rows: new Array(5).fill(row) })],
    [2, () => http("/v2/models/demand/infer", { inputs: tensors(2) })],
    [3, () => http("/v2/models/demand.onnx/infer", { inputs: blocks(3) })],
    [1, () => http("/v1/models/demand:predict", { instances: [row] })],
    [4, () => grpc("demand", tensors(4))],
    [2, () => grpc("demand.onnx", blocks(2))],
    [0, () => http("/predict", { ...row, feature_price: -1 })],
    [0, () => http("/v2/models/demand/infer", { inputs: [] })],
    [0, () => grpc("demand", tensors(1).slice(1))],
  ];
  const answered = { calls: 0, rows: 0, refused: 0 };
  for (let round = 0; round < 3; round++) {
    const calls = doors.map(async ([rows, call]) => {
      const isAnswered = (await call()) === 200;
      expect(isAnswered).toBe(rows > 0);
      answered.calls += isAnswered ? 1 : 0;
      answered.refused += isAnswered ? 0 : 1;
      answered.rows += rows;
    });
    await Promise.all(calls);
  }
  // Another model's are its own.
  expect(await http("/v2/models/none/infer", { inputs: tensors(1) })).toBe(404);

  const [demand] = await statsOf("/v2/models/demand/stats");
  const families = await scrape(server);
  const metric = (name: string) => sumOf(families, `nv_inference_${name}`, { model: "demand", version: "1" });
  const { inference_stats: times } = demand!;
  expect(demand).toMatchObject({ name: "demand", version: "1", inference_count: answered.rows });
  expect([times.success.count, times.fail.count]).toEqual([answered.calls, answered.refused]);
  for (const part of ["queue", "compute_input", "compute_infer", "compute_output"] as const)
    expect(times[part].count, part).toBe(answered.calls);
  expect(times.cache_hit).toEqual({ count: 0, ns: 0 });
  expect(Math.abs(demand!.last_inference - Date.now())).toBeLessThan(3_600_000);
  const batches = demand!.batch_stats;
  expect(batches.reduce((sum, { compute_infer }) => sum + compute_infer.count, 0)).toBe(demand!.execution_count);
  expect(batches.reduce((sum, { batch_size, compute_infer }) => sum + batch_size * compute_infer.count, 0)).toBe(
    answered.rows,
  );

  expect(metric("request_success")).toBe(times.success.count);
  expect(metric("request_failure")).toBe(times.fail.count);
  expect(metric("count")).toBe(demand!.inference_count);
  expect(metric("exec_count")).toBe(demand!.execution_count);
  for (const [name, { ns }] of [
    ["request", times.success],
    ["queue", times.queue],
    ["compute_input", times.compute_input],
    ["compute_infer", times.compute_infer],
    ["compute_output", times.compute_output],
  ] as const) {
    expect(Math.abs(metric(`${name}_duration_us`) - ns / 1000), name).toBeLessThanOrEqual(0.5);
    if (name !== "queue") expect(ns, name).toBeGreaterThan(0);
  }

  const { reply } = await client.call("ModelStatistics", { name: "demand" });
  const { memory_usage, response_stats, ...shared } = demand!;
  expect([memory_usage, response_stats]).toEqual([[], {}]);
  // The client has integers of 64 bits as texts.
  const asNumbers = JSON.parse(JSON.stringify(reply.model_stats[0]), (key, value) =>
    typeof value === "string" && key !== "name" && key !== "version" ? Number(value) : value,
  );
  expect(asNumbers).toEqual(shared);
});

test("who asks for all, for a version or for the block view gets those", async () => {
  const names = async (path: string) => (await statsOf(path)).map(({ name, version }) => `${name}/${version}`).sort();
  expect(await names("/v2/models/stats")).toEqual(["breast-cancer/1", "demand/1", "digits/1"]);
  expect(await names("/v2/models/demand/versions/1/stats")).toEqual(["demand/1"]);
  expect(await names("/v2/models/demand.onnx/stats")).toEqual(["demand.onnx/1"]);
  const { reply } = await client.call("ModelStatistics", {});
  expect(reply.model_stats.map(({ name }: { name: string }) => name).sort()).toEqual([
    "breast-cancer",
    "demand",
    "digits",
  ]);
  const { status, json } = await ask(server.httpPort, "/v2/models/none/stats");
  expect([status, json.error]).toEqual([404, expect.stringContaining('there is no model "none"')]);
  const metadata = await ask(server.httpPort, "/v2");
  expect(metadata.json.extensions).toContain("statistics");
  expect((await client.call("ServerMetadata")).reply.extensions).toContain("statistics");
});
