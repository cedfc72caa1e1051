/**
 * Goal: as the first process of a container, to which the kernel passes only the signals that it handles, the server
 * stops as any other does.
 */

import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { post } from "../support/http-client.js";
import { busyWorkers } from "../support/metrics.js";
import { echoModel, type ModelStore, spinModel, writeStore } from "../support/model-store.js";
import { needProgram } from "../support/programs.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, ServerProcess } from "../support/server-process.js";

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel(), spinModel());
});

beforeEach((context) => {
  const made = spawnSync(needProgram(context, "unshare"), ["--pid", "--fork", "true"]);
  if (made.status !== 0) context.skip("a process namespace can't be made here: that takes root, with its capabilities");
});

afterEach(endServers);

afterAll(async () => {
  await store.remove();
});

async function startFirst(...flags: readonly string[]): Promise<ServerProcess> {
  return await new ServerProcess(["--models", store.directory, ...flags], { isFirst: true }).untilServing();
}

test.each(["SIGTERM", "SIGINT"] as const)("%s drains it, and its exit code is 0", async (signal) => {
  const server = await startFirst();
  expect((await post(server.httpPort, "/models/echo/predict", { value: 2 })).json.prediction).toBe(2);
  server.kill(signal);
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.log.at(-1)).toMatchObject({ message: "stopped", cut_off: 0 });
});

test("a second signal ends it at once, while a model runs", async () => {
  const server = await startFirst("--execution", "pool", "--workers", "1");
  const connection = await RawConnection.open(server.httpPort);
  const body = '{"value":1000000000}';
  const headers = `host: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000\r\ncontent-length: ${body.length}\r\n`;
  await connection.write(`POST /models/spin/predict HTTP/1.1\r\n${headers}\r\n${body}`);
  await expect.poll(() => busyWorkers(server), { interval: 5, timeout: 20_000 }).toBe(1);
  server.kill("SIGTERM");
  await server.untilLogged(({ message }) => message === "draining");
  server.kill("SIGTERM");
  // It can't kill itself, so it crashes: by which signal is the processor's affair.
  const { signal } = await server.ended;
  expect(["SIGSEGV", "SIGABRT", "SIGILL", "SIGTRAP", "SIGKILL"]).toContain(signal);
  expect(server.log.some(({ message }) => message === "stopped")).toBe(false);
  await connection.closed;
});
