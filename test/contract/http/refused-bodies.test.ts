/** Goal: whoever is refused while its body still arrives gets to read the refusal, for a bounded price. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BodyReceiver } from "../../../server/transport/http/body-receiver.js";
import { NodeExchange } from "../../../server/transport/http/node-exchange.js";
import type { Exchange } from "../../../server/transport/http/transport.js";
import { BareListener, patience, receiver } from "../../support/bare-listener.js";
import { ask } from "../../support/http-client.js";
import { members } from "../../support/http-members.js";

describe.each(members)("$build", ({ name, transport }) => {
  let bare: BareListener;

  beforeEach(async () => {
    bare = await BareListener.open(transport);
  });
  afterEach(async () => bare.end());

  describe("a body in chunks that nobody takes", () => {
    const head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    const refuse = (exchange: Exchange) => exchange.send(404, "text/plain", "not here");

    test("is read to its end before the reply, and the connection goes on", async () => {
      bare.handle = refuse;
      const connection = await bare.connect();
      await connection.write(`${head}5\r\nhello\r\n`);
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      expect(connection.received).toHaveLength(0);
      await connection.write(`0\r\n\r\n${head}0\r\n\r\n`);
      for (let i = 0; i < 2; i++) expect(await connection.reply()).toMatchObject({ status: 404, body: "not here" });
    });

    test("is forgotten when its sender leaves", async () => {
      bare.handle = refuse;
      const connection = await bare.connect();
      await connection.write(`${head}5\r\nhello\r\n`);
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => bare.listener.exchanges, patience).toBe(0);
    });

    test("may end while an answer that needs no body is being made", async () => {
      const held: Exchange[] = [];
      bare.handle = (exchange) => held.push(exchange);
      const connection = await bare.connect();
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
        bare.handle = refuse;
        const connection = await bare.connect();
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
      bare.handle = (exchange) => {
        if (exchange.method === "GET") return exchange.send(200, "text/plain", "another");
        refuse(exchange);
        refused = exchange;
      };
      const connection = await bare.connect();
      await connection.write(`${begin}hello`);
      await expect.poll(() => refused, patience).toBeDefined();
      refused!.send(404, "text/plain", "not here");
      // Another exchange has gone its way meanwhile: a reply to this one would be here.
      expect((await ask(bare.port, "/")).status).toBe(200);
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
        bare.handle = (exchange) => exchange.send(404, "text/plain", "not here");
        const connection = await bare.connect();
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
      bare.handle = (exchange) => exchange.send(404, "text/plain", "not here");
      const connection = await bare.connect();
      await connection.write(`${begin}hello`);
      await expect.poll(() => bare.listener.exchanges, patience).toBe(1);
      connection.destroy();
      await expect.poll(() => bare.listener.exchanges, patience).toBe(0);
    });
  });
});
