/**
 * Goal: a request to what isn't there is answered in few words, is in the log under its id, and costs nobody else
 * anything.
 */

import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  store = await writeStore(echoModel({ version: 1 }), echoModel({ version: 2 }));
  server = await startServer(store.directory);
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

describe("a request that is refused before it is a call has a line in the log under its id", () => {
  const cases: [string, string, string, string, number, string][] = [
    ["an unknown address", "GET", "/nope?a=secret", "http", 404, "route_not_found"],
    ["a wrong verb", "GET", "/models/echo/predict", "http", 405, "method_not_allowed"],
    ["percent-encoding that is none", "POST", "/models/%zz/predict", "http", 400, "invalid_request"],
    ["two versions", "POST", "/predict?version=1&version=2", "http", 400, "invalid_request"],
    ["an unknown model", "POST", "/models/none/predict", "http", 404, "model_not_found"],
    ["an unknown model to describe", "GET", "/models/none", "http", 404, "model_not_found"],
    ["an unknown address of the admin listener", "GET", "/nope", "admin", 404, "route_not_found"],
    ["a wrong verb there", "POST", "/metrics", "admin", 405, "method_not_allowed"],
  ];
  test.each(cases)("%s", async (name, method, path, listener, status, code) => {
    const id = `id-${name.replaceAll(" ", "-")}`;
    const port = listener === "http" ? server.httpPort : server.adminPort;
    const reply = await post(port, path, "{}", { method, headers: { "x-request-id": id } });
    expect([reply.status, reply.json.error.code, reply.json.error.request_id]).toEqual([status, code, id]);
    const line = await server.untilLogged(({ request_id }) => request_id === id);
    expect(line).toMatchObject({ level: "warn", result: code, status });
    expect(JSON.stringify(line)).not.toContain("secret");
  });

  test("ambiguous framing", async () => {
    const connection = await RawConnection.open(server.httpPort);
    await connection.write("GET /models HTTP/1.1\r\nhost: a\r\nhost: b\r\nx-request-id: id-framing\r\n\r\n");
    expect((await connection.reply()).status).toBe(400);
    const line = await server.untilLogged(({ request_id }) => request_id === "id-framing");
    expect(line).toMatchObject({
      level: "warn",
      result: "invalid_request",
      status: 400,
      method: "GET",
      address: "/models",
    });
    connection.destroy();
  });
});

test("a flood of long addresses is answered shortly, and twenty lines a second and a count are all that it writes", async () => {
  const flooded = await startServer(store.directory);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const logged = flooded.stderr.length;
  const count = 1_000;
  const startMs = performance.now();
  const replies = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      i % 2 === 0
        ? post(flooded.httpPort, `/models/${i}${"a".repeat(7_000)}/predict`, "{}", { agent })
        : ask(flooded.httpPort, `/${"%61".repeat(100)}/${i}`, { agent }),
    ),
  );
  const seconds = Math.ceil((performance.now() - startMs) / 1000) + 1;
  agent.destroy();
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([404]));
  expect(Math.max(...replies.map(({ text }) => text.length))).toBeLessThan(1_000);
  expect(await flooded.end()).toEqual({ code: 0, signal: null });
  const refusals = flooded.log.filter(({ result }) => result === "route_not_found");
  const counted = flooded.log.filter(({ message }) => message.startsWith("more requests were refused"));
  const sum = counted.reduce((total, line) => total + (line.count as number), 0);
  expect(refusals.length + sum).toBe(count);
  expect(refusals.length).toBeLessThanOrEqual(20 * seconds);
  const written = flooded.stderr.slice(logged);
  expect(Math.max(...written.split("\n").map(({ length }) => length))).toBeLessThan(2_000);
});

describe("the query of a prediction", () => {
  test("names its version", async () => {
    for (const path of ["/predict", "/models/echo/predict"]) {
      expect((await post(server.httpPort, `${path}?version=1`, { value: 3 })).json).toMatchObject({
        prediction: 3,
        version: 1,
      });
      expect((await post(server.httpPort, `${path}?version=2&trace=7`, { value: 3 })).json).toMatchObject({
        version: 2,
      });
      expect((await post(server.httpPort, `${path}?trace=7`, { value: 3 })).json).toMatchObject({ version: 2 });
    }
    const unknown = await post(server.httpPort, "/predict?version=3", { value: 3 });
    expect([unknown.status, unknown.json.error.message]).toEqual([404, 'model "echo" has no version "3": it has 2, 1']);
  });

  test("that names another version than the address is refused", async () => {
    const { status, json } = await post(server.httpPort, "/models/echo/versions/1/predict?version=2", { value: 3 });
    expect([status, json.error.code]).toEqual([400, "invalid_request"]);
  });
});

test("an encoding that is none is served in any letter case", async () => {
  const { status } = await post(
    server.httpPort,
    "/predict",
    { value: 3 },
    { headers: { "content-encoding": "Identity" } },
  );
  expect(status).toBe(200);
});
