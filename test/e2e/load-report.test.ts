/**
 * Goal: the load test's page of a real run, in a real browser: whole, right, without a network, light and dark, narrow
 * and wide.
 */

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, describe, expect, it, type TestContext } from "vitest";
import { loadtest } from "../../loadtest/command.js";
import { needProgram } from "../support/programs.js";
import { answerOne, startTestServer } from "../support/test-server.js";

const folder = mkdtempSync(join(tmpdir(), "plumb-load-report-"));
const quiet = [
  "--no-first-run",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let launched: Promise<Browser> | undefined;
afterAll(async () => {
  await (await launched)?.close();
  rmSync(folder, { recursive: true });
});

interface Opened {
  readonly page: Page;
  /** What the console said, and what was asked of any network. */
  readonly said: string[];
  readonly asked: string[];
}

async function open(context: TestContext, file: string, width: number, colorScheme: "light" | "dark"): Promise<Opened> {
  const executablePath = needProgram(context, "chromium");
  launched ??= chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
  const page = await (await launched).newPage({ viewport: { width, height: 900 }, colorScheme });
  const said: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) asked.push(request.url());
  });
  await page.goto(pathToFileURL(file).href);
  return { page, said, asked };
}

interface Run {
  readonly code: number;
  readonly file: string;
  readonly report: { timeline: { intervals: unknown[]; percentiles: unknown[] }; passed: boolean };
}

async function run(name: string, args: readonly string[]): Promise<Run> {
  const [file, json] = [join(folder, `${name}.html`), join(folder, `${name}.json`)];
  const code = await loadtest([...args, "--html", file, "--json", json], () => {});
  return { code, file, report: JSON.parse(readFileSync(json, "utf8")) as Run["report"] };
}

const count = (page: Page, selector: string) => page.locator(selector).count();
const fits = (page: Page) => page.evaluate("document.documentElement.scrollWidth <= innerWidth");
const background = (page: Page) => page.evaluate("getComputedStyle(document.body).backgroundColor");

describe("the page of a run against Plumb", () => {
  let made: Promise<Run> | undefined;
  // Wide bounds: this is about the page, not about this machine.
  const plumbs = () => (made ??= run("plumb", ["--rate", "100", "--duration", "3", "--p95-ms", "20000"]));

  it("shows every point of the run, the verdict and the server's own view, without an error or a request", async (context) => {
    const { file, report, code } = await plumbs();
    const { page, said, asked } = await open(context, file, 1600, "light");
    // Whether it passes is up to a busy machine; the page must say the same as the exit code.
    const verdict = await page.locator("#verdict").innerText();
    expect(verdict).toMatch(code === 0 ? /^✓ Passed\. / : /^✗ Failed\. /);
    expect(verdict).toMatch(
      /95 % of the [\d,]+ answered one-row requests took [\d.,]+ ms or less; the objective is 20,000 ms\./,
    );
    expect(report.timeline.intervals.length).toBeGreaterThanOrEqual(3);
    for (const chart of ["latency-over-time", "throughput-over-time"]) {
      expect(await count(page, `#${chart} .zone`), chart).toBe(report.timeline.intervals.length);
    }
    expect(await count(page, "#latency-by-percentile .zone")).toBe(report.timeline.percentiles.length);
    expect(await count(page, "#latency-over-time path[data-series]")).toBe(4);
    expect(await count(page, "#batch-sizes .zone")).toBeGreaterThan(0);
    expect(await page.locator("#stages tbody th").allInnerTexts()).toEqual([
      "decode",
      "validate",
      "preprocess",
      "queue",
      "run",
      "postprocess",
      "reply",
    ]);
    expect(await page.locator("#facts").innerText()).toContain(
      "npm run loadtest -- --rate 100 --duration 3 --p95-ms 20000",
    );
    expect(await page.locator("tbody tr").count()).toBe(report.timeline.intervals.length + 7);
    expect({ said, asked }).toEqual({ said: [], asked: [] });
    await page.close();
  });

  it("carries the run's figures for programs", async (context) => {
    const { file, report } = await plumbs();
    const { page } = await open(context, file, 1600, "light");
    expect(await page.evaluate(`JSON.parse(document.getElementById("load-report").textContent)`)).toMatchObject(report);
    await page.close();
  });

  it("is dark where the system is, and the other at the button", async (context) => {
    const { file } = await plumbs();
    const light = await open(context, file, 800, "light");
    const dark = await open(context, file, 800, "dark");
    const [whenLight, whenDark] = [await background(light.page), await background(dark.page)];
    expect(whenLight).not.toBe(whenDark);
    await light.page.getByRole("button", { name: "Dark" }).click();
    await dark.page.getByRole("button", { name: "Light" }).click();
    expect([await background(light.page), await background(dark.page)]).toEqual([whenDark, whenLight]);
    await light.page.close();
    await dark.page.close();
  });

  for (const width of [400, 1600]) {
    it(`fits a screen of ${width} pixels, open table and all`, async (context) => {
      const { file } = await plumbs();
      expect(statSync(file).size).toBeLessThan(300_000);
      const { page } = await open(context, file, width, "dark");
      expect(await fits(page)).toBe(true);
      await page.locator("summary").click();
      expect(await fits(page)).toBe(true);
      await page.close();
    });
  }

  it("says a chart's values to the arrow keys and to the pointer", async (context) => {
    const { file } = await plumbs();
    const { page } = await open(context, file, 400, "light");
    await page.locator("#latency-over-time svg[tabindex]").focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.getByRole("status").innerText()).toMatch(
      /^0 to 1 s\nP50 .* ms, P95 .* ms\nP99 .* ms, max .* ms$/,
    );
    await page.keyboard.press("End");
    expect(await page.getByRole("status").innerText()).not.toMatch(/^0 to 1 s/);
    await page.keyboard.press("Escape");
    expect(await page.getByRole("status").isVisible()).toBe(false);
    await page.locator("#throughput-over-time .zone").first().hover();
    expect(await page.getByRole("status").innerText()).toMatch(/^0 to 1 s\nsent .*\/s, answered .*\/s$/);
    await page.close();
  });
});

describe("the page of a run that fails", () => {
  it("says why, draws the errors by kind, and leaves hostile text as text", async (context) => {
    const server = await startTestServer((response) => {
      if (server.bodies.length % 10 === 3) response.writeHead(503, { "content-length": 0 }).end();
      else if (server.bodies.length % 10 === 6) response.socket!.destroy();
      else
        response
          .setHeader("content-type", "application/json")
          .end('{"prediction":1,"model":"<img src=x onerror=alert(1)>"}');
    });
    const flags = [
      "--url",
      server.url,
      "--admin-url",
      server.url,
      "--rate",
      "100",
      "--duration",
      "2",
      "--arrivals",
      "even",
      "--p95-ms",
      "20000",
    ];
    const { code, file } = await run("failing", flags).finally(() => server.end());
    const { page, said, asked } = await open(context, file, 400, "light");
    expect(code).toBe(1);
    expect(await page.locator("#verdict").innerText()).toMatch(
      /^✗ Failed\. [\s\S]*one-row requests: 20 ended in status 503/,
    );
    expect(await page.locator("h1").innerText()).toBe("Load test of <img src=x onerror=alert(1)>");
    expect(await page.locator("#errors-over-time .keys li").allInnerTexts()).toEqual(
      expect.arrayContaining(["status 503", "connection closed"]),
    );
    expect(await count(page, "#errors-over-time .zone")).toBe(2);
    expect(await page.getByText("Not known:").first().innerText()).toMatch(/metrics/);
    expect(await fits(page)).toBe(true);
    expect({ said, asked }).toEqual({ said: [], asked: [] });
    await page.close();
  });
});

describe("the page of a saturation run", () => {
  it("has every level, and lays nothing over the others", async (context) => {
    const server = await startTestServer(answerOne);
    const flags = ["--scenario", "saturation", "--url", server.url, "--admin-url", server.url, "--duration", "1"];
    const { code, file } = await run("saturation", flags).finally(() => server.end());
    const { page, said, asked } = await open(context, file, 400, "light");
    expect(code).toBe(0);
    expect(await page.locator("#verdict").innerText()).toMatch(
      /^✓ Passed\. The most was [\d,]+ requests a second, at \d+ connections?\. No request failed\.$/,
    );
    expect(await count(page, "#throughput-by-connections rect.bar")).toBe(3);
    expect(await count(page, "#latency-by-percentile path[data-series]")).toBe(3);
    expect(await fits(page)).toBe(true);
    expect({ said, asked }).toEqual({ said: [], asked: [] });
    await page.close();
  });
});
