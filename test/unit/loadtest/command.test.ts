/**
 * Goal: the load test says the truth about a server: fast, slow, refusing, dead. Against plain servers on this machine.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { loadtest } from "../../../loadtest/command.js";
import type { SlaReport } from "../../../loadtest/scenarios/sla.js";
import { answerOne, startTestServer, type TestServer } from "../../support/test-server.js";

const directory = mkdtempSync(join(tmpdir(), "plumb-loadtest-"));
const servers: TestServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.end()));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function start(answer: Parameters<typeof startTestServer>[0]): Promise<TestServer> {
  const server = await startTestServer(answer);
  servers.push(server);
  return server;
}

async function run(...args: string[]): Promise<{ code: number; text: string; report: SlaReport }> {
  const file = join(directory, "report.json");
  const said: string[] = [];
  const code = await loadtest([...args, "--json", file], (text) => said.push(text));
  return { code, text: said.join("\n"), report: JSON.parse(readFileSync(file, "utf8")) as SlaReport };
}

describe("a server that answers", () => {
  test("passes, and got another row with each request", async () => {
    const server = await start(answerOne);
    // The bound is wide: this is about the counting, not about this machine.
    const { code, text, report } = await run(
      "--url",
      server.url,
      "--rate",
      "100",
      "--duration",
      "0.5",
      "--arrivals",
      "even",
      "--p95-ms",
      "20000",
    );
    expect(code).toBe(0);
    expect(text).toMatch(/PASS/);
    expect(report.plain).toMatchObject({ requests: 50, ok: 50, errors: {} });
    expect(report.ratePlanned).toBe(100);
    expect(new Set(server.bodies).size).toBe(51); // and one row before the load
  });

  test("gets large requests beside the rows", async () => {
    const server = await start(answerOne);
    const flags = ["--rate", "50", "--duration", "0.5", "--big-rows", "20", "--big-every", "0.1", "--p95-ms", "20000"];
    const { report, text } = await run("--url", server.url, ...flags);
    expect(report.big).toMatchObject({ requests: 5, ok: 5 });
    const sizes = server.bodies
      .map((body) => (JSON.parse(body) as { rows?: unknown[] }).rows?.length)
      .filter((size) => size !== undefined);
    expect(sizes).toEqual([20, 20, 20, 20, 20]);
    expect(text).toMatch(/20 rows/);
  });
});

describe("a server that stalls", () => {
  test("shows its pause in the percentiles, not in one request", async () => {
    // The 10th request is held for 300 ms while, on the one connection, 60 more fall due. Each of them waits for the
    // rest of the pause, so at least a tenth of all 100 waits for 200 ms; a loop that waits for replies would have seen
    // a single slow request.
    const pauseMs = 300;
    const server = await start((response) => {
      if (server.bodies.length === 10) setTimeout(answerOne, pauseMs, response);
      else answerOne(response);
    });
    const { code, text, report } = await run(
      "--url",
      server.url,
      "--duration",
      "0.5",
      "--arrivals",
      "even",
      "--connections",
      "1",
      "--p95-ms",
      "100",
    );
    expect(report.plain.ok).toBe(100);
    expect(report.plain.latencyMs!.max).toBeGreaterThanOrEqual(pauseMs - 2);
    expect(report.plain.latencyMs!.p95).toBeGreaterThanOrEqual(200);
    expect(code).toBe(1);
    expect(text).toMatch(/FAIL: P95 is \d+ ms, over the bound of 100 ms/);
  });
});

describe("a server that fails", () => {
  test("fails the run by one error reply", async () => {
    const server = await start((response) => {
      if (server.bodies.length === 20) response.writeHead(503, { "content-length": 0 }).end();
      else answerOne(response);
    });
    const flags = ["--rate", "100", "--duration", "0.5", "--arrivals", "even", "--big-rows", "0", "--p95-ms", "20000"];
    const { code, text, report } = await run("--scenario", "smoke", "--url", server.url, ...flags);
    expect(report.plain).toMatchObject({ requests: 50, ok: 49, errors: { "status 503": 1 } });
    expect(code).toBe(1);
    expect(text).toMatch(/FAIL: one-row requests: 1 ended in status 503/);
  });

  test("that dies in the middle fails the rest, and the run ends", async () => {
    const server = await start((response) => {
      answerOne(response);
      if (server.bodies.length === 25) response.on("finish", () => void server.end());
    });
    const { code, report } = await run("--url", server.url, "--rate", "100", "--duration", "0.5", "--arrivals", "even");
    const { requests, ok, errors } = report.plain;
    expect(code).toBe(1);
    expect(requests).toBe(50);
    expect(ok).toBeLessThan(50);
    expect(errors.ECONNREFUSED).toBeGreaterThan(0);
    expect(Object.values(errors).reduce((sum, count) => sum + count, 0)).toBe(50 - ok);
  });

  test("is told before the load: refusing, answering something else, or not there", async () => {
    const refusing = await start((response) => response.writeHead(422).end("no such feature"));
    await expect(run("--url", refusing.url)).rejects.toThrow(/refuses a row with status 422: no such feature/);
    const other = await start((response) => response.end("hello"));
    await expect(run("--url", other.url)).rejects.toThrow(/answers without a prediction: hello/);
    await other.end();
    await expect(run("--url", other.url)).rejects.toThrow(/doesn't answer \(ECONNREFUSED\)/);
  });
});

describe("wrong usage", () => {
  test.each([
    [["--url", "http://example.com/predict"], /--url: load is sent to this machine only/],
    [["--rate", "fast"], /--rate: expected a number from 0.001 to 50000, got "fast"/],
    [["--duration", "0"], /--duration/],
    [["--arrivals", "uniform"], /--arrivals: expected one of poisson, even/],
    [["--scenario", "chaos"], /--scenario: expected one of sla, smoke, saturation/],
    [["--connections", "1.5"], /--connections/],
    [["--seed", "x"], /--seed/],
    [["--p95-ms", "-1"], /--p95-ms/],
    [["--big-rows", "-5"], /--big-rows/],
    [["--big-every", "0"], /--big-every/],
    [["--rows", "/nowhere/rows.jsonl"], /--rows: cannot read/],
    [["--html", "nowhere/page.html"], /--html: there is no folder nowhere/],
    [["--json", "nowhere/run.json"], /--json: there is no folder nowhere/],
    [["--compare", "run.json"], /--compare: lays another run over the page/],
    [
      ["--compare", "run.json", "--html", "page.html", "--scenario", "saturation"],
      /--compare: lays another run over the page/,
    ],
    [["--html", "page.html", "--compare", "nowhere/run.json"], /--compare: cannot read nowhere.run.json/],
    [["--html", "page.html", "--compare", "package.json"], /--compare: package.json is no report that --json wrote/],
    [["--admin-url", "http://example.com"], /--admin-url: load is sent to this machine only/],
    [["--turbo"], /--turbo/],
  ])("%j is refused by name before anything is started", async (args, message) => {
    await expect(loadtest(args, () => {})).rejects.toThrow(message);
  });

  test("help lists every flag", async () => {
    const said: string[] = [];
    expect(await loadtest(["--help"], (text) => said.push(text))).toBe(0);
    for (const flag of [
      "scenario",
      "url",
      "rate",
      "duration",
      "arrivals",
      "connections",
      "rows",
      "json",
      "seed",
      "p95-ms",
      "big-rows",
      "big-every",
      "html",
      "compare",
      "admin-url",
    ]) {
      expect(said.join()).toContain(`--${flag} `);
    }
  });
});

test("saturation runs through its levels and counts errors", async () => {
  const server = await start((response, body) => {
    if (body.includes('"feature_promo":1')) response.writeHead(500, { "content-length": 0 }).end();
    else answerOne(response);
  });
  const said: string[] = [];
  const file = join(directory, "rows.jsonl");
  writeFileSync(file, '{"feature_promo":0}\n{"feature_promo":1}\n');
  const code = await loadtest(
    ["--scenario", "saturation", "--url", server.url, "--duration", "1", "--rows", file],
    (text) => said.push(text),
  );
  expect(code).toBe(1);
  expect(said.join()).toMatch(/^connections +requests\/s/);
  expect(said.join()).toMatch(/FAIL: errors \(autocannon/);
});
