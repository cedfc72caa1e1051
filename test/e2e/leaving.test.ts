/** Goal: a caller that leaves, by whatever door, costs no more than the run that had begun, and harms no other. */

import { Agent } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask, post } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { busyWorkers, metric } from "../support/metrics.js";
import { echoModel, lookupModel, type ModelStore, spinModel, writeStore } from "../support/model-store.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const quickly = { interval: 5, timeout: 20_000 };
/** A run of some hundred milliseconds: long enough to leave while it lasts. */
const slow = '{"value":300000}';

describe.each(members)("$build", ({ name }) => {
  let store: ModelStore;
  let server: ServerProcess;

  beforeAll(async () => {
    store = await writeStore(spinModel(), echoModel(), lookupModel());
    server = await startServer(
      store.directory,
      "--execution",
      "pool",
      "--workers",
      "1",
      "--access-log",
      "all",
      "--http",
      name,
    );
  });

  afterAll(async () => {
    await endServers();
    await store.remove();
  });

  afterEach(async () => {
    await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBe(0);
    await expect.poll(() => busyWorkers(server), quickly).toBe(0);
    expect(await metric(server, "plumb_bytes_in_flight")).toBe(0);
    expect((await post(server.httpPort, "/models/echo/predict", { value: 1 })).json.prediction).toBe(1);
  });

  const abandoned = () => metric(server, "plumb_requests_total", { result: "abandoned" });
  const head =
    "POST /models/spin/predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000\r\n";
  const slowRequest = `${head}content-length: ${slow.length}\r\n\r\n${slow}`;

  async function whileItRuns(connection: RawConnection): Promise<void> {
    await connection.write(slowRequest);
    await expect.poll(() => busyWorkers(server), quickly).toBe(1);
  }

  describe("a caller whose call runs", () => {
    test("frees its place when it leaves, and the record says so", async () => {
      const before = await abandoned();
      const connection = await RawConnection.open(server.httpPort);
      await whileItRuns(connection);
      expect(await metric(server, "plumb_calls_in_flight")).toBe(1);
      connection.destroy();
      await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBe(0);
      expect(await abandoned()).toBe(before + 1);
      const line = await server.untilLogged(({ result }) => result === "abandoned");
      expect(line).toMatchObject({ level: "info", model: "spin", version: 1, rows: 1 });
      expect(line.status).toBeUndefined();
    });

    test("frees its place when its connection is reset", async () => {
      const before = await abandoned();
      const connection = await RawConnection.open(server.httpPort);
      await whileItRuns(connection);
      connection.socket.resetAndDestroy();
      await expect.poll(abandoned, quickly).toBe(before + 1);
    });

    // The library takes a client's FIN for its leaving: documented for callers, who must keep their side open until the
    // reply.
    test("has left when it closes its half of the connection", async () => {
      const before = await abandoned();
      const connection = await RawConnection.open(server.httpPort, { allowHalfOpen: true });
      await whileItRuns(connection);
      connection.socket.end();
      await connection.closed;
      expect(connection.received.toString()).toBe("");
      expect(await abandoned()).toBe(before + 1);
    });

    // uWebSockets.js drops the first request and closes: documented for callers, who must not pipeline predictions.
    test("has left when it sends the next request before the reply, or is answered twice", async () => {
      const before = await abandoned();
      const connection = await RawConnection.open(server.httpPort);
      await whileItRuns(connection);
      await connection.write(slowRequest);
      if (name === "node") {
        for (let i = 0; i < 2; i++) expect((await connection.reply()).json.prediction).toBe(300_000);
        connection.destroy();
        return;
      }
      await connection.closed;
      expect(connection.received.toString()).toBe("");
      await expect.poll(abandoned, quickly).toBeGreaterThan(before);
    });
  });

  test("calls that wait behind a run and whose callers leave are never run", async () => {
    const before = await abandoned();
    const first = await RawConnection.open(server.httpPort);
    await whileItRuns(first);
    const rowsRun = await metric(server, "nv_inference_count", { model: "spin" });
    const others = await Promise.all(Array.from({ length: 30 }, () => RawConnection.open(server.httpPort)));
    for (const other of others) await other.write(slowRequest);
    await expect.poll(() => metric(server, "plumb_queue_rows", { model: "spin" }), quickly).toBe(30);
    for (const other of others) other.destroy();
    await expect.poll(abandoned, quickly).toBe(before + 30);
    expect((await first.reply()).json.prediction).toBe(300_000);
    // Only the first ran; ten seconds of work were never begun.
    expect(await metric(server, "nv_inference_count", { model: "spin" })).toBe(rowsRun + 1);
    expect(await metric(server, "plumb_queue_rows", { model: "spin" })).toBe(0);
    first.destroy();
  });

  test("callers that come and go at once leave nothing behind", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, async (_, i) => {
        const controller = new AbortController();
        const asked = post(server.httpPort, "/models/echo/predict", { value: i }, { agent, signal: controller.signal });
        if (i % 3 === 0) setImmediate(() => controller.abort());
        return { i, prediction: (await asked).json.prediction as number };
      }),
    );
    agent.destroy();
    for (const outcome of outcomes)
      if (outcome.status === "fulfilled") expect(outcome.value.prediction).toBe(outcome.value.i);
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(200);
  });

  test("a caller that leaves before its body is whole is recorded as one that left", async () => {
    const before = await abandoned();
    const connection = await RawConnection.open(server.httpPort);
    await connection.write(`${head}content-length: 100\r\n\r\n{"value"`);
    await ask(server.httpPort, "/health/live");
    connection.destroy();
    await expect.poll(abandoned, quickly).toBe(before + 1);
  });

  describe("a reply of 10,000 predictions", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => Math.fround(Math.sin(i) * 1e5));
    const body = JSON.stringify({ rows: values.map((value) => ({ value })) });
    const request = `POST /models/echo/predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

    test("arrives whole and bit for bit, however slowly it is read", async () => {
      const connection = await RawConnection.open(server.httpPort);
      connection.socket.pause();
      await connection.write(request);
      await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBe(0);
      expect((await post(server.httpPort, "/models/echo/predict", { value: 3 })).json.prediction).toBe(3);
      connection.socket.resume();
      const { status, json } = await connection.reply();
      expect(status).toBe(200);
      expect(json.predictions.every((prediction: number, i: number) => Object.is(prediction, values[i]))).toBe(true);
      expect(json.predictions).toHaveLength(10_000);
      await connection.write(request);
      expect((await connection.reply()).json.predictions).toEqual(json.predictions);
      connection.destroy();
    });

    test("may be left while its request is still being read", async () => {
      for (let i = 0; i < 10; i++) {
        const connection = await RawConnection.open(server.httpPort);
        await connection.write(request.slice(0, i % 2 === 0 ? request.length : -10));
        connection.destroy();
      }
    });

    test("may be left in the middle", async () => {
      for (let i = 0; i < 5; i++) {
        const answered = await metric(server, "plumb_requests_total", { result: "ok" });
        const connection = await RawConnection.open(server.httpPort);
        connection.socket.pause();
        await connection.write(request);
        await expect.poll(() => metric(server, "plumb_requests_total", { result: "ok" }), quickly).toBe(answered + 1);
        connection.destroy();
      }
    });
  });
});
