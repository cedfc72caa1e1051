/**
 * Goal: the ledger says what really became of each call: answered, refused, tried again, left, lost. Against plain
 * servers on this machine.
 */

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { saturate } from "../../../../loadtest/closed-loop.js";
import type { Ledger } from "../../../../loadtest/overload/ledger.js";
import { type SendPlan, sendPlan } from "../../../../loadtest/overload/send-plan.js";
import { requestBytes, type Target } from "../../../../loadtest/target.js";
import { answerOne, startTestServer } from "../../../support/test-server.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function http(answer: Parameters<typeof startTestServer>[0]) {
  const server = await startTestServer(answer);
  ends.push(server.end);
  return { target: { host: "127.0.0.1", port: server.port, path: "/predict" }, server };
}

/** A server that writes what it is told to, byte by byte as it likes. */
async function bytes(answer: (socket: Socket) => void): Promise<Target> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port, path: "/predict" };
}

const evenly = (count: number, everyMs = 1) => Float64Array.from({ length: count }, (_, i) => i * everyMs);

function run(target: Target, change: Partial<SendPlan> = {}) {
  const requests = [requestBytes(target, '{"a":1}'), requestBytes(target, '{"a":2}')];
  return sendPlan({ target, dueMs: evenly(50), requests, connections: 8, drainMs: 2000, ...change });
}

const statuses = (ledger: Ledger) => [...ledger.status.subarray(0, ledger.count)];
const countOf = (ledger: Ledger, status: number) => statuses(ledger).filter((one) => one === status).length;

describe("a plan", () => {
  test("is sent whole, in turn, each call when it is due or later", async () => {
    const { target, server } = await http(answerOne);
    const { ledger, generator } = await run(target);
    expect(countOf(ledger, 200)).toBe(50);
    expect(new Set(server.bodies)).toEqual(new Set(['{"a":1}', '{"a":2}']));
    for (let i = 0; i < 50; i++) {
      expect(ledger.leftMs[i]).toBeGreaterThanOrEqual(ledger.dueMs[i]!);
      expect(ledger.endedMs[i]).toBeGreaterThanOrEqual(ledger.leftMs[i]!);
    }
    expect(server.connections()).toBe(8);
    expect(generator.lagMsMax).toBeGreaterThanOrEqual(generator.lagMsP99);
  });

  test("waits for a connection where the server holds them all, and that counts as latency and not as lateness", async () => {
    const { target } = await http((response) => setTimeout(answerOne, 50, response));
    const { ledger, generator } = await run(target, { dueMs: evenly(6, 0), connections: 2 });
    expect(countOf(ledger, 200)).toBe(6);
    expect(generator.waitedForConnection).toBe(4);
    expect(ledger.latencyMs(5)).toBeGreaterThan(145);
    expect(generator.lagMsMax).toBeLessThan(ledger.leftMs[5]!);
  });

  test("ends early where that is enough, and leaves out the rest", async () => {
    const { target } = await http(answerOne);
    const { ledger } = await run(target, { dueMs: evenly(5000), isEnough: (_ledger, nowMs) => nowMs > 250 });
    expect(ledger.lastDueMs()).toBeLessThan(2000);
    expect(ledger.dueMs[4999]).toBeNaN();
  });

  test("ends although a reply never comes", async () => {
    const { target } = await http(() => {});
    const { ledger, elapsedMs } = await run(target, { dueMs: evenly(5), drainMs: 100 });
    expect(statuses(ledger)).toEqual([0, 0, 0, 0, 0]);
    expect(elapsedMs).toBeLessThan(2000);
  });

  test("of nothing ends at once", async () => {
    const { target } = await http(answerOne);
    expect((await run(target, { dueMs: evenly(0) })).ledger.count).toBe(0);
  });
});

describe("refusals", () => {
  test("are noted with Retry-After", async () => {
    const { target } = await http((response) =>
      response.writeHead(503, { "retry-after": "2", "content-length": 0 }).end(),
    );
    const { ledger } = await run(target);
    expect(countOf(ledger, 503)).toBe(50);
    expect(new Set(ledger.retryAfterS)).toEqual(new Set([2]));
  });

  test("are tried again at once, as often as is allowed, and only those of the first part", async () => {
    const { target, server } = await http((response) => response.writeHead(503, { "content-length": 0 }).end());
    const { ledger } = await run(target, { retries: { times: 3, untilMs: 9.5 } });
    expect(ledger.count).toBe(50 + 10 * 3);
    expect(server.bodies).toHaveLength(80);
    expect(Math.max(...ledger.tries)).toBe(3);
    const repeated = [...ledger.callOf.subarray(50, ledger.count)];
    for (let call = 0; call < 10; call++) expect(repeated.filter((one) => one === call)).toHaveLength(3);
  });

  test("are not tried again once one try is answered", async () => {
    let calls = 0;
    const { target } = await http((response) => {
      if (calls++ % 2 === 0) response.writeHead(503, { "content-length": 0 }).end();
      else answerOne(response);
    });
    const { ledger } = await run(target, { dueMs: evenly(10, 20), retries: { times: 3, untilMs: 1000 } });
    expect(ledger.count).toBe(20);
    expect(countOf(ledger, 200)).toBe(10);
  });
});

describe("clients that leave", () => {
  test("close their connection when their time is up, and others take its place", async () => {
    const { target, server } = await http((response, body) => {
      if (!body.includes("2")) answerOne(response);
    });
    const { ledger } = await run(target, { dueMs: evenly(40, 5), leaveAfterMs: 60 });
    const left = [...ledger.gaveUp.subarray(0, 40)].filter((one) => one === 1).length;
    // On a busy machine a client may leave that would have been answered; each ends in one way.
    expect(left).toBeGreaterThanOrEqual(20);
    expect(countOf(ledger, 200)).toBe(40 - left);
    expect(server.connections()).toBeGreaterThan(8);
    for (let i = 1; i < 40; i += 2) expect(ledger.endedMs[i]! - ledger.leftMs[i]!).toBeGreaterThanOrEqual(60);
  });
});

describe("replies", () => {
  test("may come in pieces", async () => {
    const target = await bytes((socket) => {
      socket.setNoDelay(true);
      // One timer after the other: of several with different times, a late loop may run the longest first.
      const write = ([piece, ...rest]: readonly string[]) => {
        socket.write(piece!);
        if (rest.length > 0) setTimeout(write, 5, rest);
      };
      write(["HTTP/1.1 200 OK\r\nContent-Len", "gth: 5\r\n\r", "\nhel", "lo"]);
    });
    const { ledger } = await run(target, { dueMs: evenly(10) });
    expect(countOf(ledger, 200)).toBe(10);
  });

  test.each([
    ["without a length", "HTTP/1.1 200 OK\r\n\r\n"],
    ["that are none", "hello there, this is no reply\r\n\r\n"],
    ["longer than they say", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab"],
  ])("%s count as lost connections", async (_name, text) => {
    const target = await bytes((socket) => socket.write(text));
    const { ledger } = await run(target, { dueMs: evenly(10) });
    expect(countOf(ledger, 1)).toBe(10);
  });

  test("that end a connection are taken, and the next call gets another one", async () => {
    const { target, server } = await http((response) => {
      response.setHeader("connection", "close");
      answerOne(response);
    });
    const { ledger } = await run(target, { dueMs: evenly(20, 2), connections: 2 });
    expect(countOf(ledger, 200)).toBe(20);
    expect(server.connections()).toBeGreaterThanOrEqual(20);
  });

  test("that never come because the connection is cut are lost", async () => {
    const { target } = await http((response) => response.socket!.destroy());
    expect(countOf((await run(target)).ledger, 1)).toBe(50);
  });
});

test("a server that isn't there loses every call, and the run ends", async () => {
  const { target, server } = await http(answerOne);
  await server.end();
  const { ledger } = await run(target);
  expect(countOf(ledger, 1)).toBe(50);
  const closedLoop = { requests: [Buffer.from("x")], connections: 4, durationS: 0.05, drainMs: 1000 };
  expect((await saturate(target, closedLoop)).okPerSecond).toBe(0);
});

test("a closed loop counts the answers of its connections", async () => {
  const { target } = await http((response) => setTimeout(answerOne, 20, response));
  const closedLoop = { requests: [requestBytes(target, "{}")], connections: 4, durationS: 0.5, drainMs: 1000 };
  const { okPerSecond } = await saturate(target, closedLoop);
  expect(okPerSecond).toBeGreaterThan(20);
  expect(okPerSecond).toBeLessThanOrEqual(220);
});
