/**
 * Goal: a server that is told to stop answers everything that it took, takes nothing new, and ends with the right exit
 * code.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess as StartedProcess, serveCommand } from "../../scripts/server-process.mjs";
import { ask, post } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { busyWorkers, metric } from "../support/metrics.js";
import { echoModel, type ModelStore, spinModel, writeStore } from "../support/model-store.js";
import { needProgram } from "../support/programs.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, ServerProcess, serverProgram, startServer } from "../support/server-process.js";

const quickly = { interval: 5, timeout: 20_000 };

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel(), spinModel());
});

afterEach(endServers);

afterAll(async () => {
  await store.remove();
});

function request(path: string, body: string): string {
  const headers = `host: plumb\r\ncontent-type: application/json\r\nx-timeout-ms: 60000\r\ncontent-length: ${body.length}\r\n`;
  return `POST ${path} HTTP/1.1\r\n${headers}\r\n${body}`;
}

/** Rounds of the slow model that last some hundred milliseconds. */
const long = '{"value":300000}';

async function refuses(port: number): Promise<boolean> {
  try {
    (await RawConnection.open(port)).destroy();
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  }
}

describe.each(members)("on $build", ({ name }) => {
  const startEcho = (quietMs: number) =>
    startServer(store.directory, "--http", name, "--default-model", "echo", "--drain-quiet-ms", String(quietMs));

  test.each(["SIGTERM", "SIGINT", "SIGQUIT"] as const)(
    "%s under load: every request that was sent on a living connection is answered, the last of each closes it, and the exit code is 0",
    async (signal) => {
      const server = await startEcho(2000);
      let answered = 0;
      const clients = Array.from({ length: 16 }, async (_, client) => {
        const connection = await RawConnection.open(server.httpPort);
        for (let i = 0; ; i++) {
          const value = client * 1000 + (i % 1000);
          await connection.write(request("/predict", `{"value":${value}}`));
          const reply = await connection.reply();
          expect([reply.status, reply.json.prediction]).toEqual([200, value]);
          answered++;
          if (reply.headers.get("connection") === "close") {
            expect(await connection.closed).toBe("end");
            return i;
          }
        }
      });
      await expect.poll(() => answered, quickly).toBeGreaterThan(500);
      const quiet = await RawConnection.open(server.httpPort);
      server.kill(signal);
      const counts = await Promise.all(clients);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      // A connection on which nothing came is closed too.
      expect(await quiet.closed).toBe("end");
      expect(await server.ended).toEqual({ code: 0, signal: null });
      expect(server.log.find(({ message }) => message === "draining")).toMatchObject({ reason: signal });
      expect(server.log.at(-1)).toMatchObject({ level: "info", message: "stopped", cut_off: 0 });
      expect(await refuses(server.httpPort)).toBe(true);
      expect(await refuses(server.adminPort)).toBe(true);
    },
  );

  test("a body that is still arriving is waited for, and answered", async () => {
    const server = await startServer(store.directory, "--http", name, "--default-model", "echo");
    const connection = await RawConnection.open(server.httpPort);
    const [head, body] = request("/predict", '{"value":5}').split("\r\n\r\n");
    await connection.write(`${head}\r\n\r\n${body!.slice(0, 5)}`);
    await ask(server.httpPort, "/health/live");
    server.kill("SIGTERM");
    await expect.poll(() => refuses(server.httpPort), quickly).toBe(true);
    await connection.write(body!.slice(5));
    const reply = await connection.reply();
    expect(reply.json.prediction).toBe(5);
    expect(reply.headers.get("connection")).toBe("close");
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });

  describe("a connection that is kept open", () => {
    test("may still bring a request while the server waits for quiet, and is closed by its reply", async () => {
      const server = await startEcho(20000);
      const connections = await Promise.all(Array.from({ length: 3 }, () => RawConnection.open(server.httpPort)));
      for (const connection of connections) {
        await connection.write(request("/predict", '{"value":1}'));
        expect((await connection.reply()).headers.has("connection")).toBe(false);
      }
      server.kill("SIGTERM");
      await expect.poll(() => refuses(server.httpPort), quickly).toBe(true);
      for (const connection of connections) {
        await connection.write(request("/predict", '{"value":2}'));
        const reply = await connection.reply();
        expect([reply.json.prediction, reply.headers.get("connection")]).toEqual([2, "close"]);
        expect(await connection.closed).toBe("end");
      }
      // Nobody is left to wait for: far sooner than the quiet time.
      expect(await server.ended).toEqual({ code: 0, signal: null });
    });

    test("to the admin listener doesn't hold up the end", async () => {
      const server = await startEcho(0);
      const scraper = await RawConnection.open(server.adminPort);
      await scraper.write("GET /metrics HTTP/1.1\r\nhost: plumb\r\n\r\n");
      expect((await scraper.reply()).status).toBe(200);
      server.kill("SIGTERM");
      await scraper.closed;
      expect(await server.ended).toEqual({ code: 0, signal: null });
    });
  });

  test("a drain for a client that never finishes its body ends with its time, and with exit code 1", async () => {
    const server = await startServer(
      store.directory,
      "--http",
      name,
      "--default-model",
      "echo",
      "--drain-timeout-ms",
      "300",
    );
    const connection = await RawConnection.open(server.httpPort);
    await connection.write(
      "POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    );
    await ask(server.httpPort, "/health/live");
    server.kill("SIGTERM");
    await connection.closed;
    expect(connection.received.toString()).toBe("");
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.log.at(-1)).toMatchObject({ level: "error", message: "stopped", cut_off: 1 });
  });
});

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test("during a run of 10,000 rows in the pool: it is answered whole, and no worker is torn down", async () => {
    const server = await startServer(store.directory, "--execution", "pool", "--workers", "2");
    const values = Array.from({ length: 10_000 }, (_, i) => 5_000 + i / 8);
    const connection = await RawConnection.open(server.httpPort);
    await connection.write(
      request("/models/spin/predict", JSON.stringify({ rows: values.map((value) => ({ value })) })),
    );
    await expect.poll(() => busyWorkers(server), quickly).toBe(2);
    server.kill(signal);
    expect(await server.untilLogged(({ message }) => message === "draining")).toMatchObject({ calls_in_flight: 1 });
    const reply = await connection.reply();
    expect(reply.status).toBe(200);
    expect(reply.json.predictions).toEqual(values);
    expect(reply.headers.get("connection")).toBe("close");
    connection.destroy();
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });
});

test("calls that wait in the queue when the signal comes are answered too", async () => {
  const server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
  const connections = await Promise.all(Array.from({ length: 30 }, () => RawConnection.open(server.httpPort)));
  // The first holds the worker, for longer than it takes to see that they wait.
  const values = connections.map((_, i) => (i === 0 ? 300_000 : 20_000 + i));
  for (const [i, connection] of connections.entries())
    await connection.write(request("/models/spin/predict", `{"value":${values[i]}}`));
  await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBeGreaterThan(1);
  server.kill("SIGTERM");
  for (const [i, connection] of connections.entries()) {
    const reply = await connection.reply();
    expect([reply.status, reply.json.prediction]).toEqual([200, values[i]]);
  }
  expect(await server.ended).toEqual({ code: 0, signal: null });
});

test("a run on the event loop itself is answered before the server ends", async () => {
  const server = await startServer(store.directory, "--execution", "inline");
  const connection = await RawConnection.open(server.httpPort);
  await connection.write(request("/models/spin/predict", long));
  // On one thread, a signal is heard when the run is over.
  server.kill("SIGTERM");
  const outcome = await connection.replyOrEnd();
  if (typeof outcome !== "string") expect(outcome.json.prediction).toBe(300_000);
  expect(await server.ended).toEqual({ code: 0, signal: null });
});

test("readiness ends first: for --drain-delay-ms the server isn't ready, and still serves whoever comes", async () => {
  const server = await startServer(store.directory, "--default-model", "echo", "--drain-delay-ms", "2000");
  expect((await ask(server.httpPort, "/health/ready")).status).toBe(200);
  server.kill("SIGTERM");
  await server.untilLogged(({ message }) => message === "draining");
  for (const port of [server.httpPort, server.adminPort]) {
    const ready = await ask(port, "/health/ready");
    expect([ready.status, ready.json]).toEqual([503, { ready: false }]);
    expect((await ask(port, "/health/live")).json).toEqual({ live: true });
  }
  expect((await post(server.httpPort, "/predict", { value: 8 })).json.prediction).toBe(8);
  expect(await metric(server, "plumb_ready")).toBe(0);
  await expect.poll(() => refuses(server.httpPort), quickly).toBe(true);
  expect(await server.ended).toEqual({ code: 0, signal: null });
});

describe("a drain that can't end", () => {
  test("for a run that takes too long ends with exit code 1, once the worker has put it down", async () => {
    const server = await startServer(
      store.directory,
      "--execution",
      "pool",
      "--workers",
      "1",
      "--drain-timeout-ms",
      "20",
    );
    const connections = [await RawConnection.open(server.httpPort), await RawConnection.open(server.httpPort)];
    for (const connection of connections) await connection.write(request("/models/spin/predict", long));
    await expect.poll(() => metric(server, "plumb_calls_in_flight"), quickly).toBe(2);
    server.kill("SIGTERM");
    for (const connection of connections) await connection.closed;
    // Not an abort: a worker is never terminated inside the runtime.
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.log.at(-1)).toMatchObject({ level: "error", message: "stopped", cut_off: 2 });
  });

  test("is ended at once by a second signal", async () => {
    const server = await startServer(store.directory, "--execution", "pool", "--workers", "1");
    const connection = await RawConnection.open(server.httpPort);
    await connection.write(request("/models/spin/predict", '{"value":1000000000}'));
    await expect.poll(() => busyWorkers(server), quickly).toBe(1);
    server.kill("SIGTERM");
    await server.untilLogged(({ message }) => message === "draining");
    server.kill("SIGINT");
    expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" });
    await connection.closed;
  });
});

describe("a signal during the start", () => {
  test("ends the server with exit code 0 once it listens, ready or not", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    await once(taken.close(), "close");
    const server = new ServerProcess(["--models", store.directory, "--http-port", String(port)]);
    await expect
      .poll(async () => (await ask(port, "/health/live").catch(() => undefined))?.status, {
        interval: 1,
        timeout: 20_000,
      })
      .toBe(200);
    server.kill("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.log.at(-1)).toMatchObject({ message: "stopped", cut_off: 0 });
  });

  test("at whatever moment ends it without a crash", async () => {
    // From before the first line of ours runs to after the greeting.
    for (const delayMs of [0, 30, 60, 90, 120, 160, 200, 260, 320]) {
      const server = new ServerProcess(["--models", store.directory]);
      setTimeout(() => server.kill("SIGTERM"), delayMs);
      const ended = await server.ended;
      expect([
        { code: 0, signal: null },
        { code: null, signal: "SIGTERM" },
      ]).toContainEqual(ended);
      expect(server.stderr).not.toMatch(/^\s+at |FATAL|terminate/m);
    }
  });
});

describe("other signals", () => {
  test.each(["SIGUSR2", "SIGPWR", "SIGXCPU"] as const)("%s drains too", async (signal) => {
    const server = await startServer(store.directory, "--default-model", "echo");
    server.kill(signal);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.log.find(({ message }) => message === "draining")).toMatchObject({ reason: signal });
  });

  test("SIGHUP is noted and ignored, while loading and while serving", async () => {
    const server = new ServerProcess(["--models", store.directory, "--default-model", "echo"]);
    await server.untilLogged(({ message }) => message.startsWith("engine"));
    server.kill("SIGHUP");
    await server.untilServing();
    server.kill("SIGHUP");
    const noted = await server.until(({ log }) => {
      const lines = log.filter(({ message }) => message.startsWith("SIGHUP is ignored"));
      return lines.length === 2 ? lines : undefined;
    });
    expect(noted[0]).toMatchObject({ level: "warn" });
    expect((await post(server.httpPort, "/predict", { value: 1 })).json.prediction).toBe(1);
    expect(await server.end()).toEqual({ code: 0, signal: null });
  });

  test("SIGHUP of a terminal that has closed drains", async (context) => {
    const script = needProgram(context, "script");
    const log = join(store.directory, ".terminal.log");
    const command = serveCommand(serverProgram, ["--models", store.directory]);
    // Standard error is a file: when the terminal is gone, nobody could read it there. The shell passes the signal on,
    // as shells do, and tells the exit code; the first of its waits is what the signal ends.
    const line = `${command.join(" ")} 2>${log} & trap "kill -HUP $!" HUP; wait $!; wait $!; echo "exit code $?" >>${log}`;
    const terminal = new StartedProcess([script, "-qfec", line, "/dev/null"]);
    await terminal.until(({ stdout }) => / {2}curl [^\n]*\n/.exec(stdout) ?? undefined);
    terminal.kill("SIGKILL");
    const ended = /"draining","reason":"SIGHUP".*\n.*"stopped","cut_off":0\}\nexit code 0\n$/;
    await expect.poll(() => readFileSync(log, "utf8"), quickly).toMatch(ended);
  });
});
