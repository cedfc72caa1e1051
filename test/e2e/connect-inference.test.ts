/**
 * Goal: the methods of the inference service answer Connect's own client, on the HTTP port, as they do over gRPC; and
 * what goes wrong is Connect's error. That its answers are those of `/predict` is in doors.test.ts.
 */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inferenceService, inferMessage } from "../support/inference-messages.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";
import type { Loose } from "../support/typed-proto.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
let server: ServerProcess;
let clients: readonly Loose[];

beforeAll(async () => {
  server = await startServer(models, "--default-model", "demand", "--access-log", "off");
  clients = [true, false].map((useBinaryFormat) =>
    createClient(
      inferenceService,
      createConnectTransport({ baseUrl: `http://127.0.0.1:${server.httpPort}`, httpVersion: "1.1", useBinaryFormat }),
    ),
  );
});

afterAll(endServers);

test("methods answer in both forms, and name no model for the default one", async () => {
  for (const client of clients) {
    expect(await client.serverLive({})).toMatchObject({ live: true });
    expect(await client.serverReady({})).toMatchObject({ ready: true });
    expect(await client.modelReady({ name: "demand" })).toMatchObject({ ready: true });
    expect(await client.serverMetadata({})).toMatchObject({ name: "plumb", extensions: expect.any(Array) });
    const metadata = await client.modelMetadata({ name: "demand", version: "1" });
    expect(metadata).toMatchObject({ name: "demand", versions: ["1"] });
    expect(metadata.inputs.map(({ name, shape }: Loose) => [name, shape])).toContainEqual(["feature_price", [-1n, 1n]]);
    const { config } = await client.modelConfig({});
    expect(config).toMatchObject({
      name: "demand",
      maxBatchSize: 10_000,
      output: [{ name: "prediction", dims: [1n] }],
    });
  }
});

test("what is wrong is Connect's error, with google.rpc's details", async () => {
  const row = { feature_search_interest: -1, feature_price: 101.3, feature_promo: 1 };
  const inputs = Object.entries(row).map(([name, value]) => ({ name, datatype: "FP64", shape: [1], data: [value] }));
  const all = [
    [{ modelName: "demand" }, Code.InvalidArgument, /^row 0, feature "feature_search_interest": expected a number/],
    [{ modelName: "none" }, Code.NotFound, /^there is no model "none"/],
    [{ modelName: "demand", modelVersion: "7" }, Code.NotFound, /has no version "7"/],
  ] as const;
  for (const [members, code, words] of all) {
    for (const client of clients) {
      const call = client.modelInfer(inferMessage(inputs, members));
      const error = ConnectError.from(await call.catch((reason: unknown) => reason));
      expect([error.code, error.rawMessage]).toEqual([code, expect.stringMatching(words)]);
      const types = error.details.map((detail) => ("type" in detail ? detail.type : ""));
      expect(types).toEqual(["google.rpc.ErrorInfo", ...(code === Code.NotFound ? [] : ["google.rpc.BadRequest"])]);
    }
  }
});

const service = "/inference.GRPCInferenceService";
const json = { "content-type": "application/json" };

async function raw(method: string, headers: Record<string, string>, body: string | Uint8Array, verb = "POST") {
  const url = `http://127.0.0.1:${server.httpPort}${service}/${method}`;
  const response = await fetch(url, { method: verb, headers, ...(verb === "POST" && { body }) });
  return [response.status, await response.json()];
}

test.each<[string, string, Record<string, string>, string | Uint8Array, number, string, RegExp]>([
  ["another type", "ModelInfer", { "content-type": "text/plain" }, "{}", 415, "invalid_argument", /^content-type: exp/],
  [
    "another type of a question",
    "ModelReady",
    { "content-type": "text/plain" },
    "",
    415,
    "invalid_argument",
    /^conten/,
  ],
  ["no JSON", "ModelInfer", json, "{", 400, "invalid_argument", /^the body isn't JSON/],
  ["no JSON of a question", "ModelReady", json, "{", 400, "invalid_argument", /^the body isn't JSON/],
  [
    "noise",
    "ModelInfer",
    { "content-type": "application/proto" },
    Buffer.of(255),
    400,
    "invalid_argument",
    /^the mess/,
  ],
  ["another member", "ModelReady", json, '{"nam":""}', 400, "invalid_argument", /^the body: expected each of "name"/],
  ["a member of the request", "ModelInfer", json, '{"input":[]}', 400, "invalid_argument", /got "input"$/],
  [
    "another protocol",
    "ModelInfer",
    { ...json, "connect-protocol-version": "2" },
    "{}",
    400,
    "invalid_argument",
    /^con/,
  ],
  ["a time that is over", "ModelInfer", { ...json, "connect-timeout-ms": "0" }, "{}", 504, "deadline_exceeded", /over/],
  ["another method", "ModelTrain", json, "{}", 404, "unimplemented", /no unary method "ModelTrain"$/],
  ["a stream", "ModelStreamInfer", json, "{}", 404, "unimplemented", /no unary method/],
  [
    "another encoding",
    "ModelReady",
    { ...json, "content-encoding": "br" },
    "{}",
    415,
    "invalid_argument",
    /^content-e/,
  ],
  [
    "a large question",
    "ModelReady",
    json,
    " ".repeat(70_000),
    429,
    "resource_exhausted",
    /^the body: expected at most/,
  ],
  [
    "a large request",
    "ModelInfer",
    json,
    " ".repeat(1_048_577),
    429,
    "resource_exhausted",
    /^the body: expected at mo/,
  ],
])("%s", async (_, method, headers, body, status, code, words) => {
  expect(await raw(method, headers, body)).toEqual([
    status,
    expect.objectContaining({ code, message: expect.stringMatching(words) }),
  ]);
});

test("another verb", async () => {
  expect((await raw("ModelInfer", {}, "", "GET"))[0]).toBe(405);
});

test("compressed bodies are taken", async () => {
  const headers = { ...json, "content-encoding": "gzip" };
  expect(await raw("ModelReady", headers, gzipSync('{"name":"demand"}'))).toEqual([200, { ready: true }]);
  const contents = { fp64Contents: [1] };
  const inputs = ["feature_search_interest", "feature_price", "feature_promo"].map((name) => ({
    name,
    datatype: "FP64",
    shape: ["1"],
    contents,
  }));
  const request = gzipSync(JSON.stringify({ inputs, model_name: "demand" }));
  expect(await raw("ModelInfer", headers, request)).toEqual([200, expect.objectContaining({ modelName: "demand" })]);
});
