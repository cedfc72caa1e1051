/**
 * Goal: a version comes and goes over a server's own ports: callers, `/models`, health and metrics see each step, and no
 * request is lost.
 */

import { Agent } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../server/config.js";
import { Server } from "../../server/server.js";
import { Servable } from "../../server/versions/servable.js";
import { ask, post } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { echoModel, type ModelStore, rootModel, writeStore } from "../support/model-store.js";

let store: ModelStore;
let others: ModelStore;
let server: Server;
const agent = new Agent({ keepAlive: true });
/** No call is refused or late for its time, also on a machine that does other work. */
const patient = { "x-timeout-ms": "60000" };

beforeAll(async () => {
  store = await writeStore(echoModel(), echoModel({ version: 2 }));
  others = await writeStore(echoModel({ version: 3 }), rootModel());
});
afterEach(async () => {
  expect(await server.stop("the test is over")).toBe(0);
});
afterAll(async () => {
  agent.destroy();
  await Promise.all([store.remove(), others.remove()]);
});

const other = (name: string, version: number) => ({
  name,
  version,
  directory: join(others.directory, name, String(version)),
});

async function start(...flags: string[]): Promise<void> {
  const ports = ["--http-port", "0", "--admin-port", "0", "--models", store.directory, "--log-sample-share", "0"];
  // A look at the store would forget versions that are added from elsewhere, once they are unloaded.
  ports.push("--store-poll-ms", "0");
  server = new Server(readConfig([...ports, ...flags], {}, import.meta.dirname));
  await server.start();
}
/** Lines of a scrape about this version. */
async function seriesOf(name: string, version: number): Promise<string[]> {
  const { text } = await ask(server.adminPort, "/metrics");
  return text.split("\n").filter((line) => line.includes(`model="${name}",version="${version}"`));
}
const isReady = async () => (await ask(server.httpPort, "/health/ready")).status === 200;

test.each(members.flatMap(({ name }) => ["auto", "pool", "inline"].map((execution) => [name, execution] as const)))(
  "on %s, %s: a third version is added under load, and removed, and another one too",
  async (http, execution) => {
    await start("--http", http, "--execution", execution, "--cache-bytes", "0");
    const seen: number[] = [];
    const wrong: unknown[] = [];
    let isOver = false;
    const call = async (i: number) => {
      const path = i % 2 === 0 ? "/predict" : "/models/echo/predict";
      for (let value = i; !isOver; value++) {
        const { status, json } = await post(server.httpPort, path, { value }, { agent, headers: patient });
        if (status === 200 && json.prediction === value) seen.push(json.version);
        else wrong.push({ value, status, json });
      }
    };
    const callers = Array.from({ length: 8 }, (_, i) => call(i).catch((error) => wrong.push(error)));
    onTestFinished(() => {
      isOver = true;
    });
    const untilAnswered = async (version: number) => {
      const from = seen.length;
      const count = () => seen.slice(from).filter((number) => number === version).length;
      await expect.poll(count, { interval: 5, timeout: 20_000 }).toBeGreaterThan(30);
    };
    await untilAnswered(2);
    expect(await server.add(other("echo", 3))).toBeInstanceOf(Servable);
    await untilAnswered(3);
    expect((await ask(server.httpPort, "/models/echo")).json).toMatchObject({
      serving: 3,
      versions: [{ state: "ready" }, {}, {}],
    });
    const series = await seriesOf("echo", 3);
    for (const name of ["plumb_version_ready", "plumb_requests_total", "plumb_queue_rows", "plumb_engine_info"])
      expect(
        series.filter((line) => line.startsWith(name)),
        name,
      ).not.toEqual([]);

    await server.remove("echo/3");
    await untilAnswered(2);
    expect(await seriesOf("echo", 3)).toEqual([]);
    expect((await ask(server.httpPort, "/models/echo")).json).toMatchObject({
      serving: 2,
      versions: [{ version: 3, state: "unloaded", reason: "it was taken out of service" }, {}, {}],
    });
    expect(await post(server.httpPort, "/models/echo/versions/3/predict", { value: 1 })).toMatchObject({
      status: 404,
      json: { error: { code: "model_not_found", message: 'model "echo" has no version "3": it has 2, 1' } },
    });

    await server.remove("echo/2");
    await untilAnswered(1);
    isOver = true;
    await Promise.all(callers);
    expect(wrong).toEqual([]);
    expect([await isReady(), await seriesOf("echo", 2)]).toEqual([true, []]);
    expect(await seriesOf("echo", 1)).not.toEqual([]);
  },
);

test("a model that comes later isn't waited for, and the last version of a model may go", async () => {
  await start("--default-model", "echo");
  const added = server.add(other("root", 1));
  while (server.registry.entry("root/1") === undefined) await new Promise(setImmediate);
  expect([server.registry.entry("root/1")!.state, await isReady()]).toEqual(["loading", true]);
  expect(await added).toBeInstanceOf(Servable);
  expect((await post(server.httpPort, "/models/root/predict", { value: 9 })).json).toMatchObject({ prediction: 3 });
  await server.remove("echo/2");
  await server.remove("echo/1");
  expect(await isReady()).toBe(true);
  expect(await post(server.httpPort, "/predict", { value: 9 })).toMatchObject({
    status: 404,
    json: { error: { message: 'model "echo" has no version that is loaded; see /models/echo' } },
  });
  expect(await server.add(other("echo", 3))).toBeInstanceOf(Servable);
  expect((await post(server.httpPort, "/predict", { value: 9 })).json).toMatchObject({ version: 3, prediction: 9 });
  await expect(server.add(other("echo", 3))).rejects.toThrow("echo/3 is held already: it is ready");
});

test("a server that stops adds nothing", async () => {
  await start();
  const stopped = server.stop("the test stops it");
  await expect(server.add(other("root", 1))).rejects.toThrow("the server doesn't serve");
  expect(await stopped).toBe(0);
});
