/**
 * Goal: what can't be answered in time is refused, or given up, by the clock and not by luck; and the server stays
 * reachable meanwhile.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Answer, ask, post } from "../support/http-client.js";
import { busyWorkers, metric } from "../support/metrics.js";
import { echoModel, type ModelStore, spinModel, writeStore } from "../support/model-store.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const quickly = { interval: 5, timeout: 20_000 };
/** Rounds of the slow model that last about half a second. */
const slow = { value: 600_000 };

let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  store = await writeStore(spinModel({ limits: { rows_max: 10_000, body_bytes_max: 2_097_152 } }), echoModel());
});

afterEach(endServers);

afterAll(async () => {
  await store.remove();
});

function spin(body: unknown, timeoutMs: number): Promise<Answer> {
  return post(server.httpPort, "/models/spin/predict", body, { headers: { "x-timeout-ms": String(timeoutMs) } });
}

function expectRefused(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.json.error.code]).toEqual([status, code]);
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
}

/** Refused at its deadline, or before, where it was seen that it can't be in time. */
function expectLate(answer: Answer): void {
  const isRefusedEarly = answer.status === 503;
  expectRefused(answer, isRefusedEarly ? 503 : 504, isRefusedEarly ? "overloaded" : "deadline_exceeded");
}

describe("a deadline", () => {
  test("that passes during the run ends the call then, not when the run ends", async () => {
    server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
    expectRefused(await spin({ value: 1_500_000 }, 100), 504, "deadline_exceeded");
    // The worker still runs; its result is for nobody.
    expect(await busyWorkers(server)).toBe(1);
    expect(await metric(server, "plumb_calls_in_flight")).toBe(0);
    await expect.poll(() => busyWorkers(server), quickly).toBe(0);
    expect((await spin({ value: 1 }, 60_000)).json.prediction).toBe(1);
  });

  test("that passes before its call can run ends the call, and it never runs", async () => {
    server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
    const first = spin(slow, 60_000);
    await expect.poll(() => busyWorkers(server), quickly).toBe(1);
    const waiting = await Promise.all(Array.from({ length: 20 }, () => spin(slow, 100)));
    // By then the run before them is known to be over its time, or it isn't.
    for (const answer of waiting) expectLate(answer);
    expect((await first).json.prediction).toBe(slow.value);
    expect(await metric(server, "nv_inference_count", { model: "spin" })).toBe(1);
    expect(await metric(server, "plumb_queue_rows")).toBe(0);
  });

  test("ends a large call in the middle of its slices", async () => {
    server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
    // Before anything ran, 10,000 rows are believed to take 100 ms: time enough, on a slow machine too, to be let in.
    const rows = Array.from({ length: 10_000 }, () => ({ value: 150_000 }));
    expectLate(await spin({ rows }, 1000));
    await expect.poll(() => busyWorkers(server), quickly).toBe(0);
    // Forty slices were wanted; those after the deadline weren't begun.
    expect(await metric(server, "nv_inference_exec_count", { model: "spin" })).toBeLessThan(40);
    expect(await metric(server, "plumb_queue_rows")).toBe(0);
  });

  test("is the bundle's where the caller brings none", async () => {
    const hurried = await writeStore(spinModel({ sloMs: 10 }));
    server = await startServer(hurried.directory, "--execution", "pool", "--workers", "1");
    expectRefused(await post(server.httpPort, "/predict", slow), 504, "deadline_exceeded");
    await server.end();
    await hurried.remove();
  });
});

describe("more calls than --calls-max", () => {
  test("are refused at once, while health, metrics and models are answered, until places are free", async () => {
    server = await startServer(
      store.directory,
      "--execution",
      "pool",
      "--workers",
      "1",
      "--calls-max",
      "3",
      "--access-log",
      "off",
    );
    const running = Array.from({ length: 3 }, () => spin(slow, 60_000));
    await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBe(3);
    const refused = await Promise.all(
      Array.from({ length: 20 }, () => post(server.httpPort, "/models/echo/predict", { value: 1 })),
    );
    for (const answer of refused) expectRefused(answer, 503, "overloaded");
    expect((await ask(server.httpPort, "/health/live")).status).toBe(200);
    expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
    expect((await ask(server.httpPort, "/models/echo")).status).toBe(200);
    expect(await metric(server, "plumb_calls_in_flight")).toBe(3);
    expect(await metric(server, "plumb_requests_total", { result: "overloaded" })).toBe(20);
    for (const answer of await Promise.all(running)) expect(answer.json.prediction).toBe(slow.value);
    expect((await post(server.httpPort, "/models/echo/predict", { value: 1 })).json.prediction).toBe(1);
    // Refusals are told in the log even where ordinary calls aren't.
    await server.until(({ log }) => log.filter(({ result }) => result === "overloaded").length === 20 || undefined);
  });
});

test("a model that takes its time in one worker holds up no call of another, nor health", async () => {
  server = await startServer(store.directory, "--execution", "pool", "--workers", "2");
  const slowOne = spin(slow, 60_000);
  await expect.poll(() => busyWorkers(server), quickly).toBe(1);
  for (let value = 0; value < 20; value++) {
    expect((await post(server.httpPort, "/models/echo/predict", { value })).json.prediction).toBe(value);
  }
  expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
  expect(await metric(server, "plumb_calls_in_flight")).toBe(1);
  expect((await slowOne).json.prediction).toBe(slow.value);
});

test("hundreds of connections at once are each answered", async () => {
  server = await startServer(store.directory, "--default-model", "echo");
  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, value) => post(server.httpPort, "/predict", { value })),
  );
  expect(answers.map(({ json }) => json.prediction)).toEqual(Array.from({ length: 400 }, (_, value) => value));
  await expect.poll(() => metric(server, "plumb_connections"), quickly).toBe(0);
});
