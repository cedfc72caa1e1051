/**
 * Goal: the scenario runs through all its phases on any server, its counts add up, and wrong usage is refused before
 * anything is started.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadtest } from "../../../../loadtest/command.js";
import type { OverloadReport } from "../../../../loadtest/overload/run-overload.js";
import { answerOne, startTestServer } from "../../../support/test-server.js";

const folder = mkdtempSync(join(tmpdir(), "plumb-overload-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** One call at a time, 4 ms each; refuses at once what would have to wait for more than ten others. */
function limited(): (response: ServerResponse) => void {
  const queue: ServerResponse[] = [];
  const next = () => {
    answerOne(queue.shift()!);
    if (queue.length > 0) setTimeout(next, 4);
  };
  return (response) => {
    if (queue.length >= 10) response.writeHead(503, { "retry-after": "1", "content-length": 0 }).end();
    else if (queue.push(response) === 1) setTimeout(next, 4);
  };
}

test("a server that refuses what it can't do goes through all phases", async () => {
  const server = await startTestServer(limited());
  const [json, html] = [join(folder, "report.json"), join(folder, "report.html")];
  const said: string[] = [];
  const flags = ["--scenario", "overload", "--short", "--url", server.url, "--admin-url", server.url];
  await loadtest([...flags, "--json", json, "--html", html], (text) => said.push(text)).finally(() => server.end());
  const report = JSON.parse(readFileSync(json, "utf8")) as OverloadReport;
  expect(report.peak.goodput).toBeGreaterThan(10);
  expect(report.peak.steps.length).toBeGreaterThan(6);
  expect(report.phases.map(({ id }) => id)).toEqual([
    "calm",
    "overload-2",
    "overload-5",
    "overload-10",
    "burst",
    "storm",
    "deadline-0.8",
    "deadline-2",
    "leaving-0.8",
    "leaving-2",
  ]);
  for (const phase of report.phases) {
    const others = phase.statuses.reduce((sum, { count }) => sum + count, 0);
    expect(phase.accepted.count + others + phase.leftByClient + phase.lost + phase.unanswered, phase.id).toBe(
      phase.calls,
    );
    expect(phase.good + phase.late, phase.id).toBe(phase.accepted.count);
    expect(phase.recoveryS === undefined, phase.id).toBe(!/overload|burst|storm/.test(phase.id));
  }
  // A plain server has no metrics, so nothing is said of what ran.
  expect(report.phases.every(({ rows, server: counts }) => rows === undefined && counts === undefined)).toBe(true);
  expect(report.phases.find(({ id }) => id === "storm")!.retries).toBeGreaterThan(0);
  expect(said.join("\n")).toMatch(/peak goodput [\d,.]+ calls\/s/);
  expect(readFileSync(html, "utf8")).toContain("goodput-by-load");
});

test("calls carry lists of rows where that is asked for", async () => {
  const server = await startTestServer(answerOne);
  const flags = ["--scenario=overload", "--short", "--peak", "20", "--rows-per-call", "3"];
  await loadtest([...flags, "--url", server.url, "--admin-url", server.url], () => {}).finally(() => server.end());
  const sent = server.bodies.filter((body) => body !== ""); // metrics are asked for without one
  const rows = sent.map((body) => (JSON.parse(body) as { rows?: unknown[] }).rows?.length);
  expect(rows[0]).toBeUndefined(); // the one before the load
  expect(new Set(rows.slice(1))).toEqual(new Set([3]));
});

test("a peak that can't be multiplied is refused with a way out", async () => {
  const server = await startTestServer(answerOne);
  const flags = ["--scenario", "overload", "--short", "--peak", "9000", "--url", server.url, "--admin-url", server.url];
  await expect(loadtest(flags, () => {}).finally(() => server.end())).rejects.toThrow(/--rows-per-call: .* try 3$/);
});

describe("wrong usage", () => {
  test.each([
    [["--url", "http://example.com/predict"], /--url: load is sent to this machine only/],
    [["--admin-url", "http://example.com"], /--admin-url: load is sent to this machine only/],
    [["--url", "http://127.0.0.1:1/predict", "--engine", "tree"], /--engine: is for a server that is started here/],
    [["--url", "http://127.0.0.1:1/predict", "--", "--calls-max", "5"], /--: is for a server that is started here/],
    [["--reference", "cat"], /--reference: expected one of spin, forest/],
    [["--reference", "spin", "--models", "models"], /--models: --reference brings a model store/],
    [["--models", "models", "--model", "cat"], /--model: there is no bundle of cat in .*models/],
    [["--rows", "/nowhere/rows.jsonl"], /--rows: cannot read/],
    [["--rows-per-call", "0"], /--rows-per-call/],
    [["--objective-ms", "-1"], /--objective-ms/],
    [["--duration", "0"], /--duration/],
    [["--recovery-s", "0"], /--recovery-s/],
    [["--deadline-ms", "0.5"], /--deadline-ms/],
    [["--leave-ms", "0"], /--leave-ms/],
    [["--connections", "1.5"], /--connections/],
    [["--peak", "0"], /--peak/],
    [["--seed", "x"], /--seed/],
    [["--html", "nowhere/page.html"], /--html: there is no folder nowhere/],
    [["--json", "nowhere/run.json"], /--json: there is no folder nowhere/],
    [["--rate", "5"], /--rate/],
  ])("%j is refused by name before anything is started", async (args, message) => {
    await expect(loadtest(["--scenario", "overload", ...args], () => {})).rejects.toThrow(message);
  });

  test("help lists every flag", async () => {
    const said: string[] = [];
    expect(await loadtest(["--scenario", "overload", "--help"], (text) => said.push(text))).toBe(0);
    for (const flag of [
      "url",
      "reference",
      "models",
      "model",
      "execution",
      "engine",
      "rows-per-call",
      "objective-ms",
      "short",
      "html",
    ]) {
      expect(said.join()).toContain(`--${flag} `);
    }
  });
});
