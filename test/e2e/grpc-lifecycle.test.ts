/** Goal: calls over gRPC end as their callers and the server's life want it: in time, given up, answered in a drain. */

import { status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { GrpcClient, inferRequest, readOutputs, type StreamClient } from "../support/grpc-client.js";
import { busyWorkers, metric } from "../support/metrics.js";
import { echoModel, type ModelStore, spinModel, writeStore } from "../support/model-store.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const quickly = { interval: 5, timeout: 20_000 };

let store: ModelStore;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  store = await writeStore(echoModel(), spinModel());
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await endServers();
});

afterAll(async () => {
  await store.remove();
});

async function start(
  ...flags: readonly string[]
): Promise<{ server: ServerProcess; open: (service?: string) => GrpcClient }> {
  const server = await startServer(store.directory, "--grpc-port", "0", "--workers", "1", ...flags);
  const { grpc_port: port } = await server.untilLogged(({ message }) => message === "ready");
  const open = (service?: string) => {
    const client = new GrpcClient(port as number, service);
    clients.push(client);
    return client;
  };
  return { server, open };
}

const value = (model: string, number: number, id = "") =>
  inferRequest([{ name: "value", datatype: "FP64", shape: [1], data: [number] }], { model_name: model, id });
/** Rounds of the slow model that last some hundred milliseconds. */
const long = value("spin", 300_000);
const inTime = () => ({ deadline: Date.now() + 60_000 });

test("a deadline that passes while the call waits is DEADLINE_EXCEEDED, by the server too", async () => {
  const { server, open } = await start();
  const client = open();
  const running = client.call("ModelInfer", long, inTime());
  await expect.poll(() => busyWorkers(server), quickly).toBe(1);
  const { error } = await client.call("ModelInfer", long, { deadline: Date.now() + 60 });
  expect([status.DEADLINE_EXCEEDED, status.UNAVAILABLE]).toContain(error?.code);
  expect((await running).error).toBeUndefined();
});

test("a caller that cancels frees its place", async () => {
  const { server, open } = await start();
  const client = open();
  const calls = Array.from({ length: 3 }, () => client.call("ModelInfer", long, inTime()));
  await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBe(3);
  calls[2]!.cancel();
  expect((await calls[2]!).error?.code).toBe(status.CANCELLED);
  await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBeLessThan(3);
  for (const call of calls.slice(0, 2)) expect((await call).error).toBeUndefined();
});

test("SIGTERM: calls that are under way are answered, watchers are told, and the exit code is 0", async () => {
  const { server, open } = await start("--drain-quiet-ms", "300");
  const client = open();
  const watch = open("grpc.health.v1.Health").open("Watch", {});
  const seen: string[] = [];
  const watched = new Promise<number>((resolve) => {
    watch.on("data", (message: { status: string }) => seen.push(message.status));
    watch.on("error", (error: { code?: number }) => resolve(error.code ?? -1));
  });
  await expect.poll(() => seen, quickly).toEqual(["SERVING"]);
  const calls = Array.from({ length: 4 }, () => client.call("ModelInfer", long, inTime()));
  await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBe(4);
  server.kill("SIGTERM");
  for (const { error, reply } of await Promise.all(calls)) {
    expect(error).toBeUndefined();
    expect(readOutputs(reply)[0]!.data).toHaveLength(1);
  }
  expect(await watched).toBe(status.UNAVAILABLE);
  expect(seen.at(-1)).toBe("NOT_SERVING");
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.log.at(-1)).toMatchObject({ message: "stopped", cut_off: 0 });
});

test("under load, a drain loses no call that was taken", async () => {
  const { server, open } = await start("--drain-quiet-ms", "1000");
  let answered = 0;
  const loops = Array.from({ length: 8 }, async () => {
    const client = open();
    for (let i = 0; ; i++) {
      const { error, reply } = await client.call("ModelInfer", value("echo", i), inTime());
      if (error !== undefined) return error;
      expect(readOutputs(reply)[0]!.data).toEqual([i]);
      answered++;
    }
  });
  await expect.poll(() => answered, quickly).toBeGreaterThan(200);
  server.kill("SIGTERM");
  // Clients that come after the GOAWAY find nobody.
  for (const error of await Promise.all(loops))
    expect([error.code, error.details]).toEqual([status.UNAVAILABLE, expect.stringMatching(/connect/i)]);
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.log.at(-1)).toMatchObject({ message: "stopped", cut_off: 0 });
});

test("a connection that comes of age is left without losing a call", async () => {
  const { open } = await start("--grpc-connection-age-ms", "1000");
  const client = open();
  const endMs = Date.now() + 4000;
  for (let i = 0; Date.now() < endMs; i++) {
    const { error, reply } = await client.call("ModelInfer", value("echo", i), inTime());
    expect(error).toBeUndefined();
    expect(readOutputs(reply)[0]!.data).toEqual([i]);
  }
});

describe("ModelStreamInfer", () => {
  const collect = (stream: StreamClient) => {
    const got: { error_message: string; infer_response: { id: string } | null }[] = [];
    stream.on("data", (message) => got.push(message));
    const ended = new Promise<number>((resolve) => {
      stream.on("status", ({ code }) => resolve(code));
      stream.on("error", () => {});
    });
    return { got, ended };
  };

  test("answers in the order of the requests, and goes on after one that fails", async () => {
    const { open } = await start();
    const stream = open().open("ModelStreamInfer");
    const { got, ended } = collect(stream);
    stream.write(value("spin", 1000, "first"));
    stream.write(value("none", 1, "second"));
    for (let i = 0; i < 200; i++) stream.write(value("echo", i, `echo ${i}`));
    await expect.poll(() => got.length, quickly).toBe(202);
    stream.end();
    expect(await ended).toBe(status.OK);
    expect(got[0]!.infer_response!.id).toBe("first");
    expect(got[1]!.error_message).toMatch(/^there is no model "none"/);
    expect(got.slice(2).map(({ infer_response }) => infer_response?.id)).toEqual(
      Array.from({ length: 200 }, (_, i) => `echo ${i}`),
    );
  });

  test("is ended by a drain, once what it sent is answered", async () => {
    const { server, open } = await start("--drain-quiet-ms", "0");
    const stream = open().open("ModelStreamInfer");
    const { got, ended } = collect(stream);
    stream.write({ ...long, id: "long" });
    await expect.poll(() => busyWorkers(server), quickly).toBe(1);
    server.kill("SIGTERM");
    expect(await ended).toBe(status.UNAVAILABLE);
    expect(got.map(({ infer_response }) => infer_response?.id)).toEqual(["long"]);
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });
});

describe("health", () => {
  test("of the server and of its services; nothing of others", async () => {
    const { open } = await start();
    const health = open("grpc.health.v1.Health");
    for (const service of ["", "inference.GRPCInferenceService"])
      expect((await health.call("Check", { service })).reply).toEqual({ status: "SERVING" });
    expect((await health.call("Check", { service: "none" })).error?.code).toBe(status.NOT_FOUND);
    const watch = health.open("Watch", { service: "none" });
    watch.on("error", () => {});
    expect(await new Promise((resolve) => watch.on("data", resolve))).toEqual({ status: "SERVICE_UNKNOWN" });
    watch.cancel();
  });
});
