/** Goal: output that goes to a full disk is lost and counted, and no answer changes. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { parsePrometheus, sumOf } from "../support/prometheus-text.js";
import { freePort } from "../support/proxy-process.js";
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
  const [http, admin] = await Promise.all([freePort(), freePort()]);
  const full = openSync("/dev/full", "w");
  const flags = [
    "--models",
    store.directory,
    "--http-port",
    String(http),
    "--admin-port",
    String(admin),
    "--access-log",
    "all",
  ];
  const child = spawn(process.execPath, [serverProgram, "serve", ...flags], { stdio: ["ignore", full, full] });
  closeSync(full);
  const ended = once(child, "exit");
  try {
    await expect
      .poll(async () => (await ask(http, "/health/ready").catch(() => undefined))?.status, {
        interval: 20,
        timeout: 30_000,
      })
      .toBe(200);
    for (let value = 0; value < 20; value++)
      expect((await post(http, "/predict", { value })).json.prediction).toBe(value);
    const dropped = async () =>
      sumOf(parsePrometheus((await ask(admin, "/metrics")).text), "plumb_log_lines_dropped_total");
    await expect.poll(dropped, { interval: 20, timeout: 10_000 }).toBeGreaterThanOrEqual(20);
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
