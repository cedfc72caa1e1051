/**
 * Goal: a request of as many rows as the bundle takes is answered like so many requests of one row, and no other caller
 * waits for it.
 */

import { Agent } from "node:http";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { post } from "../support/http-client.js";
import { metric } from "../support/metrics.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));
/** Not to be refused on a machine that is busy with other things. */
const patiently = { "x-timeout-ms": "60000" };
const quickly = { interval: 5, timeout: 20_000 };

const rows = Array.from({ length: 10_000 }, (_, i) => ({
  feature_search_interest: Math.round(5000 + 4000 * Math.sin(i)) / 100,
  feature_price: i % 97 === 0 ? null : Math.round(10_000 + 2000 * Math.sin(3 * i)) / 100,
  feature_promo: i % 3 === 0 ? 1 : 0,
}));
const texts = rows.map((row) => JSON.stringify(row));
/** One row a line, the first on line 2. */
const bodyOf = (lines: readonly string[]) => `{"rows":[\n${lines.join(",\n")}\n]}`;
const large = bodyOf(texts);
const asRequest = (body: string) =>
  `POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe.each(["inline", "pool", "auto"])("with execution %s", (execution) => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer(models, "--default-model", "demand", "--execution", execution, "--access-log", "off");
  });

  afterAll(endServers);

  test("ten thousand rows are answered bit for bit as each of them alone", async () => {
    const { status, json } = await post(server.httpPort, "/predict", large, { headers: patiently });
    expect([status, json.error]).toEqual([200, undefined]);
    expect(json.predictions).toHaveLength(rows.length);
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    // Of each stretch of 200 rows one, and all of a stretch that lies across slices.
    const asked = [...texts.keys()].filter((row) => row % 200 === 199 || (row >= 5000 && row < 5300));
    const alone = await Promise.all(asked.map((row) => post(server.httpPort, "/predict", texts[row], { agent })));
    agent.destroy();
    for (const [i, row] of asked.entries())
      expect([row, Object.is(alone[i]!.json.prediction, json.predictions[row])]).toEqual([row, true]);
  });

  test("a row that is sent after them is answered before them", async () => {
    const first = await RawConnection.open(server.httpPort);
    const second = await RawConnection.open(server.httpPort);
    await first.write(asRequest(large));
    await second.write(asRequest(texts[0]!));
    const small = await second.reply();
    expect(first.received.length).toBe(0);
    const { json } = await first.reply();
    expect(small.json.prediction).toBe(json.predictions[0]);
    for (const connection of [first, second]) connection.destroy();
  });

  test("their caller's leaving frees their place, and no other call suffers", async () => {
    const abandoned = () => metric(server, "plumb_requests_total", { result: "abandoned" });
    const before = await abandoned();
    for (let i = 1; i <= 5; i++) {
      const connection = await RawConnection.open(server.httpPort);
      // The body is read before the end behind it is seen, and its rows take many turns of the event loop.
      await connection.write(asRequest(large));
      connection.destroy();
      await expect.poll(abandoned, quickly).toBe(before + i);
    }
    expect(await metric(server, "plumb_calls_in_flight")).toBe(0);
    expect(await metric(server, "plumb_bytes_in_flight")).toBe(0);
    expect((await post(server.httpPort, "/predict", large)).status).toBe(200);
  });

  test("what is wrong with one of them is said by its place", async () => {
    const refused = async (body: string) => {
      const { status, json } = await post(server.httpPort, "/predict", body);
      return [status, json.error.code, json.error.message];
    };
    const line = "the body isn't JSON: line 9001, column";
    expect(await refused(bodyOf(texts.with(8999, '{"feature_price" 1}')))).toEqual([
      400,
      "malformed_body",
      `${line} 18`,
    ]);
    expect(await refused(bodyOf(texts.with(8999, '{"a":1,"a":2}')))).toEqual([
      400,
      "malformed_body",
      'the body has the key "a" twice in one object; which one counts?',
    ]);
    expect(await refused(bodyOf(texts.with(8999, "{}")))).toEqual([
      422,
      "schema_mismatch",
      expect.stringMatching(/^row 8999, /),
    ]);
    expect(await refused(bodyOf([...texts, "{}"]))).toEqual([422, "too_many_rows", expect.any(String)]);
    expect(await refused(large.slice(0, -1))).toEqual([
      400,
      "malformed_body",
      expect.stringMatching(/^the body isn't JSON: /),
    ]);
  });
});
