/**
 * Goal: the Open Inference Protocol answers thousands of rows at once, and what else clients ask, in the form that they
 * know. That its answers are those of `/predict` is in doors.test.ts.
 */

import { Buffer } from "node:buffer";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, readBundle } from "../../bundle/index.js";
import {
  type Answers,
  answersOf,
  goldenRows,
  patiently,
  predictRows,
  type Row,
  type SentRow,
} from "../support/golden-rows.js";
import { lengthHeader, type Message, makeMessage, readReply } from "../support/open-inference.js";
import { tensorsOfRows } from "../support/row-tensors.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
let server: ServerProcess;

beforeAll(async () => {
  server = await startServer(models, "--default-model", "demand", "--access-log", "off");
});

afterAll(endServers);

async function call(path: string, message?: Message, method = message === undefined ? "GET" : "POST") {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, {
    method,
    ...(message && { body: new Uint8Array(message.body) }),
    headers: { ...patiently, ...(message && message.header !== "" && { [lengthHeader]: message.header }) },
  });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

async function refusal(path: string, message?: Message, method?: string) {
  const { status, bytes } = await call(path, message, method);
  const body = JSON.parse(bytes.toString()) as { error: string };
  expect(Object.keys(body)).toEqual(["error"]);
  return [status, body.error];
}

async function infer(name: string, message: Message): Promise<Answers> {
  const { status, headers, bytes } = await call(`/v2/models/${name}/infer`, message);
  expect([status, status === 200 ? "" : bytes.toString()]).toEqual([200, ""]);
  const reply = readReply(bytes, headers.get(lengthHeader) ?? undefined);
  expect(reply).toMatchObject({ id: "g", model_name: name, model_version: "1" });
  return answersOf(reply.outputs);
}

describe.each(readdirSync(models))("%s", (name) => {
  let bundle: Bundle;
  let golden: readonly SentRow[];

  beforeAll(async () => {
    bundle = await readBundle(`${models}/${name}/1`);
    golden = goldenRows(bundle);
  });

  const messageOf = (rows: readonly Row[], form: "json" | "binary") =>
    makeMessage(tensorsOfRows(bundle.rowSchema.features, rows, form), {
      id: "g",
      parameters: { binary_data_output: form === "binary" },
    });

  test("thousands of rows at once, which are taken in slices", async () => {
    const many = Array.from({ length: 4000 }, (_, i) => golden[i % golden.length]!);
    const expected = await predictRows(server.httpPort, name, golden);
    for (const form of ["json", "binary"] as const) {
      const rows = many.slice(
        0,
        Math.floor((bundle.manifest.limits.body_bytes_max / messageOf([many[0]!.row], form).body.length) * 4),
      );
      const { predictions } = await infer(
        name,
        messageOf(
          rows.map(({ row }) => row),
          form,
        ),
      );
      expect(predictions).toEqual(rows.map((_, i) => expected.predictions[i % golden.length]));
    }
  });

  test("rows that the schema refuses are the caller's fault, and nothing of them is left", async () => {
    const { row } = golden[0]!;
    const [feature] = bundle.rowSchema.features;
    const inputs = tensorsOfRows(bundle.rowSchema.features, [{ ...row, [feature!.name]: -1 }, row], "binary");
    expect(await refusal(`/v2/models/${name}/infer`, makeMessage(inputs))).toEqual([
      400,
      expect.stringMatching(
        new RegExp(`^row 0, feature "${feature!.name}": expected an? (?:number|integer) .*, got the number -1$`),
      ),
    ]);
  });

  test("its metadata name its tensors", async () => {
    const { bytes } = await call(`/v2/models/${name}`);
    const metadata = JSON.parse(bytes.toString());
    expect(metadata).toMatchObject({ name, versions: ["1"], platform: "onnx_onnxv1" });
    expect(metadata.inputs.map((input: { name: string }) => input.name)).toEqual(
      bundle.rowSchema.features.map((feature) => feature.name),
    );
    expect(metadata.outputs[0].name).toBe("prediction");
    expect(JSON.parse((await call(`/v2/models/${name}/versions/1`)).bytes.toString())).toEqual(metadata);
  });
});

test("the server says what it is, and that it is ready", async () => {
  const json = async (path: string) => {
    const { status, bytes } = await call(path);
    return [status, JSON.parse(bytes.toString())];
  };
  expect(await json("/v2")).toEqual([
    200,
    {
      name: "plumb",
      version: expect.stringMatching(/^\d/),
      extensions: ["classification", "model_configuration", "binary_tensor_data", "statistics"],
    },
  ]);
  expect(await json("/v2/health/live")).toEqual([200, { live: true }]);
  expect(await json("/v2/health/ready")).toEqual([200, { ready: true }]);
  expect(await json("/v2/models/demand/ready")).toEqual([200, { name: "demand", ready: true }]);
  expect(await json("/v2/models/demand/versions/1/ready")).toEqual([200, { name: "demand", ready: true }]);
});

const row = { feature_search_interest: 61.2, feature_price: 101.3, feature_promo: 1 };
const good = makeMessage(
  Object.entries(row).map(([name, value]) => ({ name, datatype: "FP64", shape: [1], data: [value] })),
);

describe("what goes wrong has the protocol's form", () => {
  test.each([
    ["/v2/models/none/infer", good, undefined, 404, /^there is no model "none"/],
    ["/v2/models/demand/versions/7/infer", good, undefined, 404, /has no version "7"/],
    ["/v2/models/none", undefined, undefined, 404, /^there is no model/],
    ["/v2/models/none/ready", undefined, undefined, 404, /^there is no model/],
    ["/v2/models/demand/infer", undefined, "GET", 405, /^GET isn't served here: expected POST$/],
    ["/v2/models/demand", good, "POST", 405, /^POST isn't served here/],
    ["/v2", good, "POST", 405, /^POST isn't served here/],
    ["/v2/models/demand/none", undefined, undefined, 404, /^nothing is served at/],
    ["/v2/models/demand/infer", { body: Buffer.from("{"), header: "" }, undefined, 400, /^the body isn't JSON/],
    ["/v2/models/demand/infer", { ...good, header: "9999" }, undefined, 400, /^inference-header-content-length/],
    ["/v2/models/demand/infer", { body: Buffer.alloc(1_048_577), header: "" }, undefined, 413, /^the body: expected/],
  ])("%s", async (path, message, method, status, words) => {
    expect(await refusal(path, message, method)).toEqual([status, expect.stringMatching(words)]);
  });
});

test("the caller's own time is kept", async () => {
  const rows = Array.from({ length: 10_000 }, () => row);
  const bundle = await readBundle(`${models}/demand/1`);
  const inputs = tensorsOfRows(bundle.rowSchema.features, rows, "binary");
  const [status] = await refusal("/v2/models/demand/infer", makeMessage(inputs, { parameters: { timeout: 1 } }));
  expect([503, 504]).toContain(status);
});
