/**
 * Goal: a release plan is begun, read, pushed on and taken back by the command line and by the admin listener, under
 * load, over a restart, and by nobody without the token.
 */

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { LedgerLoad } from "../support/ledger-load.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { endServers, type ServerProcess, serverProgram, startServer } from "../support/server-process.js";

const token = "a-token-of-these-tests";
let store: ModelStore;
let tokenFile: string;
let server: ServerProcess;

beforeAll(async () => {
  store = await writeStore(echoModel({ name: "demand" }), echoModel({ name: "demand", version: 2 }));
  tokenFile = join(store.directory, ".token");
  await writeFile(tokenFile, `${token}\n`);
  await writeFile(join(store.directory, "routes.json"), JSON.stringify({ routes: { demand: { champion: 1 } } }));
  server = await start();
});
afterAll(async () => {
  await endServers();
  await store.remove();
});

async function start(): Promise<ServerProcess> {
  return await startServer(store.directory, "--drain-quiet-ms", "0", "--admin-token-file", tokenFile);
}

/** A command, with the server's admin listener in its settings. */
async function plumb(...words: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const settings = ["--admin-port", String(server.adminPort), "--admin-token-file", tokenFile];
  return await new Promise((resolve) => {
    execFile(
      process.execPath,
      [serverProgram, ...words, ...settings],
      { cwd: store.directory },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

const headers = { authorization: `Bearer ${token}` };

test("nobody gets to routes without the token; metrics and health are open", async () => {
  for (const sent of [{}, { authorization: "Bearer another-token-than-that" }, { authorization: token }]) {
    const { status, json, headers } = await ask(server.adminPort, "/routes", { headers: sent });
    expect([status, json.error.code, headers["www-authenticate"]]).toEqual([401, "unauthenticated", "Bearer"]);
  }
  expect((await post(server.adminPort, "/routes/demand/plan", { canary: 2 })).status).toBe(401);
  expect((await ask(server.adminPort, "/metrics")).status).toBe(200);
  expect((await ask(server.adminPort, "/health/ready")).status).toBe(200);
  expect((await ask(server.adminPort, "/routes", { headers })).status).toBe(200);
});

test("a plan goes on as the command says, over a restart, and each call is answered once", async () => {
  const load = new LedgerLoad(server.httpPort, "/models/demand/predict", { clients: 2 });
  try {
    const begun = await plumb("canary", "start", "demand", "--version", "2", "--why", "a better one", "--json");
    expect(begun.stderr).toBe("");
    expect(JSON.parse(begun.stdout)).toMatchObject({ status: "running", champion: 1, canary: 2, step: 0, share: 0.01 });
    expect((await plumb("canary", "start", "demand", "--version", "2")).stderr).toMatch(/is running: stop it first/);
    expect((await plumb("canary", "promote", "demand")).stdout).toMatch(/step +2 of 3, 5 %/);
  } finally {
    await load.stop();
  }
  expect(load.failed).toEqual([]);
  expect(load.entries.length).toBeGreaterThan(0);
  await server.end();
  server = await start();
  expect((await plumb("canary", "status", "demand")).stdout).toMatch(/status +running\nstep +2 of 3, 5 %/);
  const verdict = await ask(server.adminPort, "/routes/demand/verdict", { headers });
  // Whether the canary had a call in this step is chance.
  expect([verdict.status, verdict.json.verdict]).toEqual([200, expect.stringMatching(/^(inconclusive|continue)$/)]);
  const expects = async (expect?: string) =>
    (await post(server.adminPort, "/routes/demand/verdict", { metadata: { expect } }, { headers })).status;
  expect([await expects(), await expects("promote")]).toEqual([200, 412]);
  const back = await plumb("canary", "rollback", "demand", "--why", "a holiday");
  expect([back.code, back.stdout]).toEqual([0, expect.stringMatching(/status +rolled_back/)]);
  expect([await expects(), await expects("rollback")]).toEqual([412, 200]);
});

test("routes are shown and set, and their history says who and why", async () => {
  expect((await plumb("routes", "set", "demand", "--champion", "2", "--why", "as good")).code).toBe(0);
  expect((await plumb("routes", "show")).stdout).toBe("model   route\ndemand  champion 2\n");
  expect((await plumb("routes", "show", "other")).code).toBe(1);
  const { stdout } = await plumb("routes", "history", "demand");
  const [head, last, before] = stdout.split("\n");
  expect(head).toMatch(/^time +who +route +why$/);
  expect(last).toMatch(/ champion 2 +as good$/);
  expect(before).toMatch(/ champion 1 +a holiday \(plan /);
  expect((await plumb("routes", "paint", "demand")).code).toBe(2);
});
