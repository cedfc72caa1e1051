/**
 * Goal: one request at a time on a connection, no more connections than allowed, and every request ends with a reply or
 * a reason.
 */

import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { createConnectionPool, type Transport } from "../../../loadtest/connection-pool.js";
import type { Outcome } from "../../../loadtest/tally.js";
import { requestBytes } from "../../../loadtest/target.js";
import { freePorts } from "../../../scripts/server-process.mjs";
import { answerOne, startTestServer, type TestServer } from "../../support/test-server.js";

const opened: { close?: () => void; end?: () => Promise<void> }[] = [];

afterEach(async () => {
  for (const { close, end } of opened.splice(0)) {
    close?.();
    await end?.();
  }
});

async function start(answer: Parameters<typeof startTestServer>[0], connectionsMax: number, idleMsMax = 60_000) {
  const server = await startTestServer(answer);
  const pool = createConnectionPool({ host: "127.0.0.1", port: server.port, connectionsMax, idleMsMax });
  opened.push(pool, server);
  return { server, pool };
}

function send(pool: Transport, port: number, body = "{}"): Promise<Outcome> {
  return new Promise((resolve) =>
    pool.send(requestBytes({ host: "127.0.0.1", port, path: "/predict" }, body), resolve),
  );
}

const sendTo = (pool: Transport, { port }: TestServer, body?: string) => send(pool, port, body);

describe("the pool", () => {
  test("keeps a connection for the next request", async () => {
    const { server, pool } = await start(answerOne, 10);
    for (let i = 0; i < 5; i++) expect(await sendTo(pool, server, `{"i":${i}}`)).toEqual({ status: 200 });
    expect(server.connections()).toBe(1);
    expect(server.bodies).toEqual([0, 1, 2, 3, 4].map((i) => `{"i":${i}}`));
  });

  test("opens connections up to its bound; what finds none free waits its turn", async () => {
    const held: ServerResponse[] = [];
    const { server, pool } = await start((response) => {
      held.push(response);
      // Two requests are here and two wait: only answers can let them in.
      if (held.length >= 2) answerOne(held.shift()!);
      if (server.bodies.length === 4) for (const last of held.splice(0)) answerOne(last);
    }, 2);
    const outcomes = await Promise.all(["1", "2", "3", "4"].map((body) => sendTo(pool, server, body)));
    expect(outcomes).toEqual(Array(4).fill({ status: 200 }));
    expect(server.connections()).toBe(2);
    expect(server.bodies.slice(2)).toEqual(["3", "4"]);
  });

  test("never has two requests on one connection", async () => {
    let now = 0;
    let most = 0;
    const { server, pool } = await start((response) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        answerOne(response);
      });
    }, 3);
    await Promise.all(Array.from({ length: 50 }, () => sendTo(pool, server)));
    expect(most).toBeLessThanOrEqual(3);
  });

  test("gives other statuses as they are", async () => {
    const { server, pool } = await start((response) => response.writeHead(503, { "content-length": 0 }).end(), 1);
    expect(await sendTo(pool, server)).toEqual({ status: 503 });
  });

  test("takes a new connection where the server closes after a reply", async () => {
    const { server, pool } = await start((response) => answerOne(response.setHeader("connection", "close")), 1);
    const outcomes = await Promise.all([sendTo(pool, server), sendTo(pool, server), sendTo(pool, server)]);
    expect(outcomes).toEqual(Array(3).fill({ status: 200 }));
    expect(server.connections()).toBe(3);
  });

  test("replaces a connection that was idle for too long", async () => {
    const { server, pool } = await start(answerOne, 1, -1);
    await sendTo(pool, server);
    await sendTo(pool, server);
    expect(server.connections()).toBe(2);
  });
});

describe("a request fails with a reason", () => {
  test("where nobody listens, waiting ones included", async () => {
    const [port] = await freePorts(1);
    const pool = createConnectionPool({ host: "127.0.0.1", port: port!, connectionsMax: 1 });
    opened.push(pool);
    const outcomes = await Promise.all([send(pool, port!), send(pool, port!), send(pool, port!)]);
    expect(outcomes).toEqual(Array(3).fill({ failure: "ECONNREFUSED" }));
  });

  test("where the connection ends before the reply, and the next one gets a new connection", async () => {
    const { server, pool } = await start((response, body, request) => {
      if (body === "cut") request.socket.end();
      else answerOne(response);
    }, 1);
    const outcomes = await Promise.all([sendTo(pool, server, "cut"), sendTo(pool, server, "{}")]);
    expect(outcomes).toEqual([{ failure: "connection closed" }, { status: 200 }]);
  });

  test("where the reply can't be read", async () => {
    const { server, pool } = await start((response) => {
      response.write("in chunks");
      response.end();
    }, 1);
    expect(await sendTo(pool, server)).toEqual({ failure: "reply without Content-Length" });
  });
});
