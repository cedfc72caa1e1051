/**
 * Goal: no handler of ours, however wrong, ends the process or leaves a caller waiting. A listener with handlers made
 * to fail.
 */

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BodyReceiver } from "../../../server/transport/http/body-receiver.js";
import { NodeExchange } from "../../../server/transport/http/node-exchange.js";
import type { Exchange, HttpListener } from "../../../server/transport/http/transport.js";
import { ask, post } from "../../support/http-client.js";
import { members } from "../../support/http-members.js";
import { RawConnection } from "../../support/raw-connection.js";

interface Failure {
  failure: string;
  detail: string;
  cause: unknown;
}

const patience = { interval: 2, timeout: 10_000 };
const mebibyte = 1_048_576;

describe.each(members)("$build", ({ name, transport }) => {
  let listener: HttpListener;
  let handle: (exchange: Exchange) => void;
  let onFailure: (exchange: Exchange, failure: Failure) => void;
  let failures: Failure[];
  let foreign: string[];
  let connections: RawConnection[];

  beforeEach(async () => {
    failures = [];
    foreign = [];
    connections = [];
    handle = (exchange) => exchange.send(200, "text/plain", exchange.path);
    onFailure = (exchange, { failure }) => exchange.send(failure === "internal" ? 500 : 400, "text/plain", failure);
    listener = await transport.listen({
      name: "test",
      host: "127.0.0.1",
      port: 0,
      receivingBytesMax: 2 * mebibyte,
      handle: (exchange) => handle(exchange),
      onFailure: (exchange, failure, detail, cause) => {
        failures.push({ failure, detail, cause });
        onFailure(exchange, { failure, detail, cause });
      },
      onForeignProtocol: (protocol) => foreign.push(protocol),
    });
  });

  afterEach(async () => {
    for (const connection of connections) connection.destroy();
    // Whatever was done to it, the listener still serves, and knows of no request that it forgot.
    handle = (exchange) => exchange.send(200, "text/plain", "still here");
    expect((await ask(listener.port, "/")).text).toBe("still here");
    await expect.poll(() => listener.exchanges, patience).toBe(0);
    await listener.close(0, 1_000);
  });

  async function open(): Promise<RawConnection> {
    const connection = await RawConnection.open(listener.port);
    connections.push(connection);
    return connection;
  }

  const nothing = () => {};

  function receiver(told: Partial<BodyReceiver>): BodyReceiver {
    return {
      onBody: nothing,
      onTooLarge: nothing,
      onTooManyChunks: nothing,
      onNoRoom: nothing,
      onBroken: nothing,
      onGone: nothing,
      ...told,
    };
  }

  describe("a handler that throws is a 500", () => {
    const wrong = () => {
      throw new Error("a bug");
    };

    test("before it read anything", async () => {
      handle = wrong;
      expect(await ask(listener.port, "/")).toMatchObject({ status: 500, text: "internal" });
      expect(failures).toEqual([{ failure: "internal", detail: "a handler threw", cause: new Error("a bug") }]);
    });

    test("when it has the body, in one piece or in many", async () => {
      handle = (exchange) => exchange.readBody(mebibyte, receiver({ onBody: wrong }));
      expect((await post(listener.port, "/", "x")).status).toBe(500);
      expect((await post(listener.port, "/", "x".repeat(800_000))).status).toBe(500);
      expect(failures).toHaveLength(2);
    });

    test("when it is told that the body is too large, by its length or while it arrives", async () => {
      handle = (exchange) => exchange.readBody(10, receiver({ onBody: wrong, onTooLarge: wrong }));
      expect((await post(listener.port, "/", "x".repeat(100))).status).toBe(500);
      const connection = await open();
      await connection.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n64\r\n");
      await connection.write(`${"x".repeat(100)}\r\n0\r\n\r\n`);
      expect((await connection.reply()).status).toBe(500);
    });

    test("even when the one that answers for failures throws too", async () => {
      handle = wrong;
      onFailure = wrong;
      const warned = once(process, "warning");
      const answer = await ask(listener.port, "/");
      expect(answer.status).toBe(500);
      expect(answer.json.error).toMatchObject({ code: "internal", issues: [] });
      expect((await warned)[0]).toEqual(new Error("a bug"));
      handle = (exchange) => exchange.readBody(mebibyte, receiver({ onBody: wrong }));
      expect((await post(listener.port, "/", "x")).status).toBe(500);
    });

    test("and when it throws after its answer, the answer stands", async () => {
      handle = (exchange) => {
        exchange.send(200, "text/plain", "said");
        throw new Error("too late");
      };
      expect(await ask(listener.port, "/")).toMatchObject({ status: 200, text: "said" });
      expect(failures).toHaveLength(1);
    });
  });

  describe("an answer", () => {
    test("is given once: what is sent after it is dropped", async () => {
      handle = (exchange) => {
        exchange.send(200, "text/plain", "first");
        exchange.send(500, "text/plain", "second");
      };
      const connection = await open();
      await connection.write("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /again HTTP/1.1\r\nhost: a\r\n\r\n");
      expect((await connection.reply()).body).toBe("first");
      expect((await connection.reply()).body).toBe("first");
      expect(connection.received).toHaveLength(0);
    });

    test("may come in a later turn", async () => {
      handle = (exchange) => void setImmediate(() => exchange.send(200, "text/plain", "later"));
      expect((await ask(listener.port, "/")).text).toBe("later");
    });

    test("to a caller that has left is dropped, and the handler was told of the leaving", async () => {
      const held: Exchange[] = [];
      let gone = 0;
      handle = (exchange) => {
        exchange.readBody(10, receiver({ onGone: () => gone++ }));
        held.push(exchange);
      };
      const connection = await open();
      await connection.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await expect.poll(() => held.length, patience).toBe(1);
      expect(listener.exchanges).toBe(1);
      connection.destroy();
      await expect.poll(() => gone, patience).toBe(1);
      expect([listener.exchanges, held[0]!.done]).toEqual([0, true]);
      held[0]!.send(200, "text/plain", "to nobody");
      expect(failures).toEqual([]);
    });

    test("isn't owed to a caller whose leaving makes the handler throw", async () => {
      const wrong = () => {
        throw new Error("a bug on the way out");
      };
      handle = (exchange) => exchange.readBody(10, receiver({ onGone: wrong }));
      const connection = await open();
      await connection.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await expect.poll(() => listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => failures.length, patience).toBe(1);
      expect(failures[0]!.cause).toEqual(new Error("a bug on the way out"));
    });
  });

  describe("a large answer", () => {
    const large = randomBytes(12 * mebibyte);
    const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    const get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    test("goes out as fast as its reader takes it, and arrives as it was", async () => {
      handle = (exchange) => exchange.send(200, "application/octet-stream", large);
      const connection = await open();
      connection.socket.pause();
      await connection.write(get);
      await expect.poll(() => listener.exchanges, patience).toBe(1);
      // Other callers aren't held up meanwhile.
      expect((await ask(listener.port, "/", { method: "HEAD" })).headers["content-length"]).toBe(String(large.length));
      expect(listener.exchanges).toBe(1);
      connection.socket.resume();
      expect(digest((await connection.reply()).bytes)).toBe(digest(large));
      expect(listener.exchanges).toBe(0);
      // And the connection is there for the next one.
      handle = (exchange) => exchange.send(200, "text/plain", "next");
      await connection.write(get);
      expect((await connection.reply()).body).toBe("next");
    });

    test("is given up when its reader leaves in the middle", async () => {
      handle = (exchange) => exchange.send(200, "application/octet-stream", large);
      const connection = await open();
      connection.socket.pause();
      await connection.write(get);
      await expect.poll(() => listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => listener.exchanges, patience).toBe(0);
    });

    test("as text counts its bytes, not its characters", async () => {
      const text = "\u00e9".repeat(100_000);
      handle = (exchange) => exchange.send(200, "text/plain; charset=utf-8", text);
      const answer = await ask(listener.port, "/");
      expect(answer.headers["content-length"]).toBe("200000");
      expect(answer.text).toBe(text);
    });

    test("is waited for by a drain", async () => {
      handle = (exchange) => exchange.send(200, "application/octet-stream", large);
      const connection = await open();
      connection.socket.pause();
      await connection.write(get);
      await expect.poll(() => listener.exchanges, patience).toBe(1);
      const closing = listener.close(0, 10_000);
      connection.socket.resume();
      expect(digest((await connection.reply()).bytes)).toBe(digest(large));
      expect(await closing).toBe(0);
      await replace();
    });
  });

  /** A new listener for the check after each test, where the test has closed its own. */
  async function replace(): Promise<void> {
    listener = await transport.listen({
      name: "test",
      host: "127.0.0.1",
      port: 0,
      receivingBytesMax: 0,
      handle: (exchange) => handle(exchange),
      onFailure: () => {},
      onForeignProtocol: () => {},
    });
  }

  describe("bodies that arrive", () => {
    const head = "POST / HTTP/1.1\r\nhost: a\r\n";

    test("are put together from many pieces", async () => {
      const body = randomBytes(700_000);
      const bodies: string[] = [];
      handle = (exchange) =>
        exchange.readBody(
          mebibyte,
          receiver({
            onBody: (bytes) => {
              bodies.push(createHash("sha256").update(bytes).digest("hex"));
              exchange.send(200, "text/plain", String(bytes.length));
            },
          }),
        );
      const connection = await open();
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
      handle = (exchange) => {
        opened.push(exchange);
        answerLength(exchange);
      };
      const [first, second] = [await open(), await open()];
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
      const third = await open();
      await third.write(`${head}content-length: ${half.length}\r\n\r\n`);
      await third.write(half);
      expect((await third.reply()).body).toBe("1200000");
    });

    test("and never end give their share back when their sender leaves", async () => {
      handle = answerLength;
      const half = Buffer.alloc(1_200_000, 0x20);
      for (let i = 0; i < 3; i++) {
        const connection = await open();
        await connection.write(`${head}content-length: ${half.length + 1}\r\n\r\n`);
        await connection.write(half);
        await expect.poll(() => listener.exchanges, patience).toBe(1);
        connection.destroy();
        await expect.poll(() => listener.exchanges, patience).toBe(0);
      }
      expect(failures).toEqual([]);
      expect((await post(listener.port, "/", half)).text).toBe("1200000");
    });
  });

  describe("a body in chunks that nobody takes", () => {
    const head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    const refuse = (exchange: Exchange) => exchange.send(404, "text/plain", "not here");

    test("is read to its end before the reply, and the connection goes on", async () => {
      handle = refuse;
      const connection = await open();
      await connection.write(`${head}5\r\nhello\r\n`);
      await expect.poll(() => listener.exchanges, patience).toBe(1);
      expect(connection.received).toHaveLength(0);
      await connection.write(`0\r\n\r\n${head}0\r\n\r\n`);
      for (let i = 0; i < 2; i++) expect(await connection.reply()).toMatchObject({ status: 404, body: "not here" });
    });

    test("is forgotten when its sender leaves", async () => {
      handle = refuse;
      const connection = await open();
      await connection.write(`${head}5\r\nhello\r\n`);
      await expect.poll(() => listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => listener.exchanges, patience).toBe(0);
    });

    test("may end while an answer that needs no body is being made", async () => {
      const held: Exchange[] = [];
      handle = (exchange) => held.push(exchange);
      const connection = await open();
      await connection.write(`${head}5\r\nhello\r\n0\r\n\r\n`);
      await expect.poll(() => held.length, patience).toBe(1);
      held[0]!.send(200, "text/plain", "made");
      expect((await connection.reply()).body).toBe("made");
    });

    // A short reply would close uWebSockets.js's connection only when all that a read brought is parsed, and node:http
    // parses it all.
    test.each(["POST", "HEAD"])("of a byte each is cut within a read (%s)", async (method) => {
      const seen =
        name === "uws"
          ? vi.spyOn(ArrayBuffer.prototype, "byteLength", "get")
          : vi.spyOn(NodeExchange.prototype, "takeChunk");
      try {
        handle = refuse;
        const connection = await open();
        await connection.write(`${head.replace("POST", method)}${"1\r\nx\r\n".repeat(500_000)}`);
        await connection.closed;
        expect(seen.mock.calls.length).toBeGreaterThan(256);
        expect(seen.mock.calls.length).toBeLessThan(512);
      } finally {
        seen.mockRestore();
      }
    });
  });

  describe("a body with a length that nobody takes, on a connection that is to be closed,", () => {
    const begin = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 200000\r\n\r\n";
    const rest = "x".repeat(199_995);

    test.each([
      ["before it is read", (exchange: Exchange) => exchange.send(404, "text/plain", "not here")],
      ["by its length", (exchange: Exchange) => exchange.readBody(10, receiver(refusing(exchange)))],
      ["while it arrives", (exchange: Exchange) => exchange.readBody(200_000, receiver(refusing(exchange)))],
    ])("refused %s, is read to its end before the reply", async (_, refuse) => {
      let refused: Exchange | undefined;
      handle = (exchange) => {
        if (exchange.method === "GET") return exchange.send(200, "text/plain", "another");
        refuse(exchange);
        refused = exchange;
      };
      const connection = await open();
      await connection.write(`${begin}hello`);
      await expect.poll(() => refused, patience).toBeDefined();
      refused!.send(404, "text/plain", "not here");
      // Another exchange has gone its way meanwhile: a reply to this one would be here.
      expect((await ask(listener.port, "/")).status).toBe(200);
      expect(connection.received).toHaveLength(0);
      await connection.write(rest);
      expect(await connection.reply()).toMatchObject({ status: 404, body: "not here" });
      expect(await connection.closed).toBe("end");
    });

    const refusing = (exchange: Exchange): Partial<BodyReceiver> => ({
      onTooLarge: () => exchange.send(404, "text/plain", "not here"),
    });

    test("is refused, and its connection ends, when the rest takes too long", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      try {
        handle = (exchange) => exchange.send(404, "text/plain", "not here");
        const connection = await open();
        await connection.write(`${begin}hello`);
        while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
        vi.advanceTimersByTime(5_000);
        expect(await connection.reply()).toMatchObject({ status: 404 });
        await connection.closed;
      } finally {
        vi.useRealTimers();
      }
    });

    test("is forgotten when its sender leaves", async () => {
      handle = (exchange) => exchange.send(404, "text/plain", "not here");
      const connection = await open();
      await connection.write(`${begin}hello`);
      await expect.poll(() => listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => listener.exchanges, patience).toBe(0);
    });
  });

  test("bytes of another protocol are reported, where the member sees them", async () => {
    for (const bytes of [
      Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]) {
      const connection = await open();
      await connection.write(bytes);
      if (name === "node") expect(await connection.closed).toBe("end");
    }
    expect(foreign).toEqual(name === "node" ? ["TLS", "HTTP/2"] : []);
    expect(failures).toEqual([]);
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
      await expect(listen("127.0.0.1", listener.port)).rejects.toThrow(
        new RegExp(`the second listener can't listen on 127.0.0.1:${listener.port}: is the port in use`),
      );
    });

    test("has to be one of this machine", async () => {
      await expect(listen("192.0.2.1", 0)).rejects.toThrow(/the second listener can't listen on 192.0.2.1:0/);
      await expect(listen("2001:db8::1", 0)).rejects.toThrow(/the second listener can't listen on \[2001:db8::1\]:0/);
    });
  });
});
