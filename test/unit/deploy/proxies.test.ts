/** Goal: the proxies' files know what the server reads. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const folder = "server/transport";
const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => readFileSync(join(folder, file), "utf8"));

test("nginx passes every header that the server reads, since it passes no other", () => {
  const read = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/case "([a-z-]+)":\n(?: +\/\/.*\n)* +this\.\w+ \+?= /g)].map(([, name]) => name!),
    ),
  );
  // Those of the framing, and of the admin listener, which is nobody's upstream.
  for (const name of ["content-length", "transfer-encoding", "accept-encoding"]) read.delete(name);
  expect(read.size).toBeGreaterThan(5);
  const nginx = readFileSync("deploy/proxies/nginx.conf", "utf8");
  const passed = [...nginx.matchAll(/proxy_set_header ([\w-]+) /g)].map(([, name]) => name!.toLowerCase());
  expect([...read].filter((name) => !passed.includes(name))).toEqual([]);
});

test("nginx waits longer than the longest time that it lets a caller ask for", () => {
  const nginx = readFileSync("deploy/proxies/nginx.conf", "utf8");
  const readMs = 1000 * Number(/proxy_read_timeout (\d+)s;/.exec(nginx)![1]);
  const [, pattern, cappedMs] = /map \$http_x_timeout_ms .*\n +"~(\S+)" +(\d+);/.exec(nginx)!;
  const passes = (ms: number) => !new RegExp(pattern!).test(String(ms));
  expect(Number(cappedMs)).toBeLessThan(readMs);
  for (const ms of [1, 999, 5000, 13_999]) expect([ms, passes(ms)]).toEqual([ms, true]);
  for (const ms of [14_000, 15_000, 60_000, 99_999, 100_000, 86_400_000]) expect([ms, passes(ms)]).toEqual([ms, false]);
});
