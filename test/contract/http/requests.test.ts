/**
 * Goal: each member answers legal requests, refuses others or ends their connection, and none of it becomes a
 * prediction of half a request.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "../../support/http-client.js";
import { members, whyNoUws } from "../../support/http-members.js";
import { metric } from "../../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../../support/model-store.js";
import { RawConnection } from "../../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../../support/server-process.js";
import { body, head, length, type Outcome, requestCases } from "./requests.cases.js";

let store: ModelStore;

beforeAll(async () => {
  store = await writeStore(echoModel());
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

test("uWebSockets.js is among the members", (context) => {
  if (whyNoUws !== undefined) context.skip(whyNoUws);
  expect(members.map(({ name }) => name)).toEqual(["node", "uws"]);
});

const server = new Map<string, ServerProcess>();

describe.each(members)("$build", ({ name, build }) => {
  beforeAll(async () => {
    server.set(name, await startServer(store.directory, "--http", name));
  });

  async function outcomeOf(bytes: string): Promise<{ outcome: Outcome | string; said: string }> {
    const port = server.get(name)!.httpPort;
    const connection = await RawConnection.open(port);
    await connection.write(Buffer.from(bytes.slice(0, 10_000), "latin1"));
    if (bytes.length > 10_000) {
      await ask(port, "/health/live");
      await connection.write(Buffer.from(bytes.slice(10_000), "latin1"));
    }
    // The server has read these bytes, and answered what can be, when it has answered later requests.
    for (let i = 0; i < 2; i++) await ask(port, "/health/live");
    const ended = await Promise.race([connection.closed, settled(port)]);
    const said = connection.received.toString("latin1");
    connection.destroy();
    const [, status] = /^HTTP\/1\.1 (\d+) /.exec(said) ?? [];
    if (status === undefined) return { outcome: ended === undefined ? "silent" : "ends", said };
    const words = said.includes('{"error":') ? " json" : said.includes("<h1>") ? " html" : "";
    const isKnown = ended !== undefined && words !== "" ? words : "";
    return { outcome: `${status}${isKnown}${ended === undefined ? "" : " closes"}`, said };
  }

  /** Resolves, with nothing, when whoever was to be answered or closed at once has been. */
  async function settled(port: number): Promise<undefined> {
    for (let i = 0; i < 8; i++) await ask(port, "/health/live");
  }

  test.each(requestCases)("$name", async ({ bytes, outcome }) => {
    const expected = typeof outcome === "string" ? outcome : outcome[build];
    const rowsBefore = await metric(server.get(name)!, "plumb_rows_total");
    const got = await outcomeOf(bytes);
    expect(got.outcome, got.said).toBe(expected);
    expect(got.said).not.toContain("x-injected");
    if (!expected.startsWith("200")) expect(got.said).not.toContain("prediction");
    if (expected.startsWith("200") && bytes.includes("POST")) expect(got.said).toContain('"prediction":1,');
    else expect(await metric(server.get(name)!, "plumb_rows_total")).toBe(rowsBefore);
  });

  test("a refusal is ours, with a request id, where the member lets us write it", async () => {
    if (name === "uws") return;
    const { said } = await outcomeOf(`${head}x-a : b\r\n${length}\r\n${body}`);
    const { error } = JSON.parse(said.slice(said.indexOf("\r\n\r\n")));
    expect(error).toMatchObject({ code: "invalid_request", issues: [] });
    expect(said).toContain(`x-request-id: ${error.request_id}`);
    expect(said).toMatch(/^content-type: application\/json\r$/m);
  });
});
