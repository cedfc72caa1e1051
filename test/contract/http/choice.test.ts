/**
 * Goal: a server takes the member of HTTP that it is told to, or that loads, and says in a sentence what an operator
 * should know of it.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask } from "../../support/http-client.js";
import { members, whyNoUws } from "../../support/http-members.js";
import { echoModel, type ModelStore, writeStore } from "../../support/model-store.js";
import { RawConnection } from "../../support/raw-connection.js";
import { endServers, ServerProcess } from "../../support/server-process.js";

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel());
});

afterEach(endServers);

afterAll(async () => {
  await store.remove();
});

const serve = (choice: string, before: readonly string[] = []) =>
  new ServerProcess(["--models", store.directory, "--http", choice], { before });
const readyLine = ({ message }: { message: string }) => message === "ready";
const aboutHttp = ({ message }: { message: string }) => message.startsWith("HTTP");

describe("--http auto", () => {
  test("takes uWebSockets.js where it loads, and warns once of a build that leaves legal requests unanswered", async (context) => {
    if (whyNoUws !== undefined) context.skip(whyNoUws);
    const server = await serve("auto").untilServing();
    expect(await server.untilLogged(readyLine)).toMatchObject({ http: "uws" });
    const lines = server.log.filter(aboutHttp);
    if (members.some(({ build }) => build === "uws2026")) expect(lines).toEqual([]);
    else
      expect(lines).toEqual([
        expect.objectContaining({
          level: "warn",
          message: expect.stringMatching(/early 2024.*more than 98 headers.*no reply.*--http node answers them/),
        }),
      ]);
  });

  test("takes node:http where no binary loads, and says why in one line", async () => {
    const server = await serve("auto", ["without-uws.mjs"]).untilServing();
    expect(await server.untilLogged(readyLine)).toMatchObject({ http: "node" });
    expect(server.log.filter(aboutHttp)).toEqual([
      expect.objectContaining({
        level: "info",
        message: expect.stringMatching(
          /^HTTP is served by node:http: uWebSockets\.js has no binary that loads on Node \d.* here \(Cannot find module '\.\/uws_.*_1\.node'/,
        ),
      }),
    ]);
    // Both listeners.
    for (const port of [server.httpPort, server.adminPort]) {
      const answer = await ask(port, "/health/ready");
      expect([answer.json, answer.headers.uwebsockets]).toEqual([{ ready: true }, undefined]);
    }
  });
});

test("--http uws stops the start with a sentence where no binary loads", async () => {
  const server = serve("uws", ["without-uws.mjs"]);
  expect(await server.ended).toEqual({ code: 1, signal: null });
  expect(server.stderr).toMatch(
    /^plumb serve: --http uws: uWebSockets\.js has no binary that loads .*; --http node serves without it$/m,
  );
  expect(server.stderr).not.toMatch(/^\s+at /m);
});

test("--http node serves by node:http, says nothing of it, and names TLS and HTTP/2 that come to its port, once a minute each", async () => {
  const server = await serve("node").untilServing();
  expect(await server.untilLogged(readyLine)).toMatchObject({ http: "node" });
  expect(server.log.filter(aboutHttp)).toEqual([]);
  const foreign = [
    Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]),
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  ];
  for (const bytes of [...foreign, ...foreign]) {
    const connection = await RawConnection.open(server.httpPort);
    await connection.write(bytes);
    expect(await connection.closed).toBe("end");
    expect(connection.received.toString()).toBe("");
  }
  await server.end();
  const lines = server.log.filter(({ message }) => message.includes("came to the http listener"));
  expect(lines.map(({ level, message }) => [level, message.split(" ")[0]])).toEqual([
    ["warn", "TLS"],
    ["warn", "HTTP/2"],
  ]);
});

test("--http takes no other word", async () => {
  const server = serve("apache");
  expect(await server.ended).toEqual({ code: 2, signal: null });
  expect(server.stderr).toMatch(/the flag --http: .*auto.*uws.*node.*, got "apache"/);
});
