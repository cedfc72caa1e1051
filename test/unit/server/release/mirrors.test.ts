/**
 * Goal: rows are sent to a server behind a URL after the reply, and its answers compared; whatever that server does, it
 * costs a bounded time and a bounded number of bytes, is counted, and no caller sees it.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createPath, type PredictPath } from "../../../../server/path/predict.js";
import { describeModelComparison } from "../../../../server/release/comparison-figures.js";
import { MirrorHosts } from "../../../../server/release/mirror/hosts.js";
import { Mirrors } from "../../../../server/release/mirror/mirrors.js";
import { Shadows } from "../../../../server/release/shadows.js";
import { Arms } from "../../../../server/routing/arms.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import { parseRoute } from "../../../../server/routing/route.js";
import { RouteTable } from "../../../../server/routing/route-table.js";
import { routed } from "../../../../server/routing/routed.js";
import { Registry } from "../../../../server/versions/registry.js";
import { createHandPath } from "../../../support/hand-path.js";
import { makeVersion } from "../../../support/versions.js";

type Behaviour = (request: IncomingMessage, reply: ServerResponse, body: string) => void;

let server: Server;
let behave: Behaviour;
let asked: { headers: IncomingMessage["headers"]; body: string }[];
let connections: number;
let mirrors: Mirrors;
const closers: (() => void)[] = [];

beforeEach(async () => {
  [asked, connections] = [[], 0];
  server = createServer((request, reply) => {
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      asked.push({ headers: request.headers, body });
      behave(request, reply, body);
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  server.closeAllConnections();
  server.close();
});

const schema = {
  type: "object",
  properties: { x: { type: "number" }, patient: { type: "string", maxLength: 40, "x-pii": true } },
  required: ["x"],
  additionalProperties: false,
};

/** @param change - Of the route's shadow. */
async function createRig(change: object = {}, hosts?: string) {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/models/tiny/predict`;
  const table = new RouteTable();
  const registry = new Registry("tiny", routed(table, newestReady));
  const rig = createHandPath([makeVersion({ number: 1, schema })], { registry });
  table.swap({ tiny: parseRoute("tiny", { champion: 1, shadows: [{ url, timeout_ms: 5000, ...change }] }) });
  let nowMs = 0;
  let isRefusing = false;
  const spareTime = {
    now: () => nowMs,
    defer: rig.turns.defer,
    callsInFlight: () => 0,
    isRefusing: () => isRefusing,
  };
  const shadows = new Shadows({
    ...spareTime,
    wallClock: () => new Date("2026-12-01T08:00:00Z"),
    openMirrors: async () => {
      mirrors = new Mirrors(spareTime, new MirrorHosts([hosts ?? `127.0.0.1:${port}`]));
      return mirrors;
    },
  });
  shadows.openMirrors();
  closers.push(() => void shadows.close());
  await Promise.resolve();
  await Promise.resolve();
  const path = createPath({ ...rig.parts, arms: new Arms(table, registry, true), observers: [shadows] });
  /** One call to its reply, and to the request of the mirror that follows it. */
  const call = (row: object = { x: 1 }, headers: Record<string, string> = {}) => {
    const made = rig.send(
      { body: JSON.stringify({ rows: [row] }), requestId: "of-caller", headers },
      path as PredictPath,
    );
    rig.run();
    rig.turns.untilQuiet();
    return made.sent[0]!;
  };
  // biome-ignore lint/suspicious/noExplicitAny: as the listener answers it
  const described = (): any => {
    const pairs = shadows.pairs.map((pair) => shadows.figures(pair));
    // biome-ignore lint/suspicious/noExplicitAny: as the listener answers it
    return (describeModelComparison({ model: "tiny", champion: 1, shadows: pairs }) as any).shadows[0];
  };
  return {
    url,
    call,
    described,
    shadows,
    advance: (ms: number) => {
      nowMs += ms;
    },
    setRefusing: (is: boolean) => {
      isRefusing = is;
    },
    /** Until so many calls have had their answer, whatever it was. */
    async settled(count: number) {
      const done = () => described().calls.compared + described().calls.shadow_failed;
      await expect.poll(done, { interval: 2, timeout: 20_000 }).toBe(count);
      return described();
    },
  };
}

const echo: Behaviour = (_request, reply, body) =>
  reply.end(JSON.stringify({ predictions: JSON.parse(body).rows.map(({ x }: { x: number }) => x) }));

it("rows are sent after the reply, without personal data, over one kept connection, and answers compared", async () => {
  behave = echo;
  const { call, settled, url } = await createRig();
  for (let i = 0; i < 3; i++) {
    expect(call({ x: i, patient: "Ada" }).status).toBe(200);
    await settled(i + 1);
  }
  const figures = await settled(3);
  expect(figures).toMatchObject({ url, calls: { compared: 3 }, rows: 3, mirror: { failures: {}, open: 0 } });
  expect(figures.difference).toMatchObject({ same_rows: 3, largest_absolute: 0 });
  expect(asked.map(({ body }) => body)).toEqual([0, 1, 2].map((x) => `{"rows":[{"x":${x}}]}`));
  expect(asked[0]!.headers).toMatchObject({ "x-request-id": "of-caller", "x-plumb-shadow": "tiny" });
  expect(connections).toBe(1);
});

it("personal data is sent where the route names it, and nothing that it doesn't name", async () => {
  behave = (_request, reply) => reply.end('{"predictions":[1]}');
  const { call, settled } = await createRig({ features: ["patient"] });
  call({ x: 1, patient: "Ada" });
  await settled(1);
  expect(asked[0]!.body).toBe('{"rows":[{"patient":"Ada"}]}');
});

it("the Open Inference Protocol has a tensor for each feature", async () => {
  behave = (_request, reply) =>
    reply.end('{"outputs":[{"name":"prediction","datatype":"FP64","shape":[1,1],"data":[3]}]}');
  const { call, settled } = await createRig({ protocol: "open_inference", features: ["x", "patient"] });
  call({ x: 1 });
  expect((await settled(1)).difference).toMatchObject({ mean: 2 });
  expect(JSON.parse(asked[0]!.body)).toEqual({ inputs: [{ name: "x", datatype: "FP64", shape: [1], data: [1] }] });
});

it("a call that is mirrored itself has no shadow, so that none goes in a circle", async () => {
  behave = echo;
  const { call, shadows } = await createRig();
  expect(call({ x: 1 }, { "x-plumb-shadow": "tiny" }).status).toBe(200);
  expect([shadows.pairs, asked]).toEqual([[], []]);
});

const megabyte = Buffer.alloc(1_048_576, 32);
const misbehaviours: [string, string, Behaviour, object?][] = [
  ["garbage", "malformed", (_, reply) => reply.end("<html>")],
  ["an answer of another number of rows", "malformed", (_, reply) => reply.end('{"predictions":[1,2]}')],
  ["texts", "malformed", (_, reply) => reply.end('{"predictions":["a"]}')],
  [
    "10 MB",
    "too_large",
    (_, reply) => {
      for (let i = 0; i < 10; i++) reply.write(megabyte);
      reply.end();
    },
  ],
  ["nothing", "timeout", () => {}, { timeout_ms: 50 }],
  ["half an answer", "timeout", (_, reply) => void reply.write('{"predictions":'), { timeout_ms: 50 }],
  ["a cut connection", "connection", (request) => request.socket.destroy()],
  ["a redirect", "redirect", (_, reply) => void reply.writeHead(307, { location: "http://127.0.0.1:1/" }).end()],
  ["an error of its own", "server_error", (_, reply) => void reply.writeHead(503).end("{}")],
  ["a refusal", "status", (_, reply) => void reply.writeHead(422).end("{}")],
];
it.each(misbehaviours)("%s is counted as %s", async (_, failure, behaviour, change = {}) => {
  behave = behaviour;
  const { call, settled } = await createRig(change);
  expect(call().status).toBe(200);
  const { calls, mirror } = await settled(1);
  expect([calls.shadow_failed, mirror]).toEqual([1, { failures: { [failure]: 1 }, open: 0 }]);
  expect(asked).toHaveLength(1);
});

it("one that nobody listens at is counted as connection", async () => {
  const { call, settled } = await createRig();
  server.close();
  call();
  expect((await settled(1)).mirror.failures).toEqual({ connection: 1 });
});

it("one that fails again and again isn't asked until a while has passed, and then by one call", async () => {
  behave = (_, reply) => void reply.writeHead(500).end();
  const { call, settled, described, advance } = await createRig();
  for (let i = 1; i <= 5; i++) {
    call();
    await settled(i);
  }
  expect(described().mirror).toEqual({ failures: { server_error: 5 }, open: 1 });
  call();
  expect([described().calls.shed, asked.length]).toEqual([1, 5]);
  advance(1000);
  behave = echo;
  call();
  call();
  expect((await settled(6)).mirror.open).toBe(0);
  expect([described().calls.shed, asked.length]).toEqual([2, 6]);
});

it("while calls are refused nothing is sent, and what the queue has no room for is shed", async () => {
  behave = echo;
  const { call, described, setRefusing } = await createRig();
  setRefusing(true);
  for (let i = 0; i < 300; i++) call();
  expect([described().calls.shed, asked]).toEqual([44, []]);
});

it("a slow one has so many requests under way at most", async () => {
  behave = () => {};
  const { call, described } = await createRig();
  for (let i = 0; i < 20; i++) call();
  expect(described().calls.shed).toBe(4);
});

it("one that the setting doesn't name is never asked, whatever the route says", async () => {
  behave = echo;
  const { call, described } = await createRig({}, "127.0.0.1:1");
  call();
  expect([described().calls.shed, asked]).toEqual([1, []]);
});

it("what is under way ends with its comparison", async () => {
  let gone: Promise<unknown> | undefined;
  behave = (request) => {
    gone = new Promise((resolve) => request.socket.once("close", resolve));
  };
  const { call, shadows } = await createRig();
  call();
  await expect.poll(() => asked.length, { interval: 2, timeout: 20_000 }).toBe(1);
  shadows.keep(() => false);
  expect(shadows.pairs).toEqual([]);
  await gone;
});
