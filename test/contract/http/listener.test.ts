/**
 * Goal: no handler of ours, however wrong, ends the process or leaves a caller waiting. A listener with handlers made
 * to fail.
 */

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Exchange } from "../../../server/transport/http/transport.js";
import { BareListener, mebibyte, patience, receiver } from "../../support/bare-listener.js";
import { ask, post } from "../../support/http-client.js";
import { members } from "../../support/http-members.js";

describe.each(members)("$build", ({ name, transport }) => {
  let bare: BareListener;

  beforeEach(async () => {
    bare = await BareListener.open(transport);
  });
  afterEach(async () => bare.end());

  describe("a handler that throws is a 500", () => {
    const wrong = () => {
      throw new Error("a bug");
    };

    test("before it read anything", async () => {
      bare.handle = wrong;
      expect(await ask(bare.port, "/")).toMatchObject({ status: 500, text: "internal" });
      expect(bare.failures).toEqual([{ failure: "internal", detail: "a handler threw", cause: new Error("a bug") }]);
    });

    test("when it has the body, in one piece or in many", async () => {
      bare.handle = (exchange) => exchange.readBody(mebibyte, receiver({ onBody: wrong }));
      expect((await post(bare.port, "/", "x")).status).toBe(500);
      expect((await post(bare.port, "/", "x".repeat(800_000))).status).toBe(500);
      expect(bare.failures).toHaveLength(2);
    });

    test("when it is told that the body is too large, by its length or while it arrives", async () => {
      bare.handle = (exchange) => exchange.readBody(10, receiver({ onBody: wrong, onTooLarge: wrong }));
      expect((await post(bare.port, "/", "x".repeat(100))).status).toBe(500);
      const connection = await bare.connect();
      await connection.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n64\r\n");
      await connection.write(`${"x".repeat(100)}\r\n0\r\n\r\n`);
      expect((await connection.reply()).status).toBe(500);
    });

    test("even when the one that answers for failures throws too", async () => {
      bare.handle = wrong;
      bare.onFailure = wrong;
      const warned = once(process, "warning");
      const answer = await ask(bare.port, "/");
      expect(answer.status).toBe(500);
      expect(answer.json.error).toMatchObject({ code: "internal", issues: [] });
      expect((await warned)[0]).toEqual(new Error("a bug"));
      bare.handle = (exchange) => exchange.readBody(mebibyte, receiver({ onBody: wrong }));
      expect((await post(bare.port, "/", "x")).status).toBe(500);
    });

    test("and when it throws after its answer, the answer stands", async () => {
      bare.handle = (exchange) => {
        exchange.send(200, "text/plain", "said");
        throw new Error("too late");
      };
      expect(await ask(bare.port, "/")).toMatchObject({ status: 200, text: "said" });
      expect(bare.failures).toHaveLength(1);
    });
  });

  describe("an answer", () => {
    test("is given once: what is sent after it is dropped", async () => {
      bare.handle = (exchange) => {
        exchange.send(200, "text/plain", "first");
        exchange.send(500, "text/plain", "second");
      };
      const connection = await bare.connect();
      await connection.write("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /again HTTP/1.1\r\nhost: a\r\n\r\n");
      expect((await connection.reply()).body).toBe("first");
      expect((await connection.reply()).body).toBe("first");
      expect(connection.received).toHaveLength(0);
    });

    test("may come in a later turn", async () => {
      bare.handle = (exchange) => void setImmediate(() => exchange.send(200, "text/plain", "later"));
      expect((await ask(bare.port, "/")).text).toBe("later");
    });

    test("to a caller that has left is dropped, and the handler was told of the leaving", async () => {
      const held: Exchange[] = [];
      let gone = 0;
      bare.handle = (exchange) => {
        exchange.readBody(10, receiver({ onGone: () => gone++ }));
        held.push(exchange);
      };
      const connection = await bare.connect();
      await connection.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await expect.poll(() => held.length, patience).toBe(1);
      expect(bare.listener.exchanges).toBe(1);
      connection.destroy();
      await expect.poll(() => gone, patience).toBe(1);
      expect([bare.listener.exchanges, held[0]!.done]).toEqual([0, true]);
      held[0]!.send(200, "text/plain", "to nobody");
      expect(bare.failures).toEqual([]);
    });

    test("isn't owed to a caller whose leaving makes the handler throw", async () => {
      const wrong = () => {
        throw new Error("a bug on the way out");
      };
      bare.handle = (exchange) => exchange.readBody(10, receiver({ onGone: wrong }));
      const connection = await bare.connect();
      await connection.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => bare.failures.length, patience).toBe(1);
      expect(bare.failures[0]!.cause).toEqual(new Error("a bug on the way out"));
    });
  });

  describe("a large answer", () => {
    const large = randomBytes(12 * mebibyte);
    const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    const get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    test("goes out as fast as its reader takes it, and arrives as it was", async () => {
      bare.handle = (exchange) => exchange.send(200, "application/octet-stream", large);
      const connection = await bare.connect();
      connection.socket.pause();
      await connection.write(get);
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      // Other callers aren't held up meanwhile.
      expect((await ask(bare.port, "/", { method: "HEAD" })).headers["content-length"]).toBe(String(large.length));
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      connection.socket.resume();
      expect(digest((await connection.reply()).bytes)).toBe(digest(large));
      // The last byte is read before the server hears that it was taken.
      await expect.poll(() => bare.listener.exchanges, patience).toBe(0);
      // And the connection is there for the next one.
      bare.handle = (exchange) => exchange.send(200, "text/plain", "next");
      await connection.write(get);
      expect((await connection.reply()).body).toBe("next");
    });

    test("is given up when its reader leaves in the middle", async () => {
      bare.handle = (exchange) => exchange.send(200, "application/octet-stream", large);
      const connection = await bare.connect();
      connection.socket.pause();
      await connection.write(get);
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => bare.listener.exchanges, patience).toBe(0);
    });

    test("as text counts its bytes, not its characters", async () => {
      const text = "\u00e9".repeat(100_000);
      bare.handle = (exchange) => exchange.send(200, "text/plain; charset=utf-8", text);
      const answer = await ask(bare.port, "/");
      expect(answer.headers["content-length"]).toBe("200000");
      expect(answer.text).toBe(text);
    });

    test("is waited for by a drain", async () => {
      bare.handle = (exchange) => exchange.send(200, "application/octet-stream", large);
      const connection = await bare.connect();
      connection.socket.pause();
      await connection.write(get);
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      const closing = bare.listener.close(0, 10_000);
      connection.socket.resume();
      expect(digest((await connection.reply()).bytes)).toBe(digest(large));
      expect(await closing).toBe(0);
      await bare.listen();
    });
  });

  describe("bodies that arrive", () => {
    const head = "POST / HTTP/1.1\r\nhost: a\r\n";

    test("are put together from many pieces", async () => {
      const body = randomBytes(700_000);
      const bodies: string[] = [];
      bare.handle = (exchange) =>
        exchange.readBody(
          mebibyte,
          receiver({
            onBody: (bytes) => {
              bodies.push(createHash("sha256").update(bytes).digest("hex"));
              exchange.send(200, "text/plain", String(bytes.length));
            },
          }),
        );
      const connection = await bare.connect();
      await connection.write(`${head}content-length: ${body.length}\r\n\r\n`);
      for (let at = 0; at < body.length; at += 50_000) await connection.write(body.subarray(at, at + 50_000));
      expect((await connection.reply()).body).toBe("700000");
      await connection.write(`${head}transfer-encoding: chunked\r\n\r\n`);
      for (let at = 0; at < body.length; at += 70_000)
        await connection.write(
          Buffer.concat([
            Buffer.from(`${(70_000).toString(16)}\r\n`),
            body.subarray(at, at + 70_000),
            Buffer.from("\r\n"),
          ]),
        );
      await connection.write("0\r\n\r\n");
      expect((await connection.reply()).body).toBe("700000");
      expect(bodies).toEqual(Array(2).fill(createHash("sha256").update(body).digest("hex")));
    });

    const answerLength = (exchange: Exchange) =>
      exchange.readBody(
        2 * mebibyte,
        receiver({
          onBody: (body) => exchange.send(200, "text/plain", String(body.length)),
          onNoRoom: () => exchange.send(503, "text/plain", "no room"),
        }),
      );

    test("together hold no more than the budget, whose overrun ends the latest of them", async () => {
      const opened: Exchange[] = [];
      bare.handle = (exchange) => {
        opened.push(exchange);
        answerLength(exchange);
      };
      const [first, second] = [await bare.connect(), await bare.connect()];
      const half = Buffer.alloc(1_200_000, 0x20);
      await first.write(`${head}content-length: ${half.length + 1}\r\n\r\n`);
      await first.write(half);
      // Read to its end: else the second might come before it.
      await expect
        .poll(() => (opened[0] as unknown as { reservedBytes?: number } | undefined)?.reservedBytes, patience)
        .toBe(half.length);
      await second.write(`${head}content-length: ${half.length + 1}\r\n\r\n`);
      await second.write(half);
      const reply = await second.reply();
      expect(reply.status).toBe(503);
      // It is answered though its sender has more to send, and its connection goes on when that was dropped.
      await second.write(" GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      expect((await second.reply()).body).toBe("0");
      // The first isn't harmed, and gives its share back.
      await first.write(" ");
      expect((await first.reply()).body).toBe("1200001");
      const third = await bare.connect();
      await third.write(`${head}content-length: ${half.length}\r\n\r\n`);
      await third.write(half);
      expect((await third.reply()).body).toBe("1200000");
    });

    test("and never end give their share back when their sender leaves", async () => {
      bare.handle = answerLength;
      const half = Buffer.alloc(1_200_000, 0x20);
      for (let i = 0; i < 3; i++) {
        const connection = await bare.connect();
        await connection.write(`${head}content-length: ${half.length + 1}\r\n\r\n`);
        await connection.write(half);
        await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
        connection.destroy();
        await expect.poll(() => bare.listener.exchanges, patience).toBe(0);
      }
      expect(bare.failures).toEqual([]);
      expect((await post(bare.port, "/", half)).text).toBe("1200000");
    });
  });

  test("bytes of another protocol are reported, where the member sees them", async () => {
    for (const bytes of [
      Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]) {
      const connection = await bare.connect();
      await connection.write(bytes);
      if (name === "node") expect(await connection.closed).toBe("end");
    }
    expect(bare.foreign).toEqual(name === "node" ? ["TLS", "HTTP/2"] : []);
    expect(bare.failures).toEqual([]);
  });

  describe("an address to listen on", () => {
    const listen = (host: string, port: number) =>
      transport.listen({
        name: "second",
        host,
        port,
        receivingBytesMax: 0,
        handle: () => {},
        onFailure: () => {},
        onForeignProtocol: () => {},
      });

    test("isn't shared with another listener", async () => {
      await expect(listen("127.0.0.1", bare.port)).rejects.toThrow(
        new RegExp(`the second listener can't listen on 127.0.0.1:${bare.port}: is the port in use`),
      );
    });

    test("has to be one of this machine", async () => {
      await expect(listen("192.0.2.1", 0)).rejects.toThrow(/the second listener can't listen on 192.0.2.1:0/);
      await expect(listen("2001:db8::1", 0)).rejects.toThrow(/the second listener can't listen on \[2001:db8::1\]:0/);
    });
  });
});
