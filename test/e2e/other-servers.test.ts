/**
 * Goal: who comes from TensorFlow Serving, KServe, Vertex AI, SageMaker or MLflow gets, for a row in any of their forms,
 * the bits that `/predict` gives, of every model that is shipped; and the addresses and errors that they know.
 */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, readBundle } from "../../bundle/index.js";
import { goldenRows, patiently, type Row } from "../support/golden-rows.js";
import { type Asked, ask, post } from "../support/http-client.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";
import { toJson } from "../support/to-json.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
const origin = "https://app.example.com";
let server: ServerProcess;

beforeAll(async () => {
  server = await startServer(
    models,
    ...["--default-model", "demand", "--access-log", "off", "--cors-origins", `http://localhost:3000, ${origin}`],
    ...["--predict-route", "/vertex:predict", "--health-route", "/vertex"],
  );
});

afterAll(endServers);

const fields = { fields: ["prediction", "probabilities"] };

async function send(path: string, body: unknown, headers?: Record<string, string>) {
  const reply = await post(server.httpPort, path, typeof body === "string" ? body : toJson(body), {
    headers: { ...patiently, ...headers },
  });
  expect([reply.status, reply.status === 200 ? "" : reply.text]).toEqual([200, ""]);
  return reply;
}

describe.each(readdirSync(models))("%s", (name) => {
  let bundle: Bundle;
  let rows: readonly Row[];
  let expected: { predictions: unknown[]; probabilities?: object[] };

  beforeAll(async () => {
    bundle = await readBundle(`${models}/${name}/1`);
    rows = goldenRows(bundle).map(({ row }) => row);
    expected = (await send(`/models/${name}/predict`, { rows })).json;
  });

  const names = () => bundle.rowSchema.features.map((feature) => feature.name);
  const lists = () => rows.map((row) => names().map((feature) => row[feature] ?? null));

  test("instances are answered with the bits of /predict, as objects and as lists, and so are columns", async () => {
    const path = `/v1/models/${name}/versions/1:predict`;
    const columns = Object.fromEntries(names().map((feature) => [feature, rows.map((row) => row[feature] ?? null)]));
    expect((await send(path, { instances: rows })).json).toEqual({ predictions: expected.predictions });
    expect((await send(path, { instances: lists() })).json).toEqual({ predictions: expected.predictions });
    expect((await send(path, { inputs: columns })).json).toEqual({ outputs: expected.predictions });
  });

  test("and their probabilities, where they are asked for", async () => {
    const { probabilities } = expected;
    if (probabilities === undefined) return;
    const { json } = await send(`/v1/models/${name}:predict`, { instances: lists(), parameters: fields });
    expect(json.predictions).toEqual(
      expected.predictions.map((prediction, row) => ({ prediction, probabilities: probabilities[row] })),
    );
    const top = (await send(`/models/${name}/predict`, { rows, fields: ["top:1"] })).json.top;
    expect(top.map(([{ label }]: [{ label: unknown }]) => label)).toEqual(expected.predictions);
  });

  test("each row alone, and a list without an envelope", async () => {
    for (const [at, row] of rows.slice(0, 20).entries())
      expect((await send(`/v1/models/${name}:predict`, { instances: [row] })).json.predictions).toEqual([
        expected.predictions[at],
      ]);
    expect((await send(`/models/${name}/predict`, rows)).json.predictions).toEqual(expected.predictions);
  });

  test("a reply's head names the version and its digest", async () => {
    const { headers } = await send(`/v1/models/${name}:predict`, { instances: rows.slice(0, 1) });
    expect([headers["x-plumb-version"], headers["x-plumb-digest"]]).toEqual(["1", bundle.digest]);
  });
});

describe("/invocations", () => {
  let rows: readonly Row[];
  let predictions: unknown[];
  const names = ["feature_search_interest", "feature_price", "feature_promo"];

  beforeAll(async () => {
    rows = goldenRows(await readBundle(`${models}/demand/1`)).map(({ row }) => row);
    predictions = (await send("/predict", { rows })).json.predictions;
  });

  test("takes each of MLflow's forms", async () => {
    const data = rows.map((row) => names.map((name) => row[name] ?? null));
    const columns = Object.fromEntries(names.map((name, at) => [name, data.map((values) => values[at])]));
    for (const body of [
      { dataframe_split: { columns: names, data } },
      { dataframe_records: rows },
      { instances: data },
      { inputs: columns },
      data,
    ])
      expect((await send("/invocations", body)).json).toEqual({ predictions });
  });

  test("takes CSV, with names and without", async () => {
    const cell = (value: unknown) => (value === null || value === undefined ? "" : Object.is(value, -0) ? "-0" : value);
    const lines = rows.map((row) => names.map((name) => cell(row[name])).join(","));
    for (const text of [[names.join(","), ...lines].join("\n"), lines.join("\r\n")])
      expect((await send("/invocations", text, { "content-type": "text/csv" })).json).toEqual({ predictions });
  });

  test("refuses in MLflow's form", async () => {
    const { status, json } = await post(server.httpPort, "/invocations", '{"instances": []}');
    expect([status, json.error_code]).toEqual([400, "BAD_REQUEST"]);
    const image = await post(server.httpPort, "/invocations", "x", { headers: { "content-type": "image/png" } });
    expect([image.status, image.json.message]).toEqual([415, expect.stringContaining("text/csv")]);
  });

  test("takes Vertex AI's form at its own address", async () => {
    expect((await send("/vertex:predict", { instances: rows })).json).toEqual({ predictions });
    expect((await ask(server.httpPort, "/vertex")).json).toEqual({ ready: true });
    expect((await ask(server.httpPort, "/ping")).status).toBe(200);
  });

  test("and a context is what all rows share", async () => {
    const { feature_promo, ...rest } = rows[0]!;
    const { json } = await send("/predict", { context: { feature_promo }, rows: [rest, rest] });
    expect(json.predictions).toEqual([predictions[0], predictions[0]]);
  });
});

test("models and their states are listed as KServe and TensorFlow Serving list them", async () => {
  const get = async (path: string) => {
    const { status, json } = await ask(server.httpPort, path);
    return [status, json];
  };
  expect(await get("/v1/models")).toEqual([200, { models: readdirSync(models).sort() }]);
  const status = {
    name: "demand",
    ready: true,
    model_version_status: [{ version: "1", state: "AVAILABLE", status: { error_code: "OK", error_message: "" } }],
  };
  expect(await get("/v1/models/demand")).toEqual([200, status]);
  expect(await get("/v1/models/demand/versions/1")).toEqual([200, status]);
  expect(await get("/v1/models/demand/versions/7")).toEqual([404, { error: expect.stringContaining("no version") }]);
  expect(await get("/v1/models/none")).toEqual([404, { error: expect.stringMatching(/^there is no model "none"/) }]);
});

test.each<[string, Asked, number, RegExp]>([
  ["/v1/models/none:predict", { method: "POST", body: '{"instances": [1]}' }, 404, /^there is no model "none"/],
  ["/v1/models/demand:predict", { method: "POST", body: "{" }, 400, /^the body isn't JSON/],
  ["/v1/models/demand:predict", { method: "POST", body: '{"instances": [{}]}' }, 400, /^row 0, feature/],
  ["/v1/models/demand:classify", { method: "POST", body: "{}" }, 405, /^POST isn't served here/],
])("%s: what goes wrong has the protocol's form", async (path, asked, status, words) => {
  const { json, ...reply } = await ask(server.httpPort, path, asked);
  expect([reply.status, json]).toEqual([status, { error: expect.stringMatching(words) }]);
});

describe("a page of another origin", () => {
  const preflight = (from: string) =>
    ask(server.httpPort, "/predict", {
      method: "OPTIONS",
      headers: { origin: from, "access-control-request-method": "POST" },
    });

  test("may call if it is listed", async () => {
    const asked = await preflight(origin);
    expect([asked.status, asked.headers["access-control-allow-origin"]]).toEqual([200, origin]);
    const reply = await ask(server.httpPort, "/predict", { method: "POST", body: "{}", headers: { origin } });
    expect([reply.status, reply.headers["access-control-allow-origin"]]).toEqual([415, origin]);
  });

  test("gets no header otherwise", async () => {
    const asked = await preflight("https://evil.example");
    expect([asked.status, asked.headers["access-control-allow-origin"]]).toEqual([405, undefined]);
  });
});

test("errors say as little as is set, in every protocol and at addresses that aren't served", async () => {
  const quiet = await startServer(models, "--default-model", "demand", "--errors", "codes");
  const said = async (path: string, body: string) => {
    const { status, text } = await post(quiet.httpPort, path, body);
    return [status, text.replace(/"request_id":"[^"]*"/, "")].join(" ");
  };
  const mismatch = "a row breaks the bundle's schema";
  expect(await said("/predict", '{"secret": 1}')).toBe(
    `422 {"error":{"code":"schema_mismatch","message":"${mismatch}","issues":[],}}`,
  );
  expect(await said("/v1/models/demand:predict", '{"instances": [{"secret": 1}]}')).toBe(`400 {"error":"${mismatch}"}`);
  for (const path of ["/models/secret/predict", "/v2/models/secret/infer", "/v1/models/secret:predict", "/secret"])
    expect(await said(path, '{"secret": 1}')).toMatch(/^404 (?!.*(?:secret|demand))/);
  expect((await ask(quiet.httpPort, "/models/secret")).text).not.toMatch(/secret|demand/);
});
