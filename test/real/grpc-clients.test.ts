/** Goal: clients of other makers get what `/predict` gives, over gRPC, as their users call it. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readBundle } from "../../bundle/index.js";
import { goldenRows, patiently } from "../support/golden-rows.js";
import { post } from "../support/http-client.js";
import { findProgram } from "../support/programs.js";
import { endServers, startServer } from "../support/server-process.js";
import { difference, shellBlocks } from "../support/shell-blocks.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const script = fileURLToPath(new URL("triton_grpc_client.py", import.meta.url));
const prediction = 56.654319763183594;

const typedScript = fileURLToPath(new URL("typed_client.py", import.meta.url));

let address: string;
let httpPort: number;

beforeAll(async () => {
  const server = await startServer(models, "--grpc-port", "0");
  const { grpc_port: port } = await server.untilLogged(({ message }) => message === "ready");
  address = `127.0.0.1:${port}`;
  httpPort = server.httpPort;
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

test.for(readdirSync(models))("the typed client that grpcio-tools makes of the proto of %s", async (name, context) => {
  const python =
    process.env.TRITON_CLIENT_PYTHON ?? context.skip("grpcio-tools isn't installed: npm run test:real says why");
  const golden = goldenRows(await readBundle(`${models}/${name}/1`));
  const body = `{"rows":[${golden.map(({ rowJson }) => rowJson).join(",")}]}`;
  const { json } = await post(httpPort, `/models/${name}/predict`, body, { headers: patiently });
  const { predictions, probabilities } = json;
  const folder = mkdtempSync(join(tmpdir(), "typed-client-"));
  try {
    const proto = await fetch(`http://127.0.0.1:${httpPort}/models/${name}/proto`);
    writeFileSync(join(folder, "model.proto"), await proto.text());
    const output = execFileSync(python!, [typedScript, address, folder], { input: body, encoding: "utf8" });
    expect(JSON.parse(output)).toEqual({ predictions, ...(probabilities && { probabilities }) });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("grpc-health-probe finds the server and its models ready", (context) => {
  const probe =
    findProgram("grpc-health-probe") ??
    context.skip("grpc-health-probe isn't installed: go install github.com/grpc-ecosystem/grpc-health-probe@v0.4.62");
  const run = (...args: string[]) => spawnSync(probe, [`-addr=${address}`, ...args], { encoding: "utf8" });
  for (const service of ["", "inference.GRPCInferenceService", "plumb.models.demand.Predictor"])
    expect(run(`-service=${service}`)).toMatchObject({ status: 0, stderr: "status: SERVING\n" });
  expect(run("-service=plumb.models.none.Predictor").status).toBe(3);
});
