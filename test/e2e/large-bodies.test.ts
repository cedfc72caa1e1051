/**
 * Goal: a body over the limit costs the server little, and its sender hears why, even one that writes all of it before
 * it reads.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { post } from "../support/http-client.js";
import { members } from "../support/http-members.js";
import { metric } from "../support/metrics.js";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { RawConnection } from "../support/raw-connection.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const mebibyte = 1_048_576;
/** The default of `body_bytes_max`, and what the model of this test has. */
const bodyBytesMax = mebibyte;

describe.each(members)("$build", ({ name }) => {
  let store: ModelStore;
  let server: ServerProcess;
  let connection: RawConnection;

  beforeAll(async () => {
    store = await writeStore(echoModel(), echoModel({ name: "small", limits: { rows_max: 10, body_bytes_max: 100 } }));
    server = await startServer(
      store.directory,
      "--default-model",
      "echo",
      "--bytes-max",
      String(2 * mebibyte),
      "--http",
      name,
    );
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

  function expectTooLarge(
    reply: { status: number; json: { error: { code: string; message: string } } },
    bytesMax = bodyBytesMax,
  ): void {
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
      // uWebSockets.js says 100 before anything is known of the body.
      if (name === "uws") expect((await connection.reply()).status).toBe(100);
      expectTooLarge(await connection.reply());
    });

    test("that says it has gigabytes isn't waited for: the connection ends with the reply", async () => {
      await connection.write(`${head()}content-length: ${5_000_000_000}\r\n\r\n`);
      const reply = await connection.reply();
      expectTooLarge(reply);
      expect(reply.headers.get("connection")).toBe("close");
      expect(await connection.closed).toBe("end");
    });

    test("that is refused and then dripped ends the connection", async () => {
      await connection.write(`${head()}content-length: ${10 * mebibyte}\r\n\r\n`);
      expectTooLarge(await connection.reply());
      const dripping = setInterval(() => void connection.write(" "), 50);
      await connection.closed;
      clearInterval(dripping);
    });
  });

  describe("a body in chunks", () => {
    const inChunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const byteByByte = (text: string) => text.replace(/./g, "1\r\n$&\r\n");
    const chunk = Buffer.from(inChunk(" ".repeat(65_536)));
    const chunkedHead = `${head()}transfer-encoding: chunked\r\n\r\n`;

    test("may be as large as the limit, and not a byte larger", async () => {
      for (const [length, status] of [
        [bodyBytesMax, 200],
        [bodyBytesMax + 1, 413],
      ] as const) {
        await connection.write(
          `${head()}transfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n${padded(length)}\r\n0\r\n\r\n`,
        );
        expect((await connection.reply()).status).toBe(status);
      }
    });

    test("of a byte each is put together, while they are few", async () => {
      for (const text of [valid, padded(60), padded(2_000)]) {
        await connection.write(`${chunkedHead}${byteByByte(text)}0\r\n\r\n`);
        expect((await connection.reply()).json.prediction).toBe(1);
      }
    });

    test("of a row each is put together, however many", async () => {
      const rows = Array.from({ length: 9_999 }, () => inChunk(`${padded(64)},`));
      const chunks = [inChunk('{"rows":['), ...rows, inChunk(`${valid}]}`)];
      await connection.write(`${chunkedHead}${chunks.join("")}0\r\n\r\n`);
      expect((await connection.reply()).json.predictions).toHaveLength(10_000);
    });

    test("that are too small for their number is refused, and the connection goes on if it ends soon", async () => {
      await connection.write(`${chunkedHead}${byteByByte(padded(2_200))}0\r\n\r\n`);
      const { status, json } = await connection.reply();
      expect([status, json.error.code]).toEqual([400, "invalid_request"]);
      expect(json.error.message).toMatch(
        /at most 2048 chunks and one for each 64 bytes, got \d+ chunks of \d+ bytes in all; send larger/,
      );
      await connection.write(`${chunkedHead}${inChunk(valid)}0\r\n\r\n`);
      expect((await connection.reply()).json.prediction).toBe(1);
    });

    test("of a byte each and 3 MiB is refused with an end of the connection, and others beside it are answered", async () => {
      const attack = Buffer.from(byteByByte(" ".repeat(3 * mebibyte)));
      const attackers = await Promise.all(Array.from({ length: 6 }, () => RawConnection.open(server.httpPort)));
      const refusals = attackers.map(async (attacker) => {
        await attacker.write(chunkedHead);
        void attacker.write(attack);
        const reply = await attacker.replyOrEnd();
        await attacker.closed;
        return reply;
      });
      for (let i = 0; i < 200; i++)
        expect((await post(server.httpPort, "/predict", { value: i })).json.prediction).toBe(i);
      for (const reply of await Promise.all(refusals)) {
        // A client that is cut off while it writes may lose the reply.
        if (typeof reply === "string") continue;
        expect([reply.status, reply.json.error.code, reply.headers.get("connection")]).toEqual([
          400,
          "invalid_request",
          "close",
        ]);
      }
      // Refused as soon as it was certain, not after megabytes.
      const said = server.log.filter(({ message }) => message.includes("send larger chunks")).slice(-6);
      expect(said.map(({ message }) => Number(/got (\d+) chunks/.exec(message)![1]) < 2_100)).toEqual(
        Array(6).fill(true),
      );
      for (const attacker of attackers) attacker.destroy();
    });

    test("whose end never comes is answered after some seconds, and the connection ends", async () => {
      await connection.write(`${chunkedHead}${inChunk(" ".repeat(bodyBytesMax + 1))}`);
      const dripping = setInterval(() => void connection.write(inChunk(" ")), 50);
      const reply = await connection.reply();
      clearInterval(dripping);
      expectTooLarge(reply);
      expect(reply.headers.get("connection")).toBe("close");
      await connection.closed;
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
      // More than the server reads and the system buffers; the sender is stopped before.
      for (; !hasEnded && written < 64 * mebibyte; written += 65_536) await connection.write(chunk);
      await ended;
      expect(written).toBeGreaterThan(16 * mebibyte);
      expect(written).toBeLessThan(64 * mebibyte);
      expect(await metric(server, "plumb_bytes_in_flight")).toBe(0);
    });
  });

  describe("a request that is refused for its headers", () => {
    const refused = `${head()}content-encoding: br\r\n`;

    test("is answered before its body came, which is dropped: the connection goes on", async () => {
      await connection.write(`${refused}content-length: ${bodyBytesMax}\r\n\r\n`);
      const { status, json } = await connection.reply();
      expect([status, json.error.code]).toEqual([415, "unsupported_media_type"]);
      await connection.write(padded(bodyBytesMax));
      await connection.write(`${head()}content-length: ${valid.length}\r\n\r\n${valid}`);
      expect((await connection.reply()).json.prediction).toBe(1);
    });

    test("and announces gigabytes ends its connection", async () => {
      await connection.write(`${refused}content-length: 5000000000\r\n\r\n`);
      expect((await connection.reply()).headers.get("connection")).toBe("close");
      expect(await connection.closed).toBe("end");
    });

    test("holds none of the bytes that are kept for bodies", async () => {
      const others = await Promise.all(Array.from({ length: 8 }, () => RawConnection.open(server.httpPort)));
      const part = " ".repeat(900_000);
      for (const other of others)
        await other.write(`${refused}transfer-encoding: chunked\r\n\r\n${part.length.toString(16)}\r\n${part}\r\n`);
      expect((await post(server.httpPort, "/predict", padded(bodyBytesMax))).json.prediction).toBe(1);
      for (const other of others) {
        await other.write("0\r\n\r\n");
        expect((await other.reply()).status).toBe(415);
        other.destroy();
      }
    });
  });

  describe("bodies that are still arriving", () => {
    test("hold together no more than --bytes-max: the one that goes beyond is 503, to be tried again", async () => {
      const senders = [
        connection,
        await RawConnection.open(server.httpPort),
        await RawConnection.open(server.httpPort),
      ];
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
      await expect
        .poll(async () => (await post(server.httpPort, "/predict", padded(bodyBytesMax))).status, { interval: 5 })
        .toBe(200);
    });

    test("don't hold up others", async () => {
      await connection.write(`${head()}content-length: 100\r\n\r\n{"value"`);
      for (let i = 0; i < 20; i++)
        expect((await post(server.httpPort, "/predict", { value: i })).json.prediction).toBe(i);
      await connection.write(`:7${" ".repeat(89)}}`);
      expect((await connection.reply()).json.prediction).toBe(7);
    });
  });
});
