/**
 * Goal: with several processes a route is set, and the store is ordered about, once, at the primary; it holds in each of
 * them, routes also in one that starts later.
 */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { armAt, bucketOf } from "../../server/routing/assignment.js";
import { ask, post } from "../support/http-client.js";
import { echoModel, type ModelStore, rootModel, writeStore } from "../support/model-store.js";
import type { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";
import { connectToEach, type DescribedProcess, patiently, untilTwo } from "../support/serving-processes.js";

const properties = { customer_id: { type: ["string", "null"] } };
const demand = (version: number) => echoModel({ name: "demand", version, properties });
const customers = Array.from({ length: 40 }, (_, index) => `customer-${index}`);

let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  // The second one answers square roots: 1 of 1, as the others do.
  const roots = rootModel({ name: "demand", version: 2, properties, value: { type: "number", minimum: 0 } });
  store = await writeStore(demand(1), roots, demand(3));
  // The oldest version is loaded because the route names it.
  writeFileSync(join(store.directory, "routes.json"), JSON.stringify({ routes: { demand: { champion: 1 } } }));
  const flags = ["--http", "auto", "--processes", "2", "--access-log", "off", "--drain-quiet-ms", "200"];
  server = await startServer(store.directory, ...flags, "--store-poll-ms", "0");
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

const put = (route: object, headers: Record<string, string> = {}) =>
  post(server.adminPort, "/routes/demand", route, { method: "PUT", headers });

async function predict(connection: RawConnection, customer: string): Promise<[number, string | undefined]> {
  const { headers } = await answered(connection, { value: 1, customer_id: customer });
  return [Number(headers.get("x-plumb-version")), headers.get("x-plumb-arm")];
}

async function answered(connection: RawConnection, row: object, address = "/predict") {
  const body = JSON.stringify(row);
  const head = `POST ${address} HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000`;
  await connection.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  return await connection.reply();
}

/** Each of the processes answers each customer as the rule has it. */
async function expectArms(processes: DescribedProcess[], armOf: (customer: string) => [number, string]): Promise<void> {
  for (const [pid, connection] of await connectToEach(server, processes)) {
    for (const customer of customers)
      expect([pid, ...(await predict(connection, customer))]).toEqual([pid, ...armOf(customer)]);
    connection.destroy();
  }
}

const byCanary = (customer: string): [number, string] => {
  const arm = armAt(bucketOf("demand/3", customer), 2500);
  return [arm === "canary" ? 3 : 1, arm];
};

test("the file's route holds in each process from its start", async () => {
  await expectArms(await untilTwo(server), () => [1, "champion"]);
});

test("a route that is set at the primary holds in each process once that is answered", async () => {
  const etag = (await ask(server.adminPort, "/routes/demand")).headers.etag as string;
  const route = { champion: 1, canary: { version: 3, share: 0.25 }, assign_by: { feature: "customer_id" } };
  const set = await put(route, { "if-match": etag, "x-plumb-who": "ada" });
  expect([set.status, set.json]).toEqual([200, route]);
  expect(new Set(customers.map((customer) => byCanary(customer)[1]))).toEqual(
    new Set(["champion", "control", "canary"]),
  );
  await expectArms(await untilTwo(server), byCanary);
  expect((await put(route, { "if-match": etag })).status).toBe(412);
  const audit = readFileSync(join(store.directory, "routes.audit.jsonl"), "utf8").trimEnd().split("\n");
  expect(audit.map((line) => JSON.parse(line))).toMatchObject([{ who: "ada", from: { champion: 1 }, to: route }]);
});

test("feedback is joined in whichever process it comes to, once; what all counted is one experiment", async () => {
  const connections = [...(await connectToEach(server, await untilTwo(server))).values()];
  const before = (await ask(server.adminPort, "/models/demand/experiment")).json;
  const exchange = async (connection: RawConnection, path: string, json: object, id: string) => {
    const body = JSON.stringify(json);
    const head = `POST ${path} HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000`;
    await connection.write(`${head}\r\nx-request-id: ${id}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    return JSON.parse((await connection.reply()).body);
  };
  const user = customers.find((customer) => byCanary(customer)[1] === "canary")!;
  for (const [index, connection] of connections.entries())
    await exchange(connection, "/predict", { value: 2, customer_id: user }, `fed-${index}`);
  // Each tells the other's outcome, and then its own once more.
  const items = ["fed-0", "fed-1", "nobody's"].map((id) => ({ request_id: id, outcome: 5 }));
  const [one, other] = connections as [RawConnection, RawConnection];
  const resultsOf = async (connection: RawConnection) =>
    (await exchange(connection, "/feedback", items, "feedback")).results.map(
      ({ status }: { status: string }) => status,
    );
  expect(await resultsOf(one)).toEqual(["accepted", "accepted", "unknown"]);
  expect(await resultsOf(other)).toEqual(["duplicate", "duplicate", "unknown"]);
  const after = (await ask(server.adminPort, "/models/demand/experiment")).json;
  expect(after).toMatchObject({ champion: 1, canary: 3, share: 0.25 });
  expect(after.arms.canary.calls - before.arms.canary.calls).toBe(2);
  expect(after.arms.canary.outcomes.squared_error).toEqual({ count: 2, mean: 9 });
  // Each process counted all customers.
  expect(after.arms.control.calls).toBe(2 * customers.filter((customer) => byCanary(customer)[1] === "control").length);
  expect((await ask(server.adminPort, "/models/nobody/experiment")).status).toBe(404);
  for (const connection of connections) connection.destroy();
});

test("a route that a process can't serve is refused in its words, and changes nothing", async () => {
  const before = await ask(server.adminPort, "/routes");
  const refused = await put({ champion: 9 });
  expect([refused.status, refused.json.error.message]).toEqual([
    400,
    'version 9 of "demand" is not in the store: a route takes versions that are ready; see /models/demand',
  ]);
  const after = await ask(server.adminPort, "/routes");
  expect([after.text, after.headers.etag]).toEqual([before.text, before.headers.etag]);
});

test("a process that takes the place of one that was killed has the route, and the versions that it names", async () => {
  const [victim] = await untilTwo(server);
  process.kill(victim!.pid, "SIGKILL");
  await expectArms(await untilTwo(server, [victim!.pid]), byCanary);
});

test("where a process doesn't take it, the answer says which; it has it once it runs again", async () => {
  const processes = await untilTwo(server);
  const [held] = processes;
  const connections = await connectToEach(server, processes);
  process.kill(held!.pid, "SIGSTOP");
  const refused = await put({ champion: 2 });
  process.kill(held!.pid, "SIGCONT");
  expect([refused.status, refused.json.error.code]).toEqual([503, "not_ready"]);
  expect(refused.json.error.message).toContain(`serving process ${held!.process} `);
  expect((await put({ champion: 2 })).status).toBe(200);
  for (const connection of connections.values()) {
    expect(await predict(connection, "x")).toEqual([2, "champion"]);
    connection.destroy();
  }
});

test("a change of the file is taken by all", async () => {
  const connections = await connectToEach(server, await untilTwo(server));
  writeFileSync(join(store.directory, "routes.json"), JSON.stringify({ routes: { demand: { champion: 3 } } }));
  for (const connection of connections.values()) {
    await expect.poll(() => predict(connection, "x"), patiently).toEqual([3, "champion"]);
    connection.destroy();
  }
});

test("what shadows answered is added up, and equal to a caller's own ledger", async () => {
  const compare = { tolerance: 0.5, worst_row_features: ["customer_id"] };
  expect((await put({ champion: 1, shadows: [{ version: 2 }], compare })).status).toBe(200);
  const connections = await connectToEach(server, await untilTwo(server));
  const predictionOf = async (connection: RawConnection, value: number, address?: string) =>
    JSON.parse((await answered(connection, { value, customer_id: `customer-${value}` }, address)).body).prediction;
  const differences: number[] = [];
  let first = 0;
  for (const connection of connections.values()) {
    for (let call = 0; call < 20; call++) {
      const value = (first + call) / 7;
      const champion = await predictionOf(connection, value);
      differences.push((await predictionOf(connection, value, "/models/demand/versions/2/predict")) - champion);
    }
    first += 100;
    connection.destroy();
  }
  const compared = async () => (await ask(server.adminPort, "/models/demand/compare")).json;
  const rows = async () =>
    (await compared()).processes.map((one: { shadows: { rows: number }[] }) => one.shadows[0]?.rows);
  await expect.poll(rows, patiently).toEqual([20, 20]);
  const { model, champion, shadows } = await compared();
  const [shadow] = shadows;
  expect([model, champion, shadows.length, shadow.version, shadow.rows]).toEqual(["demand", 1, 1, 2, 40]);
  const mean = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const sizes = differences.map(Math.abs);
  expect(Math.abs(shadow.difference.mean - mean(differences))).toBeLessThan(1e-9);
  expect(Math.abs(shadow.difference.mean_absolute - mean(sizes))).toBeLessThan(1e-9);
  expect(shadow.difference.largest_absolute).toBe(Math.max(...sizes));
  expect(shadow.difference.same_rows).toBe(sizes.filter((size) => size === 0).length);
  expect(shadow.difference.equal_rows).toBe(sizes.filter((size) => size <= 0.5).length);
  expect(shadow.worst_rows.map((row: { difference: number }) => Math.abs(row.difference))).toEqual(
    sizes.sort((a, b) => b - a).slice(0, 10),
  );
  expect(shadow.worst_rows[0].features).toEqual({ customer_id: `customer-${119 / 7}` });
  expect((await ask(server.adminPort, "/models/nobody/compare")).status).toBe(404);
});

test("DELETE takes the route from each process", async () => {
  expect((await ask(server.adminPort, "/routes/demand", { method: "DELETE" })).status).toBe(200);
  await expectArms(await untilTwo(server), () => [3, undefined as unknown as string]);
  expect((await ask(server.adminPort, "/routes/demand")).status).toBe(404);
});

/** Which processes answer at a version's own address. */
async function whoServe(version: number): Promise<string[]> {
  const processes = await untilTwo(server);
  const serving: string[] = [];
  for (const [pid, connection] of await connectToEach(server, processes)) {
    const body = '{"value":1}';
    const head = `POST /models/demand/versions/${version}/predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json`;
    await connection.write(`${head}\r\nx-timeout-ms: 60000\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    if ((await connection.reply()).status === 200)
      serving.push(processes.find((process) => process.pid === pid)!.process);
    connection.destroy();
  }
  return serving.sort();
}

const order = (path: string) => post(server.adminPort, path, "");

test("a scan finds a new version in each process, and each serves it", async () => {
  const other = await writeStore(demand(4));
  renameSync(join(other.directory, "demand", "4"), join(store.directory, "demand", "4"));
  await other.remove();
  const { status, json } = await order("/store/scan");
  expect([status, json.changes]).toEqual([200, [{ model: "demand", version: 4, change: "found" }]]);
  await expect.poll(() => whoServe(4), patiently).toEqual(["1", "2"]);
});

test("a version is loaded and unloaded in each process once that is answered", async () => {
  // The policy wants the newest two.
  for (const version of [1, 2]) await expect.poll(() => whoServe(version), patiently).toEqual([]);
  const loaded = await order("/models/demand/versions/1/load");
  expect([loaded.status, loaded.json.state]).toEqual([200, "ready"]);
  expect(await whoServe(1)).toEqual(["1", "2"]);
  const ready = await post(server.adminPort, "/v2/repository/index", { ready: true });
  expect(
    JSON.parse(ready.text)
      .map(({ version }: { version: string }) => version)
      .sort(),
  ).toEqual(["1", "3", "4"]);
  expect((await order("/models/demand/versions/1/unload")).json).toEqual({
    model: "demand",
    version: 1,
    state: "unloaded",
  });
  expect(await whoServe(1)).toEqual([]);
});

test("what all refuse is refused in their words", async () => {
  const unknown = await order("/models/demand/versions/9/load");
  expect([unknown.status, unknown.json.error]).toMatchObject([
    404,
    { code: "model_not_found", message: 'the store has no version 9 of a model "demand"' },
  ]);
  const nobody = await order("/v2/repository/models/nobody/load");
  expect([nobody.status, nobody.json]).toEqual([404, { error: 'there is no model "nobody" in the store' }]);
});

test("a model is unloaded and loaded by the repository extension", async () => {
  expect((await order("/v2/repository/models/demand/unload")).status).toBe(200);
  expect([...(await whoServe(3)), ...(await whoServe(4))]).toEqual([]);
  expect((await order("/v2/repository/models/demand/load")).status).toBe(200);
  expect(await whoServe(4)).toEqual(["1", "2"]);
});
