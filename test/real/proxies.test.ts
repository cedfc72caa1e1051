/**
 * Goal: behind nginx, HAProxy and Envoy, each with the configuration that is shipped for it, callers get what Plumb
 * says, and lose nothing when a server drains, dies or comes back.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../scripts/server-process.mjs";
import { type Answer, type Asked, ask, post } from "../support/http-client.js";
import { usualBuild } from "../support/http-members.js";
import { metric } from "../support/metrics.js";
import { echoModel, type ModelStore, spinModel, writeStore } from "../support/model-store.js";
import { findProgram } from "../support/programs.js";
import { Load } from "../support/proxy-load.js";
import { endProxies, needProxy, ProxyProcess, proxyNames } from "../support/proxy-process.js";
import { Relay } from "../support/proxy-relay.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const patiently = { interval: 20, timeout: 30_000 };
const bodyBytesMax = 1_048_576;

let store: ModelStore;

beforeAll(async () => {
  const limits = { rows_max: 20_000, body_bytes_max: bodyBytesMax };
  const unproved = echoModel({
    change: ({ files }) => {
      files["golden.jsonl"] = (files["golden.jsonl"] as string).replaceAll('"prediction":3}', '"prediction":4}');
    },
  });
  store = await writeStore(unproved, echoModel({ version: 2, limits }), spinModel());
});

afterEach(async () => {
  await endProxies();
  await endServers();
});

afterAll(async () => {
  await store.remove();
});

const serve = (...flags: readonly string[]) =>
  startServer(store.directory, "--default-model", "echo", "--access-log", "all", ...flags);

/** What is asked of a proxy and of the server behind it. */
interface Question extends Asked {
  readonly name: string;
  readonly path: string;
  readonly status: number;
}

const json = { "content-type": "application/json" };
const rows = Array.from({ length: 20_000 }, (_, i) => ({ value: i / 4 }));
const questions: readonly Question[] = [
  { name: "a prediction", path: "/predict", status: 200, headers: json, body: '{"value":1.5}' },
  { name: "20,000 rows", path: "/predict", status: 200, headers: json, body: JSON.stringify({ rows }) },
  { name: "bad JSON", path: "/predict", status: 400, headers: json, body: '{"value":' },
  {
    name: "a header that Plumb reads",
    path: "/predict",
    status: 400,
    headers: { ...json, "x-timeout-ms": "soon" },
    body: '{"value":1}',
  },
  { name: "an unknown model", path: "/models/none/predict", status: 404, headers: json, body: '{"value":1}' },
  { name: "a wrong verb", path: "/predict", status: 405, method: "PUT", headers: json, body: '{"value":1}' },
  {
    name: "a body over the bundle's limit",
    path: "/predict",
    status: 413,
    headers: json,
    body: "x".repeat(bodyBytesMax + 100_000),
  },
  { name: "no JSON", path: "/predict", status: 415, headers: { "content-type": "text/csv" }, body: "1" },
  { name: "a bad row", path: "/predict", status: 422, headers: json, body: '{"value":"x"}' },
  {
    name: "a version that isn't ready",
    path: "/models/echo/versions/1/predict",
    status: 503,
    headers: json,
    body: '{"value":1}',
  },
  { name: "what models there are", path: "/models", status: 200, method: "GET" },
  { name: "what only the admin listener has", path: "/metrics", status: 404, method: "GET" },
];

/** What must be the same; the rest is the proxy's own business, and chance's (retry-after). */
function seen({ status, headers, text }: Answer) {
  return {
    status,
    text,
    type: headers["content-type"],
    allow: headers.allow,
    again: headers["retry-after"] !== undefined,
    id: headers["x-request-id"],
  };
}

const served = (server: ServerProcess) => metric(server, "plumb_requests_total", { result: "ok" });

describe.each(proxyNames)("%s", (name) => {
  test("passes requests and answers unchanged, errors and their JSON too", async (context) => {
    const program = needProxy(context, name);
    const server = await serve();
    const proxy = await ProxyProcess.start(name, program, [server.httpPort, server.httpPort]);
    for (const { name: about, path, status, method = "POST", headers, body } of questions) {
      const asked: Asked = {
        method,
        headers: { ...headers, "x-request-id": "asked-twice" },
        ...(body === undefined ? {} : { body }),
      };
      const direct = await ask(server.httpPort, path, asked);
      expect(direct.status, about).toBe(status);
      expect(seen(await ask(proxy.port, path, asked)), about).toEqual(seen(direct));
    }
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await post(proxy.port, "/predict", { value: 1 }, { headers: { "x-request-id": "mine", traceparent: trace } });
    const line = await server.untilLogged(({ request_id }) => request_id === "mine");
    expect(line.trace_id).toBe(trace.split("-")[1]);
    // A call without an id gets one on its way: the same in answer and log.
    const answer = await post(proxy.port, "/predict", { value: 2 });
    expect(answer.headers["x-request-id"]).toBe(answer.json.request_id);
    await server.untilLogged(({ request_id }) => request_id === answer.json.request_id);
  });

  test("takes bodies in chunks, with trailers and after a 100 Continue, and minds who shuts its sending side", async (context) => {
    const program = needProxy(context, name);
    const server = await serve();
    const proxy = await ProxyProcess.start(name, program, [server.httpPort, server.httpPort]);
    const head = "POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\n";
    const connection = await RawConnection.open(proxy.port);
    await connection.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    for (const part of ['{"va', "lue", '":', "4.5}"])
      await connection.write(`${part.length.toString(16)}\r\n${part}\r\n`);
    await connection.write("0\r\n\r\n");
    expect((await connection.reply()).json.prediction).toBe(4.5);
    await connection.write(`${head}expect: 100-continue\r\ncontent-length: 13\r\n\r\n`);
    expect((await connection.reply()).status).toBe(100);
    await connection.write('{"value":5.5}');
    expect((await connection.reply()).json.prediction).toBe(5.5);
    connection.destroy();
    const trailed = await RawConnection.open(proxy.port);
    await trailed.write(`${head}transfer-encoding: chunked\r\n\r\nd\r\n{"value":6.5}\r\n0\r\nx-after: 1\r\n\r\n`);
    // HAProxy passes trailers on, which uWebSockets.js refuses: better no answer than a wrong one.
    expect(name === "haproxy" && usualBuild !== "node" ? [400, 505] : [200]).toContain((await trailed.reply()).status);
    trailed.destroy();
    // Who shuts its sending side has left, for Plumb and most proxies; HAProxy keeps it from Plumb.
    const body = '{"value":100000}';
    const half = await RawConnection.open(proxy.port, { allowHalfOpen: true });
    half.socket.end(`${head.replace("/predict", "/models/spin/predict")}content-length: ${body.length}\r\n\r\n${body}`);
    const outcome = await half.replyOrEnd();
    expect(typeof outcome === "string" ? outcome : outcome.json.prediction).toBe(name === "haproxy" ? 100_000 : "end");
    half.destroy();
  });

  test("balances 32 connections over two servers, loses nothing, and keeps its own connections without pipelining", async (context) => {
    const program = needProxy(context, name);
    const servers = await Promise.all([serve(), serve()]);
    const relays = await Promise.all(servers.map(({ httpPort }) => Relay.open(httpPort)));
    const proxy = await ProxyProcess.start(name, program, [relays[0]!.port, relays[1]!.port]);
    const load = new Load(proxy.port, 32);
    await load.more(800);
    await load.stop();
    expect(load.failures).toEqual([]);
    for (const server of servers) expect(await served(server)).toBeGreaterThan(100);
    const wires = relays.flatMap(({ predicting }) => predicting);
    expect(wires.filter(({ pipelined }) => pipelined)).toEqual([]);
    expect(wires.length).toBeLessThan(load.answered / 4);
    await endProxies();
    await Promise.all(relays.map((relay) => relay.close()));
  });

  test("loses no request while a server drains, ends, and comes back", async (context) => {
    const program = needProxy(context, name);
    const flags = ["--drain-delay-ms", "1500", "--drain-quiet-ms", "1000"];
    const port = ["--http-port", String((await freePorts(1))[0])];
    const [first, second] = await Promise.all([serve(...flags, ...port), serve(...flags)]);
    const proxy = await ProxyProcess.start(name, program, [first.httpPort, second.httpPort]);
    let load = new Load(proxy.port, 16);
    await load.more(300);
    expect(await served(first)).toBeGreaterThan(0);
    first.kill("SIGTERM");
    expect(await first.ended).toEqual({ code: 0, signal: null });
    expect(first.log.at(-1)).toMatchObject({ message: "stopped", cut_off: 0 });
    await load.more(300);
    // nginx doesn't ask who is ready: while a server loads its models, callers who reach it through nginx are told to
    // come again.
    const asksWhoIsReady = name !== "nginx";
    if (!asksWhoIsReady) await load.stop();
    const again = await serve(...port);
    if (!asksWhoIsReady) {
      expect(load.failures).toEqual([]);
      load = new Load(proxy.port, 16);
    }
    await expect.poll(() => served(again), patiently).toBeGreaterThan(50);
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  test("asks the other server where one is killed, also what was in flight there", async (context) => {
    const program = needProxy(context, name);
    const flags = ["--execution", "pool", "--workers", "1"];
    const servers = await Promise.all([serve(...flags), serve(...flags)]);
    const [first, second] = servers;
    const proxy = await ProxyProcess.start(name, program, [first.httpPort, second.httpPort]);
    const slow = Array.from({ length: 10 }, (_, i) => 200_000 + i);
    const answers = slow.map((value) =>
      post(proxy.port, "/models/spin/predict", { value }, { headers: { "x-timeout-ms": "60000" } }),
    );
    for (const server of servers)
      await expect.poll(() => metric(server, "plumb_calls_in_flight"), patiently).toBeGreaterThan(0);
    first.kill("SIGKILL");
    const told = (await Promise.all(answers)).map(({ status, text, json }) => [status, json?.prediction ?? text]);
    expect(told).toEqual(slow.map((value) => [200, value]));
    const load = new Load(proxy.port, 8);
    await load.more(100);
    await load.stop();
    expect(load.failures).toEqual([]);
  });
});

test("each ends its idle connections before the server does, and waits for bodies that the server wouldn't wait for", async (context) => {
  const server = await serve();
  const body = '{"value":7.5}';
  const head = `POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const found = proxyNames.filter((name) => findProgram(name) !== undefined);
  if (found.length === 0) context.skip(`none of ${proxyNames.join(", ")} is installed`);
  const behind = await Promise.all(
    found.map(async (name) => {
      const relay = await Relay.open(server.httpPort);
      const proxy = await ProxyProcess.start(name, findProgram(name)!, [relay.port, relay.port]);
      const load = new Load(proxy.port, 24);
      await load.more(240);
      await load.stop();
      const slow = await RawConnection.open(proxy.port);
      await slow.write(head + body.slice(0, 5));
      return { name, relay, proxy, slow };
    }),
  );
  // The same body, sent to the server itself: this one is cut off after 8 to 12 seconds, and that's how long the others
  // wait.
  const direct = await RawConnection.open(server.httpPort);
  await direct.write(head + body.slice(0, 5));
  await direct.closed;
  expect(direct.received.toString()).toMatch(usualBuild === "node" ? /^HTTP\/1\.1 408 / : /^$/);
  for (const { name, relay, proxy, slow } of behind) {
    await relay.untilIdleEnded();
    expect(relay.predicting.length, name).toBeGreaterThan(0);
    const ends = new Set(relay.predicting.map(({ endedBy }) => endedBy));
    // HAProxy keeps what a load that goes on might need, and under a slow one the server ends some of that: with
    // nothing on its way.
    if (name === "haproxy") expect(ends, name).toContain("proxy");
    else expect(ends, name).toEqual(new Set(["proxy"]));
    expect(
      relay.predicting.filter(({ lost }) => lost),
      name,
    ).toEqual([]);
    await slow.write(body.slice(5));
    const reply = await slow.reply();
    expect([reply.status, reply.json.prediction], name).toEqual([200, 7.5]);
    expect((await post(proxy.port, "/predict", { value: 9 })).json.prediction, name).toBe(9);
    slow.destroy();
  }
  await endProxies();
  await Promise.all(behind.map(({ relay }) => relay.close()));
});
