/**
 * Goal: gRPC names what it serves, and what goes wrong has the status that a client of gRPC knows. That its answers are
 * those of `/predict` is in doors.test.ts.
 */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readBundle } from "../../bundle/index.js";
import { GrpcClient, inferRequest, readOutputs } from "../support/grpc-client.js";
import { endServers, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));

let client: GrpcClient;
let port: number;

beforeAll(async () => {
  const server = await startServer(models, "--grpc-port", "0", "--drain-quiet-ms", "0");
  const ready = await server.untilLogged(({ message }) => message === "ready");
  port = ready.grpc_port as number;
  client = new GrpcClient(port);
});

afterAll(async () => {
  client.close();
  await endServers();
});

test.each(readdirSync(models))("the metadata of %s name its tensors", async (name) => {
  const { rowSchema } = await readBundle(`${models}/${name}/1`);
  const { reply } = await client.call("ModelMetadata", { name });
  expect(reply).toMatchObject({ name, versions: ["1"], platform: "onnx_onnxv1" });
  expect(reply.inputs.map((input: { name: string }) => input.name)).toEqual(
    rowSchema.features.map((feature) => feature.name),
  );
  expect((await client.call("ModelMetadata", { name, version: "1" })).reply).toEqual(reply);
});

test("each typed service has its health", async () => {
  const health = new GrpcClient(port, "grpc.health.v1.Health");
  const check = (service: string) => health.call("Check", { service });
  expect((await check("plumb.models.demand.Predictor")).reply).toEqual({ status: "SERVING" });
  for (const name of ["plumb.models.none.Predictor", "plumb.models.demand.Other", "plumb.models.D.Predictor"])
    expect((await check(name)).error?.code, name).toBe(status.NOT_FOUND);
  health.close();
});

test("the server says what it is, and that it is ready", async () => {
  expect((await client.call("ServerLive")).reply).toEqual({ live: true });
  expect((await client.call("ServerReady")).reply).toEqual({ ready: true });
  expect((await client.call("ModelReady", { name: "demand" })).reply).toEqual({ ready: true });
  expect((await client.call("ServerMetadata")).reply).toMatchObject({ name: "plumb" });
  expect((await client.call("ModelConfig", { name: "demand" })).reply.config).toMatchObject({
    name: "demand",
    max_batch_size: 10_000,
    input: expect.arrayContaining([{ name: "feature_price", data_type: "TYPE_FP64", dims: ["1"] }]),
    output: [{ name: "prediction", data_type: "TYPE_FP64", dims: ["1"] }],
  });
});

test.each(["v1", "v1alpha"])("reflection %s names the services and has their files", async (version) => {
  const reflection = new GrpcClient(port, `grpc.reflection.${version}.ServerReflection`);
  const stream = reflection.open("ServerReflectionInfo");
  const replies: Record<string, unknown>[] = [];
  const ended = new Promise((resolve) => stream.on("data", (reply) => replies.push(reply)).on("end", resolve));
  stream.write({ list_services: "*" });
  stream.write({ file_containing_symbol: "inference.GRPCInferenceService" });
  stream.write({ file_containing_symbol: "inference.ModelInferRequest.InferInputTensor" });
  stream.write({ file_by_filename: "grpc/health/v1/health.proto" });
  stream.write({ file_containing_symbol: "plumb.models.demand.Predictor" });
  stream.write({ file_containing_symbol: "plumb.models.breast_cancer.Prediction.ProbabilitiesEntry" });
  stream.write({ file_by_filename: "plumb/models/demand.proto" });
  stream.write({ file_containing_symbol: "nothing.of.this" });
  stream.write({ file_containing_symbol: "plumb.models.none.Predictor" });
  stream.write({ file_containing_symbol: "plumb.models.demand.Nothing" });
  stream.end();
  await ended;
  reflection.close();
  const [services, bySymbol, byMessage, byName, typed, ofMap, typedByName, ...none] = replies as [
    { list_services_response: { service: { name: string }[] } },
    ...{ file_descriptor_response: object; error_response: { error_code: number } }[],
  ];
  expect(services.list_services_response.service.map(({ name }) => name)).toEqual([
    "inference.GRPCInferenceService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    ...readdirSync(models).map((name) => `plumb.models.${name.replace("-", "_")}.Predictor`),
  ]);
  expect(bySymbol!.file_descriptor_response).toEqual(byMessage!.file_descriptor_response);
  expect(byName!.file_descriptor_response).toBeTruthy();
  expect(typed!.file_descriptor_response).toBeTruthy();
  expect(typed!.file_descriptor_response).toEqual(typedByName!.file_descriptor_response);
  expect(ofMap!.file_descriptor_response).toBeTruthy();
  expect(none.map(({ error_response }) => error_response.error_code)).toEqual(Array(3).fill(status.NOT_FOUND));
});

const row = { feature_search_interest: 61.2, feature_price: 101.3, feature_promo: 1 };
const inputs = (rowCount = 1) =>
  Object.entries(row).map(([name, value]) => ({
    name,
    datatype: "FP64",
    shape: [rowCount],
    data: new Array<number>(rowCount).fill(value),
  }));
const good = inferRequest(inputs(), { model_name: "demand" });

describe("what goes wrong has its status", () => {
  const { NOT_FOUND, INVALID_ARGUMENT, RESOURCE_EXHAUSTED } = status;
  test.each([
    ["an unknown model", { ...good, model_name: "none" }, NOT_FOUND, /^there is no model "none"/],
    ["an unknown version", { ...good, model_version: "7" }, NOT_FOUND, /has no version "7"/],
    ["no tensors", { model_name: "demand" }, INVALID_ARGUMENT, /^inputs: expected a tensor/],
    [
      "a tensor of another type",
      inferRequest([{ ...inputs()[0]!, datatype: "BYTES", data: ["x"] }, ...inputs().slice(1)], {
        model_name: "demand",
      }),
      INVALID_ARGUMENT,
      /^input "feature_search_interest": expected the datatype/,
    ],
    [
      "a row that the schema refuses",
      inferRequest([{ ...inputs()[0]!, data: [-1] }, ...inputs().slice(1)], { model_name: "demand" }),
      INVALID_ARGUMENT,
      /^row 0, feature "feature_search_interest": expected a number/,
    ],
    [
      "raw contents beside typed ones",
      { ...good, raw_input_contents: [Buffer.alloc(8)] },
      INVALID_ARGUMENT,
      /^raw_input_contents: expected one for each of the 3 inputs/,
    ],
    [
      "an output that isn't there",
      { ...good, outputs: [{ name: "nothing" }] },
      INVALID_ARGUMENT,
      /^outputs\[0\]: expected the name of a tensor/,
    ],
    ["a body that the model doesn't take", { ...good, id: "x".repeat(1_048_576) }, RESOURCE_EXHAUSTED, /^the message/],
    [
      "a message that the server doesn't take",
      { ...good, id: "x".repeat(2 ** 24) },
      RESOURCE_EXHAUSTED,
      /^the message/,
    ],
  ])("%s", async (_, request, code, words) => {
    const { error } = await client.call("ModelInfer", request);
    expect([error?.code, error?.details]).toEqual([code, expect.stringMatching(words)]);
  });

  test("a deadline that passes", async () => {
    const { error } = await client.call(
      "ModelInfer",
      inferRequest(inputs(), { model_name: "demand", parameters: { timeout: { int64_param: 1 } } }),
    );
    expect([status.DEADLINE_EXCEEDED, status.UNAVAILABLE]).toContain(error?.code);
  });

  test("and after all that it still answers, under the caller's own id", async () => {
    const { reply } = await client.call("ModelInfer", good);
    expect(readOutputs(reply)[0]).toMatchObject({ shape: [1, 1], data: [56.654319763183594] });
  });
});

test("errors say as little as is set, in a reply's status", async () => {
  const quiet = await startServer(models, "--grpc-port", "0", "--errors", "codes", "--drain-quiet-ms", "0");
  const { grpc_port } = await quiet.untilLogged(({ message }) => message === "ready");
  const caller = new GrpcClient(grpc_port as number);
  const refused = inferRequest([{ ...inputs()[0]!, data: [-1] }, ...inputs().slice(1)], { model_name: "demand" });
  for (const [request, code, said] of [
    [refused, status.INVALID_ARGUMENT, "a row breaks the bundle's schema"],
    [{ ...good, model_name: "secret" }, status.NOT_FOUND, expect.not.stringMatching(/secret|demand/)],
  ] as const) {
    const { error } = await caller.call("ModelInfer", request);
    expect([error?.code, error?.details]).toEqual([code, said]);
    const details = String(error!.metadata.get("grpc-status-details-bin")[0]);
    expect(details).toContain("google.rpc.ErrorInfo");
    expect(details).not.toMatch(/secret|demand|search_interest|number/);
  }
  caller.close();
});
