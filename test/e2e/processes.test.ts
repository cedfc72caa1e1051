/**
 * Goal: a server of several processes answers as one of one process does, loses only what a dying process had in flight,
 * and replaces, reloads and ends its processes without a caller noticing.
 */

import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isRunning } from "../support/children.js";
import { clientPortsOf } from "../support/connection-owners.js";
import { demandDirectory } from "../support/demand-bundle.js";
import { ask } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { LedgerLoad } from "../support/ledger-load.js";
import { metric, scrape } from "../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { sumOf } from "../support/prometheus-text.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer, startToEnd } from "../support/server-process.js";
import { connectToEach, patiently, untilTwo } from "../support/serving-processes.js";

const hangMs = 1500;

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel());
  cpSync(demandDirectory, join(store.directory, "demand", "1"), { recursive: true });
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

const start = (http: string, ...flags: string[]) =>
  startServer(store.directory, "--http", http, "--processes", "2", "--access-log", "off", ...flags);

describe.each(members)("two processes on $build", ({ name }) => {
  let server: ServerProcess;
  let grpcPort: number;

  beforeAll(async () => {
    const flags = ["--process-hang-ms", String(hangMs), "--drain-quiet-ms", "200", "--grpc-port", "0"];
    server = await start(name, ...flags);
    const ready = await server.untilLogged(({ message, process }) => message === "ready" && process === "primary");
    grpcPort = ready.grpc_port as number;
  });

  test("each of them answers every golden row, on one port", async () => {
    const processes = await untilTwo(server);
    const golden = readFileSync(join(demandDirectory, "golden.jsonl"), "utf8").trim().split("\n");
    const rows = golden.map((line) => JSON.parse(line) as { row: object; prediction: number });
    const body = JSON.stringify({ rows: rows.map(({ row }) => row) });
    const request = `POST /models/demand/predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    for (const connection of (await connectToEach(server, processes)).values()) {
      await connection.write(request);
      const { json } = await connection.reply();
      expect(json.predictions).toEqual(rows.map(({ prediction }) => prediction));
      connection.destroy();
    }
  });

  test("another server is refused the port, alone or of several processes, on either HTTP member", async () => {
    const port = String(server.httpPort);
    for (const flags of [[], ["--processes", "2"], ["--processes", "2", "--http", "node"]]) {
      const ended = await startToEnd("--models", store.directory, "--http", name, "--http-port", port, ...flags);
      expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("is the port in use") });
    }
    const port2 = String(grpcPort);
    const ended = await startToEnd(
      "--models",
      store.directory,
      "--http",
      name,
      "--processes",
      "2",
      "--grpc-port",
      port2,
    );
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`grpc can't listen on 127.0.0.1:${grpcPort}`),
    });
  });

  test("one that is killed loses what it had in flight and nothing else, is replaced, and what it counted stays", async () => {
    const load = new LedgerLoad(server.httpPort, "/models/echo/predict", { clients: 8 });
    await expect.poll(() => load.entries.length, patiently).toBeGreaterThan(200);
    const countedOk = { model: "echo", result: "ok" };
    // A process that is held up for a second is shown as it was at the last scrape.
    let counted = 0;
    const count = async () => (counted = await metric(server, "plumb_requests_total", countedOk));
    await expect.poll(count, patiently).toBeGreaterThan(0);
    const [victim] = await untilTwo(server);
    const [ofVictim, open] = [clientPortsOf(victim!.pid, server.httpPort), load.ports];
    process.kill(victim!.pid, "SIGKILL");
    const [first, second] = await untilTwo(server, [victim!.pid]);
    const answered = load.entries.length;
    await expect.poll(() => load.entries.length, patiently).toBeGreaterThan(answered + 200);
    await load.stop();
    const failed = load.failed;
    // A connection has one request in flight, and a failed one isn't used again.
    expect(new Set(failed.map(({ port }) => port)).size).toBe(failed.length);
    expect(failed.filter(({ port, answer }) => answer !== undefined || !ofVictim.has(port))).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(open.filter((port) => ofVictim.has(port)).length);
    expect(load.refused).toBe(0);
    expect([first!.process, second!.process].sort()).toEqual(["1", "2"]);
    const families = await scrape(server);
    expect(sumOf(families, "plumb_requests_total", countedOk)).toBeGreaterThan(counted);
    expect(sumOf(families, "plumb_process_deaths_total")).toBe(1);
    expect(sumOf(families, "process_resident_memory_bytes", { process: "primary" })).toBeGreaterThan(0);
  });

  test("one whose event loop is held is replaced; scrapes answer meanwhile, and say whose values are old", async () => {
    const [stopped, sibling] = await untilTwo(server);
    await scrape(server);
    process.kill(stopped!.pid, "SIGSTOP");
    const families = await scrape(server);
    expect(sumOf(families, "plumb_process_metrics_stale", { process: stopped!.process })).toBe(1);
    expect(sumOf(families, "plumb_process_metrics_stale", { process: sibling!.process })).toBe(0);
    expect((await ask(server.adminPort, "/models")).status).toBe(200);
    const all = await untilTwo(server, [stopped!.pid]);
    expect(all.map(({ pid }) => pid)).toContain(sibling!.pid);
    expect(isRunning(stopped!.pid)).toBe(false);
    expect(server.log.some(({ message }) => /is killed: its event loop was held/.test(message))).toBe(true);
  });

  test("SIGHUP replaces both, one after the other, and every request is answered", async () => {
    const before = (await untilTwo(server)).map(({ pid }) => pid);
    const load = new LedgerLoad(server.httpPort, "/models/echo/predict", { clients: 8 });
    await expect.poll(() => load.entries.length, patiently).toBeGreaterThan(100);
    server.kill("SIGHUP");
    await untilTwo(server, before);
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(load.refused).toBe(0);
    expect(before.filter(isRunning)).toEqual([]);
    expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
  });

  test("the admin listener says of models what a process says, and names what it doesn't know", async () => {
    const [mine, theirs] = await Promise.all(
      ["/models/echo", "/models"].flatMap((path) => [ask(server.adminPort, path), ask(server.httpPort, path)]),
    );
    expect(mine!.json).toEqual(theirs!.json);
    const unknown = await ask(server.adminPort, "/models/nobody");
    expect([unknown.status, unknown.json.error.code]).toEqual([404, "model_not_found"]);
    expect((await ask(server.adminPort, "/nowhere")).status).toBe(404);
  });

  test("SIGTERM answers what is in flight and ends all of them, with exit code 0", async () => {
    const pids = (await untilTwo(server)).map(({ pid }) => pid);
    const connection = await RawConnection.open(server.httpPort);
    const body = '{"value":7}';
    const head = `POST /models/echo/predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    await connection.write(head + body.slice(0, 4));
    // It is read when a later request is answered.
    await ask(server.httpPort, "/health/live");
    server.kill("SIGTERM");
    await server.untilLogged(({ message, reason }) => message === "draining" && reason === "SIGTERM");
    await connection.write(body.slice(4));
    expect((await connection.reply()).json.prediction).toBe(7);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(pids.filter(isRunning)).toEqual([]);
    expect(server.log.at(-1)).toMatchObject({ message: "stopped", process: "primary", cut_off: 0 });
  });
});

test("without their primary, processes answer what they have and end; nobody is left on the port", async () => {
  const server = await start("auto", "--drain-quiet-ms", "300");
  const pids = (await untilTwo(server)).map(({ pid }) => pid);
  const connection = await RawConnection.open(server.httpPort);
  const body = '{"value":9}';
  const request = `POST /models/echo/predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  await connection.write(request);
  expect((await connection.reply()).status).toBe(200);
  server.kill("SIGKILL");
  await connection.write(request);
  expect((await connection.reply()).json.prediction).toBe(9);
  await expect.poll(() => pids.filter(isRunning), patiently).toEqual([]);
  const open = () => RawConnection.open(server.httpPort);
  const attempt = () =>
    open().then(
      (found) => found.destroy(),
      (error: NodeJS.ErrnoException) => error.code,
    );
  await expect.poll(attempt, patiently).toBe("ECONNREFUSED");
});

test("a start whose processes can't start says why, and ends with 1", async () => {
  const ended = await startToEnd("--models", join(store.directory, "nowhere"), "--processes", "2");
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(/^plumb serve: .*nowhere/m);
});
