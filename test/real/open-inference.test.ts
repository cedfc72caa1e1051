/** Goal: NVIDIA's own client works unchanged, and its users get the bits that `/predict` gives. */

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, readBundle } from "../../bundle/index.js";
import { post } from "../support/http-client.js";
import { tensorsOfRows } from "../support/row-tensors.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const script = fileURLToPath(new URL("triton_client.py", import.meta.url));
/** Python with tritonclient; `npm run test:real` makes it where it can. */
const python = process.env.TRITON_CLIENT_PYTHON;
/** Not to be refused on a machine that is busy with other things. */
const patienceUs = 60_000_000;
let server: ServerProcess;

beforeAll(async () => {
  server = await startServer(models, "--default-model", "demand", "--access-log", "off");
});

afterAll(endServers);

// biome-ignore lint/suspicious/noExplicitAny: what the client made of the answers
function callAll(context: { skip(note?: string): never }, cases: readonly object[]): any[] {
  if (python === undefined) context.skip("tritonclient isn't installed: npm run test:real gets it where it can");
  const input = cases.map((each) => `${JSON.stringify(each)}\n`).join("");
  const { status, stdout, stderr } = spawnSync(python!, [script, `127.0.0.1:${server.httpPort}`], {
    input,
    encoding: "utf8",
  });
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Columns as the script takes them. */
function inputsOf(bundle: Bundle, rows: readonly Readonly<Record<string, unknown>>[]) {
  return tensorsOfRows(bundle.rowSchema.features, rows, "json").map(({ name, datatype, data }) => [
    name,
    datatype,
    data,
  ]);
}

describe.each(readdirSync(models))("%s", (model) => {
  test("golden rows have the bits of /predict, as binary data and in JSON", async (context) => {
    const bundle = await readBundle(`${models}/${model}/1`);
    // JSON has no NaN, and the client writes it all the same: rows with a missing number go as binary data alone.
    const golden = bundle.golden.filter(({ error }) => error === undefined).slice(0, 200);
    const whole = golden.filter(({ rowJson }) => !rowJson.includes("null"));
    expect(whole.length).toBeGreaterThan(50);
    const cases = [true, false].map((is_binary) => {
      const rows = (is_binary ? golden : whole).map(({ rowJson }) => JSON.parse(rowJson));
      const outputs = is_binary ? [] : [{ name: "prediction" }];
      return {
        call: "infer",
        model,
        is_binary,
        outputs,
        inputs: inputsOf(bundle, rows),
        request_id: "g",
        timeout: patienceUs,
      };
    });
    const [binary, text] = callAll(context, cases);
    const predict = async (rows: typeof golden) => {
      const body = `{"rows":[${rows.map(({ rowJson }) => rowJson).join(",")}]}`;
      const headers = { "x-timeout-ms": String(patienceUs / 1000) };
      const { status, json } = await post(server.httpPort, `/models/${model}/predict`, body, { headers });
      expect(status).toBe(200);
      return json;
    };
    const { predictions, probabilities } = await predict(golden);
    expect(binary).toMatchObject({ id: "g", version: "1" });
    expect(binary.outputs.prediction).toEqual(predictions);
    expect(binary.outputs.probabilities).toEqual(probabilities?.flatMap(Object.values));
    expect(text.outputs).toEqual({ prediction: (await predict(whole)).predictions });
  });
});

test("what its users ask beside predictions is answered", (context) => {
  const [live, ready, modelReady, unknownReady, metadata, model, config] = callAll(context, [
    { call: "is_server_live" },
    { call: "is_server_ready" },
    { call: "is_model_ready", model_name: "demand", model_version: "1" },
    { call: "is_model_ready", model_name: "none" },
    { call: "get_server_metadata" },
    { call: "get_model_metadata", model_name: "demand" },
    { call: "get_model_config", model_name: "demand" },
  ]);
  expect([live, ready, modelReady, unknownReady]).toEqual([true, true, true, false]);
  expect(metadata.extensions).toContain("binary_tensor_data");
  expect(model.inputs).toHaveLength(3);
  expect(config.max_batch_size).toBe(10_000);
});

test("its users read what is wrong", (context) => {
  const inputs = [["feature_price", "FP64", [1.5]]];
  const [unknown, missing] = callAll(context, [
    { call: "infer", model: "none", is_binary: true, inputs },
    { call: "infer", model: "demand", is_binary: true, inputs },
  ]);
  expect(unknown).toMatchObject({ status: "404" });
  expect(missing).toMatchObject({ status: "400", error: expect.stringMatching(/^inputs: expected a tensor/) });
});

test("classes are asked for as elsewhere", (context) => {
  const row = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`pixel_${i >> 3}_${i & 7}`, i % 16]));
  const inputs = Object.entries(row).map(([name, value]) => [name, "INT64", [value]]);
  const outputs = [{ name: "probabilities", class_count: 3 }];
  const [answer] = callAll(context, [{ call: "infer", model: "digits", is_binary: true, inputs, outputs }]);
  expect(answer.outputs.probabilities).toEqual(Array(3).fill(expect.stringMatching(/^[\d.e-]+:\d:\d$/)));
});
