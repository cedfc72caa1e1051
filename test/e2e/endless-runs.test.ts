/**
 * Goal: a run that never ends, or far too late, costs the calls in its batch and nothing else; and a server is always
 * told to stop with success.
 */

import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { childrenOf, isRunning } from "../support/children.js";
import { ask, post } from "../support/http-client.js";
import { busyWorkers, metric } from "../support/metrics.js";
import {
  echoModel,
  endless,
  endlessGoldenModel,
  type ModelStore,
  slowModel,
  spinModel,
  stepsMax,
  writeStore,
} from "../support/model-store.js";
import { endServers, ServerProcess, startServer } from "../support/server-process.js";

const quickly = { interval: 20, timeout: 20_000 };
/** Whatever a test does here ends long before; without a limit it would never. */
const farTooLongMs = 10_000;
/** Of models whose runs are meant to be given up: no run within its objective is. */
const sloMs = 300;
const patient = { headers: { "x-timeout-ms": "60000" } };

let store: ModelStore;
let patientStore: ModelStore;
let slowStore: ModelStore;
let goldenStore: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel(), spinModel({ sloMs }));
  patientStore = await writeStore(echoModel(), spinModel());
  slowStore = await writeStore(echoModel(), slowModel({ sloMs }));
  goldenStore = await writeStore(echoModel(), endlessGoldenModel());
});

afterEach(endServers);

afterAll(async () => {
  for (const { remove } of [store, patientStore, slowStore, goldenStore]) await remove();
});

const spin = (server: ServerProcess, value: number) =>
  post(server.httpPort, "/models/spin/predict", { value }, patient);
const echo = (server: ServerProcess, value: number) =>
  post(server.httpPort, "/models/echo/predict", { value }, patient);

/** Answers of another model, and of health, until the promise is settled. */
async function answeredUntil<T>(server: ServerProcess, promise: Promise<T>): Promise<{ result: T; answers: number }> {
  let isSettled = false;
  void promise.finally(() => {
    isSettled = true;
  });
  let answers = 0;
  for (; !isSettled; answers++) {
    const reply = await echo(server, answers);
    expect([reply.status, reply.json.prediction]).toEqual([200, answers]);
    expect((await ask(server.httpPort, "/health/live")).status).toBe(200);
    expect((await ask(server.adminPort, "/health/ready")).json).toEqual({ ready: true });
  }
  return { result: await promise, answers };
}

/** Resolves when the model's worker has begun with a row that it never ends. */
async function beginEndless(server: ServerProcess): Promise<void> {
  spin(server, endless).catch(() => {});
  await expect.poll(() => busyWorkers(server), quickly).toBe(1);
}

/** Milliseconds until the server has ended. */
async function endedAfter(server: ServerProcess, signal: NodeJS.Signals): Promise<number> {
  const startedMs = performance.now();
  server.kill(signal);
  await server.ended;
  return performance.now() - startedMs;
}

describe.each([
  ["auto", "1"],
  ["auto", "2"],
  ["pool", "1"],
  ["pool", "2"],
  ["inline", "1"],
  ["auto", "0"],
])("an endless row, --execution %s --workers %s", (execution, workers) => {
  test("is answered 504, costs no other call, and its worker is replaced; a stop during one ends in time", async () => {
    const server = await startServer(
      store.directory,
      "--execution",
      execution,
      "--workers",
      workers,
      "--drain-timeout-ms",
      "100",
    );
    const { result, answers } = await answeredUntil(server, spin(server, endless));
    expect([result.status, result.json.error.code]).toEqual([504, "deadline_exceeded"]);
    expect(answers).toBeGreaterThan(1);
    expect(await metric(server, "plumb_stuck_runs_total", { model: "spin", version: "1" })).toBe(1);
    expect(await metric(server, "plumb_pool_stuck_workers")).toBe(0);
    const line = server.log.find(({ message }) => message.startsWith("a run didn't end: its process was killed"));
    expect(line).toMatchObject({ level: "error", model: "spin", version: 1, rows: 1, ran_ms: expect.any(Number) });

    const next = await spin(server, 5);
    expect([next.status, next.json.prediction]).toEqual([200, 5]);

    await expect
      .poll(() => childrenOf(server.pid).length, quickly)
      .toBe(Math.max(1, execution === "inline" ? 0 : Number(workers)));
    const children = childrenOf(server.pid);
    await beginEndless(server);
    expect(await endedAfter(server, "SIGTERM")).toBeLessThan(farTooLongMs);
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.log.at(-1)).toMatchObject({ level: "error", message: "stopped", cut_off: 1 });
    // Killed, but perhaps not buried yet.
    await expect.poll(() => children.filter(isRunning), quickly).toEqual([]);
  });
});

test("a server without such a model has no such process", async () => {
  const bounded = await writeStore(echoModel());
  const server = await startServer(bounded.directory);
  expect(childrenOf(server.pid)).toEqual([]);
  await bounded.remove();
});

test("the model says why it runs in processes, and the kernel takes those first when memory is short", async () => {
  const server = await startServer(store.directory);
  const { engines } = (await ask(server.httpPort, "/models/spin")).json.versions[0];
  expect(engines).toMatchObject([
    { engine: "onnxruntime", reason: "it runs in processes of its own, since its graph has a Loop" },
  ]);
  expect(readFileSync(`/proc/${childrenOf(server.pid)[0]}/oom_score_adj`, "utf8").trim()).toBe("1000");
});

test("a server that is killed leaves no process that goes on for ever", async () => {
  const server = await startServer(store.directory);
  const children = childrenOf(server.pid);
  await beginEndless(server);
  server.kill("SIGKILL");
  await server.ended;
  await expect.poll(() => children.filter(isRunning), { interval: 50, timeout: farTooLongMs }).toEqual([]);
});

test("a process that is killed from outside has its batch run once more, by the next", async () => {
  const server = await startServer(patientStore.directory);
  const answer = spin(server, 300_000);
  await expect.poll(() => busyWorkers(server), quickly).toBe(1);
  process.kill(childrenOf(server.pid)[0]!, "SIGKILL");
  expect(await answer).toMatchObject({ status: 200, json: { prediction: 300_000 } });
});

describe("golden rows that never end", () => {
  test("refuse their version with a sentence, and the others serve", async () => {
    const server = await startServer(goldenStore.directory);
    expect((await echo(server, 3)).status).toBe(200);
    const refused = await server.untilLogged(({ message }) => message.startsWith("a version is refused"));
    expect(refused).toMatchObject({
      model: "never",
      problems: [expect.stringMatching(/^its golden rows don't end: a run was still going/)],
    });
    expect((await post(server.httpPort, "/models/never/predict", { value: 1 })).status).toBe(503);
  });

  test("don't hold up a stop during the start", async () => {
    const server = new ServerProcess(["--models", goldenStore.directory]);
    await server.untilLogged(({ message, model }) => message.startsWith("engine:") && model === "echo");
    await expect.poll(() => childrenOf(server.pid).length, quickly).toBe(1);
    const children = childrenOf(server.pid);
    expect(await endedAfter(server, "SIGTERM")).toBeLessThan(farTooLongMs);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    // Killed, but perhaps not buried yet.
    await expect.poll(() => children.filter(isRunning), quickly).toEqual([]);
  });
});

describe("a bounded run that lasts far too long", () => {
  const slow = (server: ServerProcess, value: number) =>
    post(server.httpPort, "/models/slow/predict", { value }, patient);

  test("has its thread written off and replaced; the server says so until the run ends", async () => {
    const server = await startServer(slowStore.directory, "--execution", "pool", "--workers", "1");
    const failed = await slow(server, stepsMax);
    expect([failed.status, failed.json.error.code]).toEqual([504, "deadline_exceeded"]);
    expect(await metric(server, "plumb_pool_stuck_workers")).toBe(1);
    expect(await metric(server, "plumb_stuck_runs_total", { model: "slow" })).toBe(1);
    expect(
      server.log.find(({ message }) => message.startsWith("a run didn't end: its thread was written off")),
    ).toBeDefined();
    expect((await slow(server, 3)).json.prediction).toBe(3);
    const health = await ask(server.httpPort, "/health/ready");
    if (health.json.stuck_workers) expect([health.status, health.json.stuck_workers]).toEqual([200, 1]);
    await expect.poll(() => metric(server, "plumb_pool_stuck_workers"), quickly).toBe(0);
    expect((await ask(server.httpPort, "/health/ready")).json).toEqual({ ready: true });
    server.kill("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });

  test("doesn't hold up a stop, which ends without it", async () => {
    const server = await startServer(
      slowStore.directory,
      "--execution",
      "pool",
      "--workers",
      "1",
      "--drain-timeout-ms",
      "0",
    );
    const call = slow(server, stepsMax).catch(() => {});
    await call;
    server.kill("SIGTERM");
    const { code, signal } = await server.ended;
    // As this Node allows it.
    expect("execve" in process ? code : signal).toBe("execve" in process ? 1 : "SIGKILL");
    expect(server.log.at(-1)!.message).toMatch(
      /^a thread of the pool is still in its run: the process ends without it/,
    );
  });
});
