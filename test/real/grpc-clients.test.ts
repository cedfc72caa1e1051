/** Goal: clients of other makers get what `/predict` gives, over gRPC, as their users call it. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findProgram } from "../support/programs.js";
import { endServers, startServer } from "../support/server-process.js";
import { difference, shellBlocks } from "../support/shell-blocks.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const script = fileURLToPath(new URL("triton_grpc_client.py", import.meta.url));
const prediction = 56.654319763183594;

let address: string;

beforeAll(async () => {
  const server = await startServer(models, "--grpc-port", "0");
  const { grpc_port: port } = await server.untilLogged(({ message }) => message === "ready");
  address = `127.0.0.1:${port}`;
});

afterAll(endServers);

test("grpcurl, which has no file of ours, by reflection", (context) => {
  const grpcurl =
    findProgram("grpcurl") ??
    context.skip("grpcurl isn't installed: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4");
  const run = (...args: string[]) => execFileSync(grpcurl, ["-plaintext", ...args], { encoding: "utf8" });
  expect(run(address, "list").split("\n")).toContain("inference.GRPCInferenceService");
  const row = { feature_search_interest: 61.2, feature_price: 101.3, feature_promo: 1 };
  const inputs = Object.entries(row).map(([name, value]) => ({
    name,
    datatype: "FP64",
    shape: [1],
    contents: { fp64_contents: [value] },
  }));
  const request = JSON.stringify({ model_name: "demand", inputs });
  const reply = JSON.parse(run("-d", request, address, "inference.GRPCInferenceService/ModelInfer"));
  expect(reply.outputs[0].contents.fp64Contents).toEqual([prediction]);
});

test("the commands of docs/grpc.md give what it shows", (context) => {
  const grpcurl = findProgram("grpcurl") ?? context.skip("grpcurl isn't installed: see the test before");
  const blocks = shellBlocks(readFileSync("docs/grpc.md", "utf8")).filter(({ script }) => !script.startsWith("npm"));
  expect(blocks.length).toBeGreaterThan(2);
  for (const { script, expected } of blocks) {
    const here = script.replaceAll("127.0.0.1:8001", address).replaceAll("grpcurl ", `${grpcurl} `);
    const output = execFileSync("sh", ["-ec", here], { encoding: "utf8" });
    expect(difference(expected!, output), script).toBeUndefined();
  }
});

test("NVIDIA's tritonclient, with its stream", (context) => {
  const python =
    process.env.TRITON_CLIENT_PYTHON ?? context.skip("tritonclient isn't installed: npm run test:real says why");
  expect(JSON.parse(execFileSync(python, [script, address], { encoding: "utf8" }))).toEqual({
    ready: [true, true, true],
    rows: 10_000,
    prediction: [[prediction], [prediction]],
    refused: "StatusCode.NOT_FOUND",
    streamed: ["demand", expect.stringMatching(/^there is no model "none"/), "demand"],
  });
});
