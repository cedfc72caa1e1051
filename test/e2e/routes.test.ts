/**
 * Goal: routes change which version answers while the server serves, by the page's own commands, alike over every door,
 * without a lost request; what is counted and written down of it is right.
 */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { armAt, bucketOf } from "../../server/routing/assignment.js";
import { GrpcClient } from "../support/grpc-client.js";
import { ask, post } from "../support/http-client.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { parsePrometheus } from "../support/prometheus-text.js";
import { endServers, type ServerProcess, startServer, startToEnd } from "../support/server-process.js";
import { difference, shellBlocks } from "../support/shell-blocks.js";

const run = promisify(execFile);
const properties = { customer_id: { type: ["string", "null"] } };
const demand = (version: number) => echoModel({ name: "demand", version, properties });
const patiently = { "x-timeout-ms": "60000" };

let store: ModelStore;
let server: ServerProcess;
let grpc: GrpcClient;

beforeAll(async () => {
  store = await writeStore(demand(1), demand(2), demand(3));
  // The route's oldest version is beyond the newest two.
  await writeFile(join(store.directory, "routes.json"), JSON.stringify({ routes: { demand: { champion: 1 } } }));
  // All three stay loaded, whatever route there is: the store is looked at meanwhile.
  const all = ["--versions-per-model", "3", "--mirror-hosts", "127.0.0.1"];
  server = await startServer(store.directory, "--grpc-port", "0", "--drain-quiet-ms", "0", ...all);
  const ready = await server.untilLogged(({ message }) => message === "ready");
  grpc = new GrpcClient(ready.grpc_port as number);
});
afterAll(async () => {
  grpc.close();
  await endServers();
  await store.remove();
});

const put = (route: object, headers: Record<string, string> = {}) =>
  post(server.adminPort, "/routes/demand", route, { method: "PUT", headers });

test("a start takes the file, and loads what it names", async () => {
  const { json, headers } = await post(server.httpPort, "/predict", { value: 3 }, { headers: patiently });
  expect([json.version, headers["x-plumb-arm"]]).toEqual([1, "champion"]);
  expect((await ask(server.adminPort, "/routes")).json).toEqual({
    format: "plumb-routes/1",
    routes: { demand: { champion: 1 } },
  });
});

const page = readFileSync(new URL("../../docs/release.md", import.meta.url), "utf8");
test.each(shellBlocks(page).map((block) => [block.line, block] as const))(
  "docs/release.md, line %i",
  async (_, { script, expected }) => {
    const here = script
      .replaceAll("127.0.0.1:8080", `127.0.0.1:${server.httpPort}`)
      .replaceAll("127.0.0.1:8082", `127.0.0.1:${server.adminPort}`);
    const { stdout } = await run("sh", ["-ec", here]);
    expect(difference(expected!, stdout.replaceAll("\r", ""))).toBeUndefined();
  },
);

test("every change is in the audit log, and the file is as the listener says", async () => {
  const text = await readFile(join(store.directory, "routes.audit.jsonl"), "utf8");
  const changes = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(changes.map(({ who, to, conditional }) => [who, to?.champion ?? null, conditional])).toEqual([
    // The first command of the page sets what holds already.
    ["ada", 1, false],
    ["ada", 1, false],
    ["ada", 2, true],
    ["admin", null, false],
  ]);
  expect(JSON.parse(await readFile(join(store.directory, "routes.json"), "utf8")).routes).toEqual({});
  expect((await ask(server.adminPort, "/routes/demand")).status).toBe(404);
});

/** The version and the arm that a customer has, by each door. */
const doors: Record<string, (customer: string) => Promise<[number, string | undefined]>> = {
  "/predict": (customer) => byHttp("/models/demand/predict", { value: 1, customer_id: customer }),
  "/v2": (customer) =>
    byHttp("/v2/models/demand/infer", {
      inputs: [
        { name: "value", datatype: "FP64", shape: [1], data: [1] },
        { name: "customer_id", datatype: "BYTES", shape: [1], data: [customer] },
      ],
    }),
  "/v1": (customer) => byHttp("/v1/models/demand:predict", { instances: [{ value: 1, customer_id: customer }] }),
  "the typed proto": (customer) =>
    byHttp("/plumb.models.demand.Predictor/Predict", { rows: [{ value: 1, customerId: customer }] }),
  gRPC: async (customer) => {
    const { reply, trailers } = await grpc.call("ModelInfer", inferOf(customer), { deadline: Date.now() + 60_000 });
    return [Number(reply.model_version), trailers.get("x-plumb-arm")[0] as string];
  },
  "a stream of gRPC": async (customer) => {
    const stream = grpc.open("ModelStreamInfer", { deadline: Date.now() + 60_000 });
    stream.end(inferOf(customer));
    const [reply] = await stream.toArray();
    const { model_version, parameters } = reply.infer_response;
    return [Number(model_version), parameters["x-plumb-arm"].string_param];
  },
};

const inferOf = (customer: string) => ({
  model_name: "demand",
  inputs: [
    { name: "value", datatype: "FP64", shape: [1], contents: { fp64_contents: [1] } },
    { name: "customer_id", datatype: "BYTES", shape: [1], contents: { bytes_contents: [Buffer.from(customer)] } },
  ],
});

async function byHttp(path: string, body: object): Promise<[number, string | undefined]> {
  const { headers } = await post(server.httpPort, path, body, { headers: patiently });
  return [Number(headers["x-plumb-version"]), headers["x-plumb-arm"] as string];
}

test("a customer has one arm, by every door, and the metrics count each call under it", async () => {
  const { status } = await put({
    champion: 1,
    canary: { version: 3, share: 0.25 },
    assign_by: { feature: "customer_id" },
  });
  expect(status).toBe(200);
  const customers = Array.from({ length: 24 }, (_, index) => `customer-${index}`);
  const expected = customers.map((customer) => {
    const arm = armAt(bucketOf("demand/3", customer), 2500);
    return [arm === "canary" ? 3 : 1, arm];
  });
  expect(new Set(expected.map(([, arm]) => arm))).toEqual(new Set(["champion", "control", "canary"]));
  const before = await armCounts();
  for (const [door, askFor] of Object.entries(doors)) {
    const answered = [];
    for (const customer of customers) answered.push(await askFor(customer));
    expect(answered, door).toEqual(expected);
  }
  // A version's own address is no part of it.
  const { headers } = await post(server.httpPort, "/models/demand/versions/3/predict", { value: 1 });
  expect([headers["x-plumb-version"], headers["x-plumb-arm"]]).toEqual(["3", undefined]);
  const after = await armCounts();
  for (const arm of ["champion", "control", "canary"]) {
    const calls = expected.filter(([, one]) => one === arm).length * Object.keys(doors).length;
    expect((after.get(arm) ?? 0) - (before.get(arm) ?? 0), arm).toBe(calls);
  }
});

async function armCounts(): Promise<Map<string, number>> {
  const families = parsePrometheus((await ask(server.adminPort, "/metrics")).text);
  const counts = new Map<string, number>();
  for (const { labels, value } of families.get("plumb_arm_requests_total")!.samples)
    if (labels.result === "ok") counts.set(labels.arm!, (counts.get(labels.arm!) ?? 0) + value);
  return counts;
}

test("a shadow of the same bundle, and of the champion itself, differs by exactly 0, over every door", async () => {
  const { status } = await put({ champion: 1, shadows: [{ version: 1 }, { version: 2 }] });
  expect(status).toBe(200);
  const calls = 30;
  for (let call = 0; call < calls; call++)
    for (const askFor of Object.values(doors)) expect((await askFor(`customer-${call}`))[0]).toBe(1);
  const compare = async () => (await ask(server.adminPort, "/models/demand/compare")).json;
  const all = calls * Object.keys(doors).length;
  const compared = async () =>
    (await compare()).shadows.map((shadow: { calls: { compared: number } }) => shadow.calls.compared);
  await expect.poll(compared, { interval: 20, timeout: 20_000 }).toEqual([all, all]);
  const same = { same_rows: all, equal_rows: all, mean: 0, mean_absolute: 0, p99_absolute: 0, largest_absolute: 0 };
  expect(await compare()).toMatchObject({
    model: "demand",
    champion: 1,
    shadows: [
      { version: 1, rows: all, difference: same, worst_rows: [] },
      { version: 2, rows: all, difference: same, worst_rows: [] },
    ],
  });
  const { text } = await ask(server.adminPort, "/metrics");
  expect(text).toContain(`plumb_shadow_calls_total{model="demand",version="2",champion="1",result="compared"} ${all}`);
});

test("the champion as its own shadow behind a URL differs by exactly 0, by either protocol, and mirrors no mirror", async () => {
  const base = `http://127.0.0.1:${server.httpPort}`;
  const urls = [`${base}/models/demand/predict`, `${base}/v2/models/demand/infer`];
  const shadows = [
    { url: urls[0], timeout_ms: 60_000 },
    { url: urls[1], timeout_ms: 60_000, protocol: "open_inference" },
  ];
  const refused = await put({ champion: 1, shadows: [{ url: "http://10.0.0.7/predict" }] });
  expect([refused.status, refused.json.error.message]).toEqual([
    400,
    "http://10.0.0.7/predict: the setting mirror-hosts doesn't name 10.0.0.7:80",
  ]);
  expect((await put({ champion: 1, shadows })).status).toBe(200);
  const calls = 12;
  const compare = async () => (await ask(server.adminPort, "/models/demand/compare")).json.shadows;
  const results = async () =>
    (await compare()).map(({ calls }: { calls: Record<string, number> }) => calls.compared! + calls.shed!);
  // What comes while it is being loaded is shed.
  for (let call = 0; call < calls; call++) {
    await byHttp("/models/demand/predict", { value: call / 7, ...(call % 2 === 0 && { customer_id: "somebody" }) });
    await expect.poll(results, { interval: 5, timeout: 20_000 }).toEqual([call + 1, call + 1]);
  }
  for (const [index, { url, calls: results, rows, difference, mirror }] of (await compare()).entries()) {
    expect(url).toBe(urls[index]);
    expect(results).toMatchObject({ shadow_failed: 0, champion_failed: 0, skipped: 0 });
    expect(mirror).toEqual({ failures: {}, open: 0 });
    expect(rows).toBeGreaterThan(0);
    expect(difference).toMatchObject({ same_rows: rows, largest_absolute: 0 });
  }
  const { text } = await ask(server.adminPort, "/metrics");
  expect(text).toContain(`plumb_mirror_open{model="demand",version="${urls[0]}",champion="1"} 0`);
});

test("blue-green by the file, under load: no request is lost", async () => {
  await put({ champion: 1 });
  let isOver = false;
  const seen = new Set<number>();
  const callers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const { status, json } = await post(server.httpPort, "/predict", { value: 5 }, { headers: patiently });
      expect([status, json.prediction]).toEqual([200, 5]);
      seen.add(json.version);
    }
  });
  await writeFile(join(store.directory, "routes.json"), JSON.stringify({ routes: { demand: { champion: 2 } } }));
  await expect.poll(() => seen.has(2), { interval: 20, timeout: 20_000 }).toBe(true);
  isOver = true;
  await Promise.all(callers);
});

test("what the admin listener refuses changes nothing", async () => {
  expect((await put({ champion: 9 })).json.error).toMatchObject({
    code: "invalid_request",
    message: 'version 9 of "demand" is not in the store: a route takes versions that are ready; see /models/demand',
  });
  const unknown = await put({ champion: 1, assign_by: { feature: "colour" } });
  expect(unknown.json.error.message).toMatch(/has no feature "colour"/);
  const large = await post(server.adminPort, "/routes/demand", "x".repeat(70_000), { method: "PUT" });
  expect([large.status, large.json.error.code]).toEqual([413, "body_too_large"]);
  const broken = await post(server.adminPort, "/routes/demand", "{", { method: "PUT" });
  expect([broken.status, broken.json.error.code]).toEqual([400, "malformed_body"]);
  expect((await ask(server.adminPort, "/routes/demand", { method: "POST" })).headers.allow).toBe(
    "GET, HEAD, PUT, DELETE",
  );
  expect((await ask(server.adminPort, "/routes/demand")).json).toEqual({ champion: 2 });
});

test("a start with a file that is wrong is none", async () => {
  const file = join(store.directory, "wrong.json");
  await writeFile(file, '{"routes": {"demand": {"champion": 1, "canary": 2}}}');
  const { code, stderr } = await startToEnd("--models", store.directory, "--routes", file);
  expect(code).toBe(1);
  expect(stderr).toMatch(/wrong\.json can't be taken: the routes: routes\.demand\.canary: /);
});
