/**
 * Goal: on each member a compressed body is predicted as the plain one, by either protocol; one that is a bomb, damaged
 * or given up harms neither its connection nor other callers.
 */

import { randomBytes } from "node:crypto";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { post } from "../../support/http-client.js";
import { members } from "../../support/http-members.js";
import { metric } from "../../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../../support/model-store.js";
import { RawConnection } from "../../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../../support/server-process.js";

const mebibyte = 1_048_576;
const patience = { interval: 5, timeout: 20_000 };
const rowsOf = (count: number) => JSON.stringify({ rows: Array.from({ length: count }, (_, value) => ({ value })) });
const predictions = (count: number) => Array.from({ length: count }, (_, value) => value);

describe.each(members)("$build", ({ name }) => {
  let store: ModelStore;
  let server: ServerProcess;

  beforeAll(async () => {
    store = await writeStore(echoModel({ limits: { rows_max: 20_000, body_bytes_max: mebibyte } }));
    server = await startServer(store.directory, "--http", name);
  });

  afterAll(async () => {
    await endServers();
    await store.remove();
  });

  afterEach(async () => {
    await expect.poll(() => metric(server, "plumb_calls_in_flight"), patience).toBe(0);
    expect(await metric(server, "plumb_bytes_in_flight")).toBe(0);
    expect((await post(server.httpPort, "/predict", { value: 1 })).json.prediction).toBe(1);
  });

  const send = (coding: string, body: Uint8Array, headers: Record<string, string> = {}, path = "/predict") =>
    post(server.httpPort, path, body, {
      headers: { "content-encoding": coding, "x-timeout-ms": "60000", ...headers },
    });

  describe.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("%s", (coding, compress) => {
    test.each([1, 100, 20_000])("%i rows are predicted", async (count) => {
      const { status, json } = await send(coding, compress(rowsOf(count)));
      expect([status, json.predictions]).toEqual([200, predictions(count)]);
    });

    test("a body in chunks is predicted, and in pieces too", async () => {
      const body = compress(rowsOf(5_000));
      const connection = await RawConnection.open(server.httpPort);
      const head = `POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-encoding: ${coding}\r\nx-timeout-ms: 60000\r\n`;
      await connection.write(`${head}transfer-encoding: chunked\r\n\r\n`);
      for (let at = 0; at < body.length; at += 5_000) {
        const chunk = body.subarray(at, at + 5_000);
        await connection.write(
          Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
        );
      }
      await connection.write("0\r\n\r\n");
      expect((await connection.reply()).json.predictions).toEqual(predictions(5_000));
      await connection.write(`${head}content-length: ${body.length}\r\n\r\n`);
      await connection.write(body.subarray(0, 2_000));
      await connection.write(body.subarray(2_000));
      expect((await connection.reply()).json.predictions).toEqual(predictions(5_000));
      connection.destroy();
    });

    test.each([1, 20_000])("the Open Inference Protocol takes it: %i rows", async (count) => {
      const values = Float64Array.from(predictions(count));
      const input = { name: "value", datatype: "FP64", shape: [count], parameters: { binary_data_size: 8 * count } };
      const json = JSON.stringify({ inputs: [input] });
      const body = compress(Buffer.concat([Buffer.from(json), Buffer.from(values.buffer)]));
      const headers = { "inference-header-content-length": String(json.length) };
      const reply = await send(coding, body, headers, "/v2/models/echo/infer");
      expect([reply.status, reply.json.outputs?.[0].data]).toEqual([200, predictions(count)]);
    });

    test("a bomb is 413 by what it inflates to", async () => {
      for (const bytes of [mebibyte + 1, 64 * mebibyte]) {
        const { status, json } = await send(coding, compress(Buffer.alloc(bytes, " ")));
        expect([status, json.error.code]).toEqual([413, "body_too_large"]);
        expect(json.error.message).toBe("the body: expected at most 1048576 bytes once it is inflated, got more");
      }
    });

    test("a body that is too large compressed is 413 too", async () => {
      const { status, json } = await send(coding, compress(randomBytes(2 * mebibyte)));
      expect([status, json.error.code]).toEqual([413, "body_too_large"]);
    });

    test("damaged data is 400, in the form of the protocol", async () => {
      for (const body of [Buffer.from(rowsOf(1)), compress(rowsOf(20_000)).subarray(0, -1), Buffer.alloc(0)]) {
        const { status, json } = await send(coding, body);
        expect([status, json.error.code]).toEqual([400, "malformed_body"]);
        expect(json.error.message).toContain("as content-encoding says, got bytes that don't inflate: ");
        const other = await send(coding, body, {}, "/v2/models/echo/infer");
        expect([other.status, other.json]).toEqual([400, { error: json.error.message }]);
      }
    });
  });

  test("what isn't known, or stands twice, is 415", async () => {
    const codings = ["br", "zstd", "compress", "gzip, gzip", "identity, gzip"];
    for (const coding of codings) {
      const { status, json } = await send(coding, gzipSync(rowsOf(1)));
      expect([status, json.error.code]).toEqual([415, "unsupported_media_type"]);
      expect(json.error.message).toBe(`content-encoding: expected none, or one of gzip and deflate, got "${coding}"`);
    }
    const body = gzipSync(rowsOf(1));
    const twice = await post(server.httpPort, "/predict", body, { headers: { "content-encoding": ["gzip", "gzip"] } });
    expect(twice.status).toBe(415);
  });

  test("callers that leave while their bodies inflate are given up, each once", async () => {
    const abandoned = () => metric(server, "plumb_requests_total", { result: "abandoned" });
    const ended = () => metric(server, "plumb_requests_total");
    const [abandonedBefore, endedBefore] = [await abandoned(), await ended()];
    // Inflates to nearly a megabyte that is refused once it is parsed.
    const body = gzipSync(randomBytes(700_000).toString("base64"));
    const callers = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(server.httpPort)));
    const head = `POST /predict HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n`;
    for (const caller of callers) await caller.write(`${head}content-length: ${body.length}\r\n\r\n`);
    for (const caller of callers) {
      void caller.write(body).catch(() => {});
      setImmediate(() => caller.socket.end());
    }
    await expect.poll(ended, patience).toBe(endedBefore + 20);
    expect(await abandoned()).toBeGreaterThan(abandonedBefore);
  });

  test("many at a time are all answered", async () => {
    const body = gzipSync(rowsOf(2_000));
    const replies = await Promise.all(Array.from({ length: 40 }, () => send("gzip", body)));
    expect(replies.map(({ status }) => status)).toEqual(Array(40).fill(200));
    for (const { json } of replies) expect(json.predictions).toEqual(predictions(2_000));
  });

  test("a large reply is compressed for who takes gzip, and for no other", async () => {
    const asked = { "accept-encoding": "gzip", "x-timeout-ms": "60000" };
    const body = Buffer.from(rowsOf(20_000));
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json", ...asked },
      body,
    });
    expect([response.headers.get("content-encoding"), response.headers.get("vary")]).toEqual([
      "gzip",
      "accept-encoding",
    ]);
    expect(((await response.json()) as { predictions: number[] }).predictions).toEqual(predictions(20_000));
    const plain = await post(server.httpPort, "/predict", body, { headers: { "x-timeout-ms": "60000" } });
    expect([plain.headers["content-encoding"], plain.json.predictions]).toEqual([undefined, predictions(20_000)]);
    const small = await post(server.httpPort, "/predict", rowsOf(10), { headers: asked });
    expect([small.headers["content-encoding"], small.json.predictions]).toEqual([undefined, predictions(10)]);
  });
});
