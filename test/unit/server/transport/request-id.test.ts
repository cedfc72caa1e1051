/**
 * Goal: an id or trace that a caller sends is taken over only if echoing it can do no harm; ours are never the same
 * twice.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptRequestId,
  acceptTraceparent,
  boundTracestate,
  createRequestIds,
} from "../../../../server/transport/request-id.js";

describe("a caller's request id", () => {
  test.each(["a", "7f3c2b1e-9d4a-4e0b-8a55-0d5d0b6f1c22", "job:12/step=3@host_1+x.y", "x".repeat(128)])(
    "%s is taken",
    (id) => {
      expect(acceptRequestId(id)).toBe(id);
    },
  );

  test.each(["", "x".repeat(129), "a b", "a\r\nset-cookie: x", "a\nb", "a\n", 'a"b', "a\\b", "é", "a\0", "<a>", "{}"])(
    "%j isn't",
    (id) => {
      expect(acceptRequestId(id)).toBeUndefined();
    },
  );

  test("that is taken needs no escaping, in a header or in JSON", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (id) => {
        if (acceptRequestId(id) !== undefined) {
          expect(JSON.stringify(id)).toBe(`"${id}"`);
          expect(id).toMatch(/^[\x21-\x7e]+$/);
        }
      }),
    );
  });
});

describe("a traceparent", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const parent = "b7ad6b7169203331";

  test.each([`00-${trace}-${parent}-01`, `00-${trace}-${parent}-00`, `01-${trace}-${parent}-01`])(
    "%s is taken",
    (header) => {
      expect(acceptTraceparent(header)).toBe(header);
    },
  );

  test.each([
    "",
    "00",
    `00-${trace}-${parent}`,
    `00-${trace}-${parent}-01-more`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${"0".repeat(32)}-${parent}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
    `ff-${trace}-${parent}-01`,
    `00-${trace.slice(1)}-${parent}-01`,
    `00-${trace}-${parent}-01\r\nx: y`,
    `00-${trace}-${parent}-01\n`,
  ])("%j is ignored", (header) => {
    expect(acceptTraceparent(header)).toBe("");
  });
});

describe("a tracestate", () => {
  const member = (i: number) => `vendor${i}=${"x".repeat(40)}`;
  const members = Array.from({ length: 300 }, (_, i) => member(i));

  test.each(["", "a=1", "a=1,b=2", "x".repeat(512)])("of at most 512 characters is passed on (%.10s)", (state) => {
    expect(boundTracestate(state)).toBe(state);
  });

  test("that is longer is cut behind a member", () => {
    const bound = boundTracestate(members.join(","));
    expect(bound.length).toBeLessThanOrEqual(512);
    expect(bound).toBe(members.slice(0, bound.split(",").length).join(","));
    expect(bound.split(",").length).toBeGreaterThan(8);
  });

  test("of one member that is too long is left out", () => {
    expect(boundTracestate(`a=${"x".repeat(5_000)},b=1`)).toBe("");
  });
});

test("our own ids are all different, and fit to be echoed", () => {
  const [first, second] = [createRequestIds("0123456789abcdef"), createRequestIds("fedcba9876543210")];
  const ids = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? first() : second()));
  expect(new Set(ids).size).toBe(1000);
  for (const id of ids) expect(acceptRequestId(id)).toBe(id);
});
