/**
 * Goal: under `<model>.onnx` the model's own tensors are served, on the same lane as rows: blocks that the bundle's graph
 * made of its golden rows give raw outputs that its postprocessing turns into what `/predict` answers, bit for bit; over
 * gRPC and on both members of HTTP.
 */

import { Buffer } from "node:buffer";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GoldenAnswer, readBundle } from "../../bundle/index.js";
import { type Block, createPostprocessor, createPreprocessor } from "../../preprocessing/index.js";
import { GrpcClient, inferRequest, readOutputs } from "../support/grpc-client.js";
import { ask, post } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { metric } from "../support/metrics.js";
import { lengthHeader, type Message, makeMessage, type ReceivedOutput, readReply } from "../support/open-inference.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
/** Not to be refused on a machine that is busy with other things. */
const patiently = { "x-timeout-ms": "60000" };

const servers = new Map<string, ServerProcess>();
let client: GrpcClient;

beforeAll(async () => {
  for (const { name } of members) {
    const server = await startServer(models, "--http", name, "--grpc-port", "0", "--default-model", "demand");
    servers.set(name, server);
    const ready = await server.untilLogged(({ message }) => message === "ready");
    client ??= new GrpcClient(ready.grpc_port as number);
  }
});

afterAll(async () => {
  client.close();
  await endServers();
});

async function infer(server: ServerProcess, path: string, { body, header }: Message) {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, {
    method: "POST",
    body: new Uint8Array(body),
    headers: { ...patiently, ...(header !== "" && { [lengthHeader]: header }) },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) return { status: response.status, error: JSON.parse(bytes.toString()).error as string };
  const { headers } = response;
  return { status: 200, headers, reply: readReply(bytes, headers.get(lengthHeader) ?? undefined) };
}

/** A bundle's golden rows as blocks, what its raw outputs are turned into, and what `/predict` answers. */
async function goldenOf(name: string, isTaken: (row: GoldenAnswer) => boolean = () => true) {
  const bundle = await readBundle(`${models}/${name}/1`);
  const golden = bundle.golden.filter((row): row is GoldenAnswer => row.error === undefined && isTaken(row));
  const preprocessor = createPreprocessor(bundle.preprocessing);
  const rows = golden.map(({ rowJson }) => JSON.parse(rowJson));
  const blocks: Block[] = preprocessor.outputs.map(({ dtype, width }) =>
    dtype === "float32" ? new Float32Array(rows.length * width) : new Float64Array(rows.length * width),
  );
  preprocessor.run(rows, blocks);
  const inputs = preprocessor.outputs.map(({ name, dtype, shape: [, ...dims] }, at) => ({
    name,
    datatype: dtype === "float32" ? "FP32" : "FP64",
    shape: [rows.length, ...dims],
    bytes: Buffer.from(blocks[at]!.buffer),
  }));
  const postprocessor = createPostprocessor(bundle.postprocessing);
  const predict = (outputs: readonly ReceivedOutput[]) => {
    const raw = outputs.map(({ datatype, data }) =>
      datatype === "FP32" ? Float32Array.from(data as number[]) : Float64Array.from(data as number[]),
    );
    const { predictions, probabilities } = postprocessor.run(raw, 0, rows.length);
    return { predictions, probabilities: probabilities && [...probabilities] };
  };
  const body = `{"rows": [${golden.map(({ rowJson }) => rowJson)}]}`;
  const { json } = await post(servers.get("node")!.httpPort, `/models/${name}/predict`, body, { headers: patiently });
  const expected = {
    predictions: json.predictions as unknown[],
    probabilities: json.probabilities?.flatMap((row: Record<string, number>) => Object.values(row)),
  };
  if (bundle.manifest.parity.tier === "A")
    expect(golden.map(({ prediction }) => prediction)).toEqual(expected.predictions);
  return { inputs, predict, expected, rows, width: preprocessor.outputs[0]!.width, raw: postprocessor.inputs };
}

describe.each(readdirSync(models))("%s", (name) => {
  let golden: Awaited<ReturnType<typeof goldenOf>>;

  beforeAll(async () => {
    golden = await goldenOf(name);
  });

  test.each(members.map((member) => member.name))("golden blocks give what their rows give (HTTP %s)", async (http) => {
    const { inputs, predict, expected } = golden;
    const parameters = { binary_data_output: true };
    for (const path of [`/v2/models/${name}.onnx`, `/v2/models/${name}.onnx/versions/1`]) {
      const { reply } = await infer(servers.get(http)!, `${path}/infer`, makeMessage(inputs, { id: "g", parameters }));
      expect(reply).toMatchObject({ id: "g", model_name: `${name}.onnx`, model_version: "1" });
      expect(predict(reply!.outputs)).toEqual(expected);
    }
  });

  test("and over gRPC, and in JSON", async () => {
    const { inputs, predict, expected } = golden;
    const request = { model_name: `${name}.onnx`, ...inferRequest(inputs) };
    const { reply, error } = await client.call("ModelInfer", request, { deadline: Date.now() + 60_000 });
    expect(error).toBeUndefined();
    expect(predict(readOutputs(reply))).toEqual(expected);
  });

  test("and in JSON, which has no infinity", async () => {
    const fitsJson = ({ features }: GoldenAnswer) =>
      Object.values(features).every((values) => values.every((value) => Math.abs(value) < 3e38 || Number.isNaN(value)));
    const { inputs, predict, expected } = await goldenOf(name, fitsJson);
    const inText = inputs.map(({ bytes, ...input }) => {
      const values = new (input.datatype === "FP32" ? Float32Array : Float64Array)(Uint8Array.from(bytes).buffer);
      return { ...input, data: Array.from(values, (value) => (Number.isNaN(value) ? null : value)) };
    });
    const json = await infer(servers.get("node")!, `/v2/models/${name}.onnx/infer`, makeMessage(inText));
    expect(predict(json.reply!.outputs)).toEqual(expected);
  });

  test.each(members.map((member) => member.name))(
    "a raw request is one row of its only block (HTTP %s)",
    async (http) => {
      const { inputs, width } = golden;
      const whole = await infer(servers.get(http)!, `/v2/models/${name}.onnx/infer`, makeMessage(inputs));
      const [{ bytes, datatype }] = inputs as [(typeof inputs)[number]];
      const rowBytes = width * (datatype === "FP32" ? 4 : 8);
      for (const row of [0, 7]) {
        const body = bytes.subarray(row * rowBytes, (row + 1) * rowBytes);
        const { reply, headers } = await infer(servers.get(http)!, `/v2/models/${name}.onnx/infer`, {
          body,
          header: "0",
        });
        expect(headers!.get("content-type")).toBe("application/octet-stream");
        for (const [at, { shape, data }] of reply!.outputs.entries()) {
          const outputWidth = shape[1]!;
          const of = whole.reply!.outputs[at]!.data.slice(row * outputWidth, (row + 1) * outputWidth);
          expect({ shape, data }).toEqual({ shape: [1, outputWidth], data: of });
        }
      }
    },
  );

  test("its metadata, readiness and configuration are the model's", async () => {
    const { inputs, raw } = golden;
    const { httpPort } = servers.get("node")!;
    const path = `/v2/models/${name}.onnx`;
    const { json } = await ask(httpPort, path);
    expect(json).toEqual({
      name: `${name}.onnx`,
      versions: ["1"],
      platform: "onnx_onnxv1",
      inputs: inputs.map(({ name, datatype, shape: [, ...dims] }) => ({ name, datatype, shape: [-1, ...dims] })),
      outputs: raw.map(({ name, dtype, width }) => ({
        name: name.replace("main.", ""),
        datatype: dtype === "float32" ? "FP32" : "FP64",
        shape: [-1, width],
      })),
    });
    const { reply } = await client.call("ModelMetadata", { name: `${name}.onnx`, version: "1" });
    const shapes = (tensors: readonly { name: string; shape: readonly string[] }[]) =>
      tensors.map((tensor) => [tensor.name, tensor.shape.map(Number)]);
    expect(shapes(reply.inputs)).toEqual(json.inputs.map((input: ReceivedOutput) => [input.name, input.shape]));
    expect(shapes(reply.outputs)).toEqual(json.outputs.map((output: ReceivedOutput) => [output.name, output.shape]));
    expect((await ask(httpPort, `${path}/versions/1/ready`)).json).toEqual({ name: `${name}.onnx`, ready: true });
    expect((await ask(httpPort, `${path}/config`)).json.input[0].name).toBe(inputs[0]!.name);
  });
});

test("blocks and rows run on one lane, and are counted together; no list has a model of its own for them", async () => {
  const server = servers.get("node")!;
  const { inputs, predict, expected, rows } = await goldenOf("demand");
  const before = await metric(server, "nv_inference_count", { model: "demand" });
  const message = makeMessage(inputs);
  const calls = Array.from({ length: 4 }, async () => {
    const [blocks, { json }] = await Promise.all([
      infer(server, "/v2/models/demand.onnx/infer", message),
      post(server.httpPort, "/models/demand/predict", { rows }, { headers: patiently }),
    ]);
    expect(predict(blocks.reply!.outputs).predictions).toEqual(expected.predictions);
    expect(json.predictions).toEqual(expected.predictions);
  });
  await Promise.all(calls);
  const after = await metric(server, "nv_inference_count", { model: "demand" });
  expect(after - before).toBe(8 * rows.length);
  expect(await metric(server, "nv_inference_count", { model: "demand.onnx" })).toBe(0);
  const { json } = await ask(server.httpPort, "/models");
  expect(json.models.map(({ name }: { name: string }) => name)).toEqual(readdirSync(models));
});

test("what goes wrong is said as of rows", async () => {
  const server = servers.get("node")!;
  const block = (...values: readonly number[]) =>
    makeMessage([
      { name: "X", datatype: "FP32", shape: [1, values.length], bytes: Buffer.from(Float32Array.from(values).buffer) },
    ]);
  const { width } = await goldenOf("demand");
  const values = new Array<number>(width).fill(1);
  const path = "/v2/models/demand.onnx/infer";
  expect((await infer(server, path, block(...values))).status).toBe(200);
  expect(await infer(server, path, block(1))).toMatchObject({ status: 400 });
  expect(await infer(server, "/v2/models/none.onnx/infer", block(...values))).toEqual({
    status: 404,
    error: expect.stringContaining('there is no model "none.onnx"'),
  });
  const late = {
    ...inferRequest([{ name: "X", datatype: "FP32", shape: [1, 1], data: [1] }]),
    model_name: "demand.onnx",
  };
  const { error } = await client.call("ModelInfer", late);
  expect(error!.code).toBe(status.INVALID_ARGUMENT);
  // Rows have no view.
  const answer = await post(server.httpPort, "/models/demand.onnx/predict", {});
  expect([answer.status, answer.json.error.code]).toEqual([404, "model_not_found"]);
});
