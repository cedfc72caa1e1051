/** Goal: no host but those that are named; a server that fails is left alone, and tried again by one call at a time. */

import { describe, expect, it } from "vitest";
import { Breaker } from "../../../../server/release/mirror/breaker.js";
import { MirrorHosts } from "../../../../server/release/mirror/hosts.js";

describe("hosts", () => {
  const hosts = new MirrorHosts(["Shadow.example.com", "10.0.0.7:9000", "[::1]:8080"]);
  it.each([
    ["http://shadow.example.com/a", true],
    ["https://SHADOW.example.com:8443/a", true],
    ["http://10.0.0.7:9000/", true],
    ["http://10.0.0.7:9001/", false],
    ["http://[::1]:8080/", true],
    ["http://169.254.169.254/latest", false],
    ["http://shadow.example.com.evil.net/", false],
    ["http://localhost/", false],
  ])("%s: %s", (url, isNamed) => {
    expect(hosts.fault(url) === undefined).toBe(isNamed);
  });

  const lookup = (named: string[], address: string) =>
    new Promise((resolve) =>
      new MirrorHosts(named).lookup(address, { all: true }, (error, found) => resolve(error?.code ?? found)),
    );

  it.each([
    "169.254.169.254",
    "0.0.0.0",
    "100.100.100.200",
    "224.0.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "::",
    "::ffff:169.254.169.254",
  ])("a name that stands for %s has no address, unless that is named itself", async (address) => {
    expect(await lookup(["shadow.example.com"], address)).toBe("ERR_MIRROR_ADDRESS");
    const text = address.includes(":") ? `[${address}]` : address;
    expect(await lookup([text], address)).toMatchObject([{ address }]);
  });

  it.each(["10.0.0.7", "127.0.0.1", "fd00::1"])("%s is taken", async (address) => {
    expect(await lookup(["shadow.example.com"], address)).toMatchObject([{ address }]);
  });
});

describe("the breaker", () => {
  const opened = () => {
    const breaker = new Breaker();
    for (let i = 0; i < 5; i++) breaker.failed(0);
    return breaker;
  };

  it("opens after five failures in a row, and an answer between them begins anew", () => {
    const breaker = new Breaker();
    for (let i = 0; i < 4; i++) breaker.failed(0);
    breaker.succeeded();
    for (let i = 0; i < 4; i++) breaker.failed(0);
    expect([breaker.isOpen, breaker.mayAsk(0)]).toEqual([false, true]);
    breaker.failed(0);
    expect([breaker.isOpen, breaker.mayAsk(999)]).toEqual([true, false]);
  });

  it("is probed by one call; its answer closes it", () => {
    const breaker = opened();
    expect([breaker.mayAsk(1000), breaker.mayAsk(1000)]).toEqual([true, false]);
    breaker.succeeded();
    expect([breaker.isOpen, breaker.mayAsk(1000)]).toEqual([false, true]);
  });

  it("waits twice as long after each probe that fails, up to a minute", () => {
    const breaker = opened();
    let nowMs = 0;
    const waits = Array.from({ length: 8 }, () => {
      const sinceMs = nowMs;
      while (!breaker.mayAsk(nowMs)) nowMs += 500;
      breaker.failed(nowMs);
      return nowMs - sinceMs;
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it("isn't opened for longer by calls that were under way as it opened", () => {
    const breaker = opened();
    breaker.failed(900);
    expect(breaker.mayAsk(1000)).toBe(true);
  });
});
