/** Goal: a body over the limit costs the server little, and its sender hears why, even one that writes all of it before it reads. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { post } from "../fixtures/http-client.js";
import { metric } from "../fixtures/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../fixtures/model-store.js";
import { RawConnection } from "../fixtures/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../fixtures/server-process.js";

const mebibyte = 1_048_576;
/** The default of `body_bytes_max`, and what the model of this test has. */
const bodyBytesMax = mebibyte;

let store: ModelStore;
let server: ServerProcess;
let connection: RawConnection;

beforeAll(async () => {
  store = await writeStore(echoModel(), echoModel({ name: "small", limits: { rows_max: 10, body_bytes_max: 100 } }));
  server = await startServer(store.directory, "--default-model", "echo", "--bytes-max", String(2 * mebibyte));
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

beforeEach(async () => {
  connection = await RawConnection.open(server.httpPort);
});

afterEach(async () => {
  connection.destroy();
  await expect.poll(() => metric(server, "plumb_calls_in_flight"), { interval: 5 }).toBe(0);
  expect((await post(server.httpPort, "/predict", { value: 1 })).json.prediction).toBe(1);
});

const head = (path = "/predict") => `POST ${path} HTTP/1.1\r\nhost: plumb\r\ncontent-type: application/json\r\n`;
const valid = '{"value":1}';
const padded = (length: number) => `${valid.slice(0, -1)}${" ".repeat(length - valid.length)}}`;

function expectTooLarge(reply: { status: number; json: { error: { code: string; message: string } } }, bytesMax = bodyBytesMax): void {
  expect(reply.status).toBe(413);
  expect(reply.json.error).toMatchObject({ code: "body_too_large", issues: [], request_id: expect.any(String) });
  expect(reply.json.error.message).toContain(`at most ${bytesMax} bytes`);
}

describe("a body by its length", () => {
  test("may be as large as the limit, and not a byte larger", async () => {
    expect((await post(server.httpPort, "/predict", padded(bodyBytesMax))).json.prediction).toBe(1);
    expectTooLarge(await post(server.httpPort, "/predict", padded(bodyBytesMax + 1)));
  });

  test("has the limit of the model that it is for", async () => {
    expect((await post(server.httpPort, "/models/small/predict", padded(100))).json.prediction).toBe(1);
    expectTooLarge(await post(server.httpPort, "/models/small/predict", padded(101)), 100);
    expectTooLarge(await post(server.httpPort, "/models/small/versions/1/predict", padded(101)), 100);
    expect((await post(server.httpPort, "/models/unheard/predict", padded(101))).status).toBe(404);
  });

  test("of 10 MB is answered though its sender reads only after it has written, and the connection goes on", async () => {
    connection.socket.pause();
    await connection.write(`${head()}content-length: ${10 * mebibyte}\r\n\r\n`);
    await connection.write(Buffer.alloc(10 * mebibyte, 0x5b));
    connection.socket.resume();
    expectTooLarge(await connection.reply());
    await connection.write(`${head()}content-length: ${valid.length}\r\n\r\n${valid}`);
    expect((await connection.reply()).json.prediction).toBe(1);
  });

  test("is refused from its length alone, before it is sent", async () => {
    await connection.write(`${head()}expect: 100-continue\r\ncontent-length: ${10 * mebibyte}\r\n\r\n`);
    expect((await connection.reply()).status).toBe(100);
    expectTooLarge(await connection.reply());
  });

  test("that says it has gigabytes isn't waited for: the connection ends with the reply", async () => {
    await connection.write(`${head()}content-length: ${5_000_000_000}\r\n\r\n`);
    const reply = await connection.reply();
    expectTooLarge(reply);
    expect(reply.headers.get("connection")).toBe("close");
    expect(await connection.closed).toBe("end");
  });
});

describe("a body in chunks", () => {
  const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, 0x20), Buffer.from("\r\n")]);

  test("may be as large as the limit, and not a byte larger", async () => {
    for (const [length, status] of [
      [bodyBytesMax, 200],
      [bodyBytesMax + 1, 413],
    ] as const) {
      await connection.write(`${head()}transfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n${padded(length)}\r\n0\r\n\r\n`);
      expect((await connection.reply()).status).toBe(status);
    }
  });

  test("of a byte each is put together", async () => {
    const chunks = [...padded(50_000)].map((byte) => `1\r\n${byte}\r\n`).join("");
    await connection.write(`${head()}transfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    expect((await connection.reply()).json.prediction).toBe(1);
  });

  test("of 10 MB is answered though its sender reads only after it has written, and the connection goes on", async () => {
    connection.socket.pause();
    await connection.write(`${head()}transfer-encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 160; i++) await connection.write(chunk);
    await connection.write("0\r\n\r\n");
    connection.socket.resume();
    expectTooLarge(await connection.reply());
    await connection.write(`${head()}content-length: ${valid.length}\r\n\r\n${valid}`);
    expect((await connection.reply()).json.prediction).toBe(1);
  });

  test("that never ends is cut once the server has read on for long enough", async () => {
    await connection.write(`${head()}transfer-encoding: chunked\r\n\r\n`);
    let hasEnded = false;
    const ended = connection.closed.then(() => {
      hasEnded = true;
    });
    let written = 0;
    // Twice what the server reads of a body that it refuses; the sender is stopped before.
    for (; !hasEnded && written < 128 * mebibyte; written += 65_536) await connection.write(chunk);
    await ended;
    expect(written).toBeGreaterThan(32 * mebibyte);
    expect(written).toBeLessThan(128 * mebibyte);
    expect(await metric(server, "plumb_bytes_in_flight")).toBe(0);
  });
});

describe("bodies that are still arriving", () => {
  test("hold together no more than --bytes-max: the one that goes beyond is 503, to be tried again", async () => {
    const senders = [connection, await RawConnection.open(server.httpPort), await RawConnection.open(server.httpPort)];
    const almost = padded(900_000).slice(0, -1);
    for (const sender of senders) {
      await sender.write(`${head()}content-length: ${almost.length + 1}\r\n\r\n`);
      await sender.write(almost);
    }
    // Two fit; which of the three came last is the system's choice.
    const refused = await Promise.race(senders.map(async (sender) => ({ sender, reply: await sender.reply() })));
    expect(refused.reply.status).toBe(503);
    expect(refused.reply.json.error).toMatchObject({ code: "overloaded", issues: [] });
    expect(Number(refused.reply.headers.get("retry-after"))).toBeGreaterThan(0);
    for (const sender of senders.filter((other) => other !== refused.sender)) {
      await sender.write("}");
      expect((await sender.reply()).json.prediction).toBe(1);
    }
    for (const sender of senders) sender.destroy();
  });

  test("hold nothing any more once their sender has left", async () => {
    for (let i = 0; i < 4; i++) {
      const sender = await RawConnection.open(server.httpPort);
      await sender.write(`${head()}content-length: 1000000\r\n\r\n`);
      await sender.write(" ".repeat(900_000));
      sender.destroy();
    }
    await expect.poll(async () => (await post(server.httpPort, "/predict", padded(bodyBytesMax))).status, { interval: 5 }).toBe(200);
  });

  test("don't hold up others", async () => {
    await connection.write(`${head()}content-length: 100\r\n\r\n{"value"`);
    for (let i = 0; i < 20; i++) expect((await post(server.httpPort, "/predict", { value: i })).json.prediction).toBe(i);
    await connection.write(`:7${" ".repeat(89)}}`);
    expect((await connection.reply()).json.prediction).toBe(7);
  });
});
