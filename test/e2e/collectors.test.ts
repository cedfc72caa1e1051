/**
 * Goal: a collector that is slow, wrong or gone costs spans, which are counted, and nothing else: no answer, no memory,
 * no late stop.
 */

import { Agent } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { post } from "../support/http-client.js";
import { metric } from "../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { OtlpReceiver, TcpListener } from "../support/otlp-receiver.js";
import { type Environment, sendTo, startWith } from "../support/otlp-servers.js";
import { endServers, type ServerProcess } from "../support/server-process.js";

const spansPerCall = 8;
/** OpenTelemetry's default for the spans that may wait, which is a whole number of calls. */
const queueSpansMax = 2048;
/** So long that a test which waits for a time-out fails: stopping must not. */
const patient = { OTEL_EXPORTER_OTLP_TIMEOUT: "3600000", OTEL_BSP_EXPORT_TIMEOUT: "3600000" };
const quickly = { interval: 5, timeout: 20_000 };

let store: ModelStore;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  store = await writeStore(echoModel());
});
afterEach(async () => {
  await endServers();
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  agent.destroy();
  await store.remove();
});

async function start(environment: Environment, ...flags: readonly string[]): Promise<ServerProcess> {
  return await startWith(environment, store.directory, "--trace-sample-share", "1", ...flags);
}

/** Asks as many times, and holds each answer to what it must be. */
async function ask({ httpPort }: ServerProcess, calls: number): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: calls }, async (_, value) => {
      const { status, json } = await post(
        httpPort,
        "/predict",
        { value },
        { agent, headers: { "x-timeout-ms": "86400000" } },
      );
      return [status, json.prediction];
    }),
  );
  expect(answers).toEqual(Array.from({ length: calls }, (_, value) => [200, value]));
}

const dropped = (server: ServerProcess) => metric(server, "plumb_trace_spans_dropped_total");
/** Whole only once the server has ended: lines are gathered before they are written. */
const complaints = (server: ServerProcess) => server.log.filter(({ message }) => message.startsWith("traces: "));

/** Ends as it should: everything answered, by its own will, and without a word that isn't its log's. */
async function expectSoundEnd(server: ServerProcess): Promise<void> {
  // Ten seconds later it would be killed.
  expect(await server.end()).toEqual({ code: 0, signal: null });
  expect(server.log.at(-1)).toMatchObject({ message: "stopped", cut_off: 0 });
  for (const line of server.stderr.trimEnd().split("\n")) expect(line).toMatch(/^\{.*\}$/);
}

test("a black hole: 2,000 calls are answered as ever, a bounded number of their spans is kept, the others are counted, and it stops in time", async () => {
  const hole = await TcpListener.start();
  ends.push(() => hole.stop());
  const server = await start({ ...sendTo(hole.endpoint), ...patient });
  await ask(server, 2000);
  expect(await dropped(server)).toBe(2000 * spansPerCall - queueSpansMax);
  await ask(server, 100);
  expect(await dropped(server)).toBe(2100 * spansPerCall - queueSpansMax);
  expect(hole.bytes).toBeGreaterThan(0);
  await expectSoundEnd(server);
});

describe("is answered as ever, and stops in time, beside", () => {
  const calls = 50;

  test("a collector that isn't there", async () => {
    const gone = await TcpListener.start();
    const { endpoint } = gone;
    await gone.stop();
    const server = await start({ ...sendTo(endpoint), ...patient });
    await ask(server, calls);
    await expectSoundEnd(server);
  });

  test("one that is only a name", async () => {
    const server = await start({ ...sendTo("http://collector.invalid:4318"), ...patient });
    await ask(server, calls);
    await expectSoundEnd(server);
  });

  test("one that answers 503, and asks to come back later", async () => {
    const busy = await OtlpReceiver.start((response) => response.writeHead(503, { "retry-after": "600" }).end("busy"));
    ends.push(() => busy.stop());
    const server = await start({ ...sendTo(busy.endpoint), ...patient });
    await ask(server, calls);
    await busy.until(() => (busy.received.length > 0 ? true : undefined));
    await expectSoundEnd(server);
  });

  test("one that begins its answer and never ends it", async () => {
    const slow = await OtlpReceiver.start((response) => response.writeHead(200).write("a"));
    ends.push(() => slow.stop());
    const server = await start({ ...sendTo(slow.endpoint), ...patient });
    await ask(server, calls);
    await slow.until(() => (slow.received.length > 0 ? true : undefined));
    await expectSoundEnd(server);
  });

  test("one that answers 200 and garbage: it has the spans, which is what counts", async () => {
    const odd = await OtlpReceiver.start((response) => response.writeHead(200).end("\xff\xff no protobuf"));
    ends.push(() => odd.stop());
    const server = await start(sendTo(odd.endpoint));
    await ask(server, calls);
    await odd.until(() => (odd.spans.length === calls * spansPerCall ? true : undefined));
    expect(await dropped(server)).toBe(0);
    await expectSoundEnd(server);
  });

  test("what isn't HTTP at all: the spans are lost, and counted", async () => {
    const odd = await TcpListener.start((socket) => socket.end("220 mail ready\r\n"));
    ends.push(() => odd.stop());
    const server = await start(sendTo(odd.endpoint));
    await ask(server, calls);
    await expect.poll(() => dropped(server), quickly).toBe(calls * spansPerCall);
    await expectSoundEnd(server);
  });

  test("one that answers gigabytes", async () => {
    const endless = await OtlpReceiver.start((response) => {
      const chunk = Buffer.alloc(65_536);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.writeHead(200).on("drain", more);
      more();
    });
    ends.push(() => endless.stop());
    const server = await start(sendTo(endless.endpoint));
    await ask(server, calls);
    await expect.poll(() => dropped(server), quickly).toBe(calls * spansPerCall);
    await expectSoundEnd(server);
  });
});

test("an export that takes too long is given up, and its spans are counted", async () => {
  const hole = await TcpListener.start();
  ends.push(() => hole.stop());
  const server = await start({ ...sendTo(hole.endpoint), OTEL_BSP_EXPORT_TIMEOUT: "50" });
  await ask(server, 20);
  await expect.poll(() => dropped(server), quickly).toBe(20 * spansPerCall);
  await expectSoundEnd(server);
  // What it began isn't over, though it was given up.
  expect(complaints(server).map(({ message }) => message)).toEqual([
    expect.stringMatching(/^traces: \d+ spans couldn't be delivered: no answer in 50 ms$/),
    "traces: the last spans weren't taken in time",
  ]);
});

test("failures are told once, not once each; and when the collector comes back it gets what comes then", async () => {
  let refuses = true;
  const moody = await OtlpReceiver.start((response) => response.writeHead(refuses ? 400 : 200).end());
  ends.push(() => moody.stop());
  const server = await start(sendTo(moody.endpoint));
  for (let round = 1; round <= 5; round++) {
    await ask(server, 3);
    await expect.poll(() => dropped(server), quickly).toBe(round * 3 * spansPerCall);
  }
  expect(moody.received.length).toBeGreaterThanOrEqual(5);
  refuses = false;
  moody.received.length = 0;
  await ask(server, 3);
  await moody.until(() => (moody.spans.length === 3 * spansPerCall ? true : undefined));
  expect(await dropped(server)).toBe(15 * spansPerCall);
  await expectSoundEnd(server);
  expect(complaints(server)).toEqual([
    expect.objectContaining({ level: "warn", message: expect.stringMatching(/couldn't be delivered: Bad Request$/) }),
  ]);
});

describe("what can't be meant", () => {
  test.each<[string, Environment, string]>([
    [
      "a protocol that there isn't",
      { ...sendTo("http://127.0.0.1:9"), OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      'traces: OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, got "grpc": no traces',
    ],
    [
      "an address that is none",
      sendTo("collector"),
      "traces: OTEL_EXPORTER_OTLP_ENDPOINT: expected an address that begins with http:// or https://: no traces",
    ],
  ])("%s is told in one line, and the server serves without traces", async (_, environment, message) => {
    const server = await start(environment);
    await ask(server, 3);
    expect(await dropped(server)).toBe(0);
    await expectSoundEnd(server);
    expect(complaints(server)).toEqual([expect.objectContaining({ level: "warn", message })]);
  });
});

describe("nothing of OpenTelemetry is loaded", () => {
  const absent = { NODE_OPTIONS: `--import=${new URL("../support/otlp-absent.mjs", import.meta.url).href}` };

  test.each<[string, Environment]>([
    ["where no collector is named", {}],
    ["where its SDK is switched off", { ...sendTo("http://127.0.0.1:9"), OTEL_SDK_DISABLED: "true" }],
  ])("%s: the server serves without it being installed", async (_, environment) => {
    const server = await start({ ...absent, ...environment });
    await ask(server, 3);
    await expectSoundEnd(server);
    expect(server.stderr).not.toContain("traces");
  });

  test("where it is wanted and isn't installed, which is told: the server serves", async () => {
    const server = await start({ ...absent, ...sendTo("http://127.0.0.1:9") });
    await ask(server, 3);
    const line = await server.untilLogged(({ message }) => message.startsWith("there are no traces"));
    expect(line).toMatchObject({ level: "error", message: expect.stringContaining("there is no @opentelemetry/") });
    await expectSoundEnd(server);
  });
});
