/**
 * Goal: behind nginx, HAProxy and Envoy, each with the configuration that is shipped for it, no caller can take the
 * servers from the others by what it writes into the heads of its requests.
 *
 * PLUMB_HTTP names the server's HTTP member (`--http`); without it, it is the server's default.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { HeadRecorder } from "../support/head-recorder.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { type OddHead, oddHeads } from "../support/odd-heads.js";
import { Load } from "../support/proxy-load.js";
import { endProxies, needProxy, ProxyProcess, proxyNames } from "../support/proxy-process.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, startServer } from "../support/server-process.js";

const member = process.env.PLUMB_HTTP;
/** The fewest headers that a server doesn't answer, on Node 20. */
const headersMin = 99;
/** After so long a caller leaves whose request isn't whole. */
const partMs = 500;

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel());
});

afterEach(async () => {
  await endProxies();
  await endServers();
});

afterAll(async () => {
  await store.remove();
});

/** @returns The status of the answer, or how the connection ended without one. */
async function send(port: number, { bytes, isPart }: OddHead): Promise<number | string> {
  const connection = await RawConnection.open(port);
  await connection.write(Buffer.from(bytes, "latin1"));
  const giveUp = isPart ? setTimeout(() => connection.destroy(), partMs) : undefined;
  const outcome = await Promise.race([connection.closed, connection.reply().then(({ status }) => status, String)]);
  clearTimeout(giveUp);
  connection.destroy();
  return outcome;
}

/** One caller with a connection for each. */
async function sendAll(port: number, heads: readonly OddHead[]): Promise<Map<string, number | string>> {
  return new Map(await Promise.all(heads.map(async (head) => [head.name, await send(port, head)] as const)));
}

describe.each(proxyNames)("%s", (name) => {
  test("lets through only what every HTTP library answers", async (context) => {
    const program = needProxy(context, name);
    const recorder = await HeadRecorder.open();
    const proxy = await ProxyProcess.start(name, program, [recorder.port, recorder.port]);
    const counted = Array.from({ length: 25 }, (_, i) => {
      const lines = Array.from({ length: 80 + i }, (_, header) => `x-h${header}: 1\r\n`).join("");
      return {
        name: `${80 + i}`,
        isLegal: true,
        isPart: false,
        bytes: `POST /predict HTTP/1.1\r\nhost: plumb\r\n${lines}content-length: 11\r\n\r\n{"value":1}`,
      };
    });
    const outcomes = await sendAll(proxy.port, [...oddHeads, ...counted]);
    expect(recorder.heads.length).toBeGreaterThan(20);
    for (const head of recorder.heads) {
      const [first, ...lines] = head.split("\r\n");
      expect(first).toMatch(/^[A-Za-z]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.[01]$/);
      expect(lines.length, first).toBeLessThan(headersMin);
      for (const line of lines) expect(line).toMatch(/^[A-Za-z0-9-]+:[\t\x20-\x7e\x80-\xff]*$/);
    }
    // Whom the RFCs are with is told something, and the most ordinary of them are served.
    const silent = oddHeads.filter(
      ({ name: about, isLegal, isPart }) => isLegal && !isPart && typeof outcomes.get(about) !== "number",
    );
    expect(silent.map(({ name: about }) => about)).toEqual([]);
    for (const about of [
      "a name with an underscore",
      "a name with a dot",
      "90 headers",
      "a tab in a value",
      "an empty value",
    ])
      expect([about, outcomes.get(about)]).toEqual([about, 200]);
    await recorder.close();
  });

  test("loses no other caller's call while one sends every odd head there is", async (context) => {
    const program = needProxy(context, name);
    const flags = member === undefined ? [] : ["--http", member];
    const servers = await Promise.all([0, 1].map(() => startServer(store.directory, ...flags)));
    const proxy = await ProxyProcess.start(name, program, [servers[0]!.httpPort, servers[1]!.httpPort]);
    const load = new Load(proxy.port, 8);
    await load.more(100);
    for (let round = 0; round < 3; round++) await sendAll(proxy.port, oddHeads);
    await load.more(1000);
    await load.stop();
    expect(load.failures.length / load.answered, `of ${load.answered}: ${load.failures[0]}`).toBeLessThan(0.01);
  });
});
