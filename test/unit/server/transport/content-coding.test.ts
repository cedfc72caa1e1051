/**
 * Goal: a compressed body is settled once, as its bytes inflated; whatever else it is costs a refusal and no more than a
 * legal body.
 */

import { createHash } from "node:crypto";
import { deflateRawSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ServeError } from "../../../../server/errors.js";
import { ContentCoder, codingOf } from "../../../../server/transport/content-coding.js";
import type { Exchange } from "../../../../server/transport/http/transport.js";
import { receiver } from "../../../support/bare-listener.js";

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const mebibyte = 1_048_576;

test.each([
  ["", "identity"],
  ["Identity", "identity"],
  ["gzip", "gzip"],
  ["GZIP", "gzip"],
  ["x-gzip", "gzip"],
  ["Deflate", "deflate"],
  ["br", undefined],
  ["zstd", undefined],
  ["gzip, gzip", undefined],
  ["gzip,identity", undefined],
])("content encoding %j is %s", (header, coding) => expect(codingOf(header)).toBe(coding));

type Settled = { readonly bytes: Buffer } | { readonly code: string; readonly message: string };

/** Settles in the same turn what is inflated at once. */
class Rig {
  readonly settled: Settled[] = [];
  readonly #coder: ContentCoder;
  readonly #waiting: (() => void)[] = [];

  constructor(waitingBytesMax = 8 * mebibyte) {
    this.#coder = new ContentCoder(waitingBytesMax);
  }

  give(coding: "gzip" | "deflate", body: Buffer, bytesMax = mebibyte, lasts = true) {
    const settle = (settled: Settled) => {
      this.settled.push(settled);
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    const encoded = this.#coder.receiver(
      coding,
      bytesMax,
      receiver({
        onBody: (bytes, lasts) => {
          expect(lasts).toBe(true);
          settle({ bytes });
        },
        onBroken: ({ code, message }: ServeError) => settle({ code, message }),
      }),
    );
    encoded.onBody(body, lasts);
    return encoded;
  }

  async until(count: number): Promise<readonly Settled[]> {
    while (this.settled.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.settled;
  }
}

describe.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
] as const)("%s", (coding, compress) => {
  test.each([0, 1, 11, 16_384, 16_385, 200_000, mebibyte])("gives back %i bytes", async (length) => {
    const body = Buffer.from(Array.from({ length }, (_, i) => (i * i) % 251));
    const rig = new Rig();
    rig.give(coding, compress(body));
    const [settled] = await rig.until(1);
    expect(digest((settled as { bytes: Buffer }).bytes)).toBe(digest(body));
  });

  test("inflates a small body at once, into bytes that last", () => {
    const rig = new Rig();
    const packed = compress('{"value":1}');
    rig.give(coding, packed, mebibyte, false);
    packed.fill(0);
    expect(rig.settled.map((settled) => String((settled as { bytes: Buffer }).bytes))).toEqual(['{"value":1}']);
  });

  test("copies a larger body that is only lent", async () => {
    const body = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * i) % 251));
    const packed = compress(body, { level: 0 });
    const rig = new Rig();
    for (let i = 0; i < 4; i++) {
      const lent = Buffer.from(packed);
      rig.give(coding, lent, mebibyte, false);
      lent.fill(0);
    }
    for (const settled of await rig.until(4)) expect(digest((settled as { bytes: Buffer }).bytes)).toBe(digest(body));
  });

  test.each([
    ["a small bomb", 100_000, 50_000],
    ["a small body over a small limit", 1_000, 999],
    ["a bomb", 64 * mebibyte, mebibyte],
  ])("%s is too large", async (_, length, bytesMax) => {
    const rig = new Rig();
    rig.give(coding, compress(Buffer.alloc(length)), bytesMax);
    const message = `the body: expected at most ${bytesMax} bytes once it is inflated, got more`;
    expect(await rig.until(1)).toEqual([{ code: "body_too_large", message }]);
  });

  const large = compress(Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * i) % 251)), { level: 0 });
  const small = compress("[1, 2, 3]");
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["plain text", Buffer.from('{"value":1}')],
    ["half of a body", small.subarray(0, small.length / 2)],
    ["a body without its end", small.subarray(0, -1)],
    ["a wrong sum", Buffer.concat([small.subarray(0, -8), Buffer.alloc(8, 1)])],
    ["half of a large body", large.subarray(0, large.length / 2)],
    ["a large body with a wrong sum", Buffer.concat([large.subarray(0, -8), Buffer.alloc(8, 1)])],
    ["deflate without zlib's head", deflateRawSync("[1, 2, 3]")],
  ])("%s is malformed", async (_, body) => {
    const rig = new Rig();
    rig.give(coding, body);
    const [settled] = await rig.until(1);
    expect(settled).toMatchObject({ code: "malformed_body" });
    expect((settled as { message: string }).message).toMatch(/^the body: expected (gzip|zlib's form of deflate), as /);
  });
});

describe("bodies that wait", () => {
  const body = gzipSync(Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * i * i) % 251)), { level: 0 });

  test("are all settled, each once", async () => {
    const rig = new Rig();
    for (let i = 0; i < 50; i++) rig.give("gzip", body);
    await rig.until(50);
    rig.give("gzip", body);
    expect((await rig.until(51)).every((settled) => "bytes" in settled)).toBe(true);
  });

  test("are refused where they are too many bytes, or too many", async () => {
    const few = new Rig(3 * body.length);
    for (let i = 0; i < 6; i++) few.give("gzip", body);
    expect(few.settled).toMatchObject([{ code: "overloaded" }]);
    expect(await few.until(6)).toHaveLength(6);
    const many = new Rig();
    for (let i = 0; i < 1_003; i++) many.give("gzip", body);
    expect(many.settled).toEqual([
      {
        code: "overloaded",
        message: "1000 compressed bodies wait to be inflated, the most that this server takes; try again later",
      },
    ]);
    await many.until(1_003);
  });

  test("and whose caller leaves are dropped, whether or not they inflate already", async () => {
    const rig = new Rig();
    const leaving = [1, 2, 3, 4].map(() => rig.give("gzip", body));
    for (const one of leaving) one.onGone();
    rig.give("gzip", body);
    await rig.until(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(rig.settled).toHaveLength(1);
  });
});

describe("a reply", () => {
  const large = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i));
  const binary = Buffer.alloc(100_000);

  interface Sent {
    readonly body: string | Uint8Array;
    readonly headers: readonly string[];
  }

  async function reply(acceptEncoding: string, contentType: string, body: string | Uint8Array): Promise<Sent> {
    return new Promise((resolve) => {
      const send = (_status: number, _type: string, body: string | Uint8Array, headers: readonly string[]) =>
        resolve({ body, headers });
      new ContentCoder(0).send({ acceptEncoding, send } as unknown as Exchange, contentType, body, ["x-a", "b"]);
    });
  }

  test("that is large is compressed for who takes gzip", async () => {
    const { body, headers } = await reply("gzip, deflate", "application/json", large);
    expect(gunzipSync(body).toString()).toBe(large);
    expect(headers).toEqual(["x-a", "b", "content-encoding", "gzip", "vary", "accept-encoding"]);
  });

  test.each([
    ["for others", "", "application/json", large],
    ["of binary data", "gzip", "application/octet-stream", binary],
    ["that is small", "gzip", "application/json", "{}"],
  ])("%s goes as it is", async (_, acceptEncoding, contentType, sent) => {
    expect(await reply(acceptEncoding, contentType, sent)).toEqual({ body: sent, headers: ["x-a", "b"] });
  });

  test("doesn't wait for others that are being compressed", () => {
    const coder = new ContentCoder(0);
    const sent: unknown[] = [];
    const send = (_status: number, _type: string, body: unknown) => sent.push(body);
    const exchange = { acceptEncoding: "gzip", send } as unknown as Exchange;
    for (let i = 0; i < 3; i++) coder.send(exchange, "application/json", large, []);
    expect(sent).toEqual([large]);
  });
});
