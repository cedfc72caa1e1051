/**
 * What README.md and the pages of the docs for callers and operators tell people to type works, and gives what they
 * show: against a server started as they say.
 */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServerProcess } from "../../scripts/server-process.mjs";
import { difference, shellBlocks } from "../support/shell-blocks.js";

const run = promisify(execFile);
const pages = [
  "README.md",
  "docs/http.md",
  "docs/protocols.md",
  "docs/conformance.md",
  "docs/typed-proto.md",
  "docs/migrate.md",
  "docs/operations.md",
] as const;

/** A build may come first. */
const patienceMs = 120_000;
let server: ServerProcess;

beforeAll(async () => {
  server = new ServerProcess(["npm", "start", "--", "--http-port", "0", "--admin-port", "0"]);
  await server.untilServing(patienceMs);
}, patienceMs);
afterAll(() => server.end());

describe.each(pages)("%s", (page) => {
  const blocks = shellBlocks(readFileSync(page, "utf8"));

  it("has commands, nearly all of which are run", () => {
    expect(blocks.length).toBeGreaterThan(0);
    expect(blocks.filter(({ notRun }) => notRun !== undefined).length).toBeLessThanOrEqual(3);
  });

  const toRun = blocks.filter(({ notRun, script }) => notRun === undefined && script !== "npm start");
  it.each(toRun.map((block) => [block.line, block] as const))("line %i", async (_, { script, expected }) => {
    const here = script
      .replaceAll("127.0.0.1:8080", `127.0.0.1:${server.httpPort}`)
      .replaceAll("127.0.0.1:8082", `127.0.0.1:${server.adminPort}`);
    const { stdout } = await run("sh", ["-ec", here]);
    if (expected) expect(difference(expected, stdout)).toBeUndefined();
  });
});

it("docs/operations.md names every metric, and none that isn't there", async () => {
  const scrape = await (await fetch(`http://127.0.0.1:${server.adminPort}/metrics`)).text();
  const own = /^(?:plumb|nv)_/;
  const served = [...scrape.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name!).filter((name) => own.test(name));
  const documented = [...readFileSync("docs/operations.md", "utf8").matchAll(/`((?:plumb|nv_inference)_\w+)`/g)].map(
    ([, name]) => name!,
  );
  // Of a server of several processes, which processes.test.ts holds; and of one with a memory budget, as memory-budget.test.ts does.
  const ofOthers = ["plumb_process_connections", "plumb_versions_cold", "plumb_versions_bytes"];
  ofOthers.push("plumb_cold_loads_total", "plumb_evictions_total");
  expect([...new Set(documented)].sort()).toEqual([...served, ...ofOthers].sort());
});

it("the server that npm start became ends on SIGTERM, and npm with it, by exit code 0", async () => {
  server.kill("SIGTERM");
  expect(await server.ended).toEqual({ code: 0, signal: null });
});
