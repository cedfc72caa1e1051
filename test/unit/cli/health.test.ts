/**
 * Goal: the health command's exit code is what the server says of itself, and silence, slowness and strangers are no
 * health.
 */

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { health } from "../../../cli/health.js";
import { callCommand, runPlumb } from "../../support/command.js";

const elsewhere = new URL(".", import.meta.url).pathname;
const ask = (args: readonly string[], environment: Record<string, string> = {}) =>
  callCommand((words) => health(words, environment, elsewhere), args);

let server: Server | undefined;

async function answering(listener: RequestListener, host = "127.0.0.1"): Promise<string> {
  server = createServer(listener).listen(0, host);
  await once(server, "listening");
  return String((server.address() as AddressInfo).port);
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

describe("a server that answers", () => {
  test.each([
    ["/health/ready", [], 200, 0],
    ["/health/ready", [], 503, 1],
    ["/health/live", ["--live"], 200, 0],
    ["/health/live", ["--live"], 500, 1],
  ])("%s %j with %i: exit code %i", async (path, flags, status, code) => {
    const asked: unknown[] = [];
    const port = await answering((request, reply) => {
      asked.push([request.method, request.url, request.httpVersion]);
      reply.writeHead(status).end("{}");
    });
    const result = await ask([...flags, "--http-port", port]);
    expect(result).toEqual({ code, stdout: `http://127.0.0.1:${port}${path}: ${status}\n`, stderr: "" });
    expect(asked).toEqual([["GET", path, "1.1"]]);
  });

  test("is found by the settings that started it: flags, environment, file", async () => {
    const port = await answering((_, reply) => reply.end());
    expect(await ask([], { PLUMB_HTTP_PORT: port })).toMatchObject({ code: 0 });
    expect(await ask(["--http-port", port], { PLUMB_HTTP_PORT: "1" })).toMatchObject({ code: 0 });
    expect(await ask([], { PLUMB_CONFIG: "missing.json" })).toMatchObject({ code: 2 });
  });

  test("on all addresses is asked on this machine's", async () => {
    const port = await answering((_, reply) => reply.end(), "0.0.0.0");
    expect(await ask([], { PLUMB_HOST: "0.0.0.0", PLUMB_HTTP_PORT: port })).toMatchObject({ code: 0 });
    expect((await ask(["--host", "::", "--http-port", "9"])).stderr).toContain("http://[::1]:9/health/ready");
  });
});

describe("no health", () => {
  test("nobody listens", async () => {
    const port = await answering(() => {});
    await once(server!.close(), "close");
    const { code, stdout, stderr } = await ask(["--http-port", port]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^plumb health: http:\S+ didn't answer: .*ECONNREFUSED/);
  });

  test("a server that takes the request and says nothing, or only half of it", async () => {
    const silent = await answering(() => {});
    expect(await ask(["--http-port", silent, "--timeout-ms", "50"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not within 50 ms"),
    });
    server!.closeAllConnections();
    const half = await answering((_, reply) => reply.writeHead(200, { "content-length": "10" }).write("{"));
    expect(await ask(["--http-port", half, "--timeout-ms", "50"])).toMatchObject({ code: 1 });
  });

  test("a listener that speaks no HTTP", async () => {
    const stranger = createTcpServer((socket) => socket.end("220 mail\r\n")).listen(0, "127.0.0.1");
    await once(stranger, "listening");
    expect(await ask(["--http-port", String((stranger.address() as AddressInfo).port)])).toMatchObject({ code: 1 });
    stranger.close();
  });
});

describe("wrong usage is exit code 2", () => {
  test.each([
    [["--http-port", "0"], /the http port is 0/],
    [["--timeout-ms", "soon"], /--timeout-ms: expected .*"soon"/],
    [["--timeout-ms", "0"], /--timeout-ms: expected/],
    [["--timeout-ms"], /--timeout-ms: expected/],
    [["--lives"], /"--lives" is no flag/],
  ])("%j", async (flags, sentence) => {
    const { code, stdout, stderr } = await ask(flags);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(sentence);
  });
});

test("it is a command of plumb, which ends by itself", async () => {
  const port = await answering((_, reply) => reply.end());
  expect(await runPlumb(["health", "--live", "--http-port", port])).toMatchObject({ code: 0, stderr: "" });
  expect(await runPlumb(["health", "--help"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("plumb health"),
  });
});
