/**
 * Goal: the overload scenario against a server of its own: every call is counted once, rows that ran come from the
 * server, and the page shows it.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { loadtest } from "../../loadtest/command.js";
import type { OverloadReport } from "../../loadtest/overload/run-overload.js";
import { needProgram } from "../support/programs.js";

const folder = mkdtempSync(join(tmpdir(), "plumb-overload-"));
afterAll(() => rmSync(folder, { recursive: true }));

const [html, json] = [join(folder, "run.html"), join(folder, "run.json")];
let made: Promise<{ code: number; said: string; report: OverloadReport }> | undefined;

/** A peak that is given, far below what the server can do: this is about the counting, and not about this machine. */
const run = () => (made ??= runOnce());
async function runOnce() {
  const said: string[] = [];
  const server = ["--models", "models", "--model", "demand", "--execution", "inline", "--", "--calls-max", "5000"];
  const own = [
    "--scenario",
    "overload",
    "--short",
    "--peak",
    "100",
    "--rows-per-call",
    "2",
    "--html",
    html,
    "--json",
    json,
  ];
  const code = await loadtest([...own, ...server], (text) => said.push(text));
  return { code, said: said.join("\n"), report: JSON.parse(readFileSync(json, "utf8")) as OverloadReport };
}

describe("the short form", () => {
  it("counts every call once", async () => {
    const { report, said } = await run();
    expect(report.settings).toMatchObject({ objectiveMs: 200, deadlineMs: 50, rowsPerCall: 2 });
    expect(report.phases).toHaveLength(10);
    for (const phase of report.phases) {
      const others = phase.statuses.reduce((sum, { count }) => sum + count, 0);
      expect(phase.calls, phase.id).toBeGreaterThan(0);
      expect(phase.accepted.count + others + phase.leftByClient + phase.lost + phase.unanswered, phase.id).toBe(
        phase.calls,
      );
      expect(phase.good + phase.late, phase.id).toBe(phase.accepted.count);
      const inSlices = phase.slices.reduce(
        (sum, { good, late, refused, failed }) => sum + good + late + refused + failed,
        0,
      );
      expect(inSlices, phase.id).toBe(phase.slices.reduce((sum, { offered }) => sum + offered, 0));
      expect(inSlices, phase.id).toBeGreaterThanOrEqual(phase.calls);
      expect(said).toContain(phase.title);
    }
  });

  it("knows what the server ran", async () => {
    const { report } = await run();
    for (const { id, rows, server } of report.phases) {
      expect(rows!.rowsRun, id).toBe(server!.rowsRun);
      expect(rows!.rowsRun - rows!.rowsForNobody, id).toBeLessThanOrEqual(2 * server!.answers);
      expect(server!.processorS, id).toBeGreaterThanOrEqual(0);
    }
    const calm = report.phases[0]!;
    if (calm.accepted.count === calm.calls) expect(calm.rows!.rowsRun).toBe(2 * calm.calls);
  });

  it("exits as the report says", async () => {
    const { code, report } = await run();
    expect(code).toBe(report.passed ? 0 : 1);
    expect(report.passed).toBe(report.failures.length === 0);
  });
});

describe("its page", () => {
  it("shows the phases without an error or a request, on narrow screens and wide ones", async (context) => {
    const executablePath = needProgram(context, "chromium");
    const { report } = await run();
    const browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
    });
    try {
      for (const width of [400, 1600]) {
        const page = await browser.newPage({ viewport: { width, height: 900 } });
        const wrong: string[] = [];
        page.on("console", (message) => wrong.push(message.text()));
        page.on("pageerror", (error) => wrong.push(error.message));
        page.on("request", (request) => {
          if (!/^(file|data):/.test(request.url())) wrong.push(request.url());
        });
        await page.goto(pathToFileURL(html).href);
        expect(await page.locator("h1").innerText()).toBe("Overload of demand/1");
        expect(await page.locator("#verdict").innerText()).toMatch(
          /The peak is 100 calls a second answered within 200 ms\./,
        );
        expect(await page.locator("#call-endings .zone").count()).toBe(10);
        expect(await page.locator("#rows-for-nobody .zone").count()).toBe(10);
        expect(await page.locator("#accepted-latency .zone").count()).toBe(6);
        expect(await page.locator("#goodput-by-load path[data-series]").count()).toBe(2);
        await page.locator("summary").click();
        expect(await page.locator("tbody tr").count()).toBe(report.phases.length);
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        expect(await page.evaluate(`JSON.parse(document.getElementById("load-report").textContent)`)).toMatchObject(
          report,
        );
        expect(wrong).toEqual([]);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  });
});
