/** Goal: replies are recognised however the network cuts them, and what isn't a reply is never taken for one. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplyError, ReplyReader } from "../../../loadtest/reply-reader.js";

const reply = (status: number, body: string, headers = "") =>
  `HTTP/1.1 ${status} Some Reason\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe("a reply", () => {
  test("is found in any cutting of the bytes, one after the other", () => {
    const statuses = fc.array(fc.constantFrom(200, 404, 503), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(statuses, fc.string({ maxLength: 50 }), fc.array(fc.nat({ max: 40 })), (expected, body, pieces) => {
        const reader = new ReplyReader();
        const seen: number[] = [];
        for (const status of expected) {
          for (const chunk of cut(Buffer.from(reply(status, body)), pieces)) {
            if (reader.push(chunk)) seen.push(reader.status);
          }
        }
        expect(seen).toEqual(expected);
      }),
    );
  });

  test.each([
    ["may have no reason and no body", "HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", 200, false, -1],
    ["says whether the connection is closed after it", reply(200, "", "Connection: close\r\n"), 200, true, -1],
    ["says how long a refused caller is to wait", reply(503, "{}", "retry-after: 7\r\n"), 503, false, 7],
  ])("%s", (_, text, status, closes, retryAfterS) => {
    const reader = new ReplyReader();
    expect(reader.push(Buffer.from(text))).toBe(true);
    expect(reader).toMatchObject({ status, closes, retryAfterS });
  });
});

test.each([
  ["another protocol", "SSH-2.0-x\r\n\r\n"],
  ["no length", "HTTP/1.1 200 OK\r\n\r\n"],
  ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["more bytes than announced", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"],
  ["an endless head", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`],
])("%s is an error", (_, text) => {
  expect(() => new ReplyReader().push(Buffer.from(text))).toThrow(ReplyError);
});

/** Cuts at these distances, then gives the rest. */
function cut(bytes: Buffer, pieces: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const length of pieces) {
    if (length === 0 || from + length >= bytes.length) continue;
    chunks.push(bytes.subarray(from, from + length));
    from += length;
  }
  return [...chunks, bytes.subarray(from)];
}
