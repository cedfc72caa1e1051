/** Goal: an address means one thing; and of one that is made up, little is repeated and nothing kept. */

import { describe, expect, test } from "vitest";
import {
  addressCharsMax,
  checkLength,
  decodeName,
  nameCharsMax,
  reachableHost,
  urlHost,
  versionOf,
} from "../../../../server/transport/address.js";

describe("a name", () => {
  test.each([
    ["demand", "demand"],
    ["d%65mand", "demand"],
    ["%C3%A9", "é"],
    ["a+b", "a+b"],
    ["%2e%2e", ".."],
    ["%2541", "%41"],
    ["x".repeat(nameCharsMax), "x".repeat(nameCharsMax)],
    ["x".repeat(nameCharsMax + 1), `${"x".repeat(nameCharsMax)}…`],
    ["%01".repeat(100), `${"\u0001".repeat(nameCharsMax)}…`],
  ])("%s is %j", (segment, name) => expect(decodeName(segment)).toBe(name));

  test.each(["%", "%z", "%zz", "%ff", "%c3%28", "a%"])("%s isn't percent-encoded UTF-8", (segment) => {
    expect(() => decodeName(segment)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });

  test("that isn't, and is long, is repeated in part", () => {
    try {
      decodeName(`%ff${"x".repeat(10_000)}`);
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(150);
    }
  });
});

test("an address is looked at up to the longest that leads anywhere", () => {
  const longest = `/models/${"%61".repeat(64)}/versions/${"%31".repeat(15)}/predict`;
  expect(longest.length).toBeLessThan(addressCharsMax);
  expect(() => checkLength("x".repeat(addressCharsMax))).not.toThrow();
  const refused = {
    code: "route_not_found",
    message: expect.stringMatching(/^nothing is served at an address of 120000 characters.{0,200}$/),
  };
  expect(() => checkLength("x".repeat(120_000))).toThrow(expect.objectContaining(refused));
});

describe("the version of a query", () => {
  test.each([
    ["version=1", undefined, "1"],
    ["a=b&version=12&c", undefined, "12"],
    ["version=%31", undefined, "1"],
    ["version=1&version=1", undefined, "1"],
    ["version=2", "2", "2"],
    ["version=", undefined, ""],
    ["trace=7&utm_source=x", undefined, undefined],
    ["trace=7", "2", "2"],
    ["conversion=3", undefined, undefined],
    ["Version=3", undefined, undefined],
    [`version=${"9".repeat(10_000)}`, undefined, `${"9".repeat(nameCharsMax)}…`],
  ])("%.40s beside %s: %s", (query, fromPath, version) => expect(versionOf(query, fromPath)).toBe(version));

  test.each([
    ["version=1&version=2", undefined, 'the address names two versions, "1" and "2": expected one'],
    ["version=1", "2", 'the address names two versions, "2" and "1": expected one'],
  ])("%s beside %s is refused", (query, fromPath, message) => {
    expect(() => versionOf(query, fromPath)).toThrow(expect.objectContaining({ code: "invalid_request", message }));
  });
});

describe("a host in a URL", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["localhost", "localhost", "localhost"],
    ["::1", "[::1]", "[::1]"],
    ["fe80::1%eth0", "[fe80::1%25eth0]", "[fe80::1%25eth0]"],
    ["0.0.0.0", "0.0.0.0", "127.0.0.1"],
    ["::", "[::]", "[::1]"],
  ])("%s: %s, reached as %s", (host, shown, reached) => {
    expect([urlHost(host), reachableHost(host)]).toEqual([shown, reached]);
  });
});
