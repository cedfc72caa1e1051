/** Goal: output that goes to a full disk is lost and counted, and no answer changes. */

import { closeSync, openSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts, ServerProcess, serveCommand } from "../../scripts/server-process.mjs";
import { ask, post } from "../support/http-client.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { parsePrometheus, sumOf } from "../support/prometheus-text.js";
import { serverProgram } from "../support/server-process.js";

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel());
});

afterAll(async () => {
  await store.remove();
});

test("a server whose log and greeting can't be written serves, counts the lines, and ends well", async (context) => {
  if (process.platform !== "linux") context.skip("only Linux has /dev/full");
  const [http, admin] = (await freePorts(2)) as [number, number];
  const full = openSync("/dev/full", "w");
  const ports = ["--http-port", String(http), "--admin-port", String(admin)];
  const command = serveCommand(serverProgram, ["--models", store.directory, ...ports, "--access-log", "all"]);
  const server = new ServerProcess(command, { stdio: ["ignore", full, full] });
  closeSync(full);
  try {
    await server.untilAnswering(`http://127.0.0.1:${http}/health/ready`);
    for (let value = 0; value < 20; value++)
      expect((await post(http, "/predict", { value })).json.prediction).toBe(value);
    const dropped = async () =>
      sumOf(parsePrometheus((await ask(admin, "/metrics")).text), "plumb_log_lines_dropped_total");
    await expect.poll(dropped, { interval: 20, timeout: 10_000 }).toBeGreaterThanOrEqual(20);
    server.kill("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, signal: null });
  } finally {
    server.kill("SIGKILL");
  }
});
