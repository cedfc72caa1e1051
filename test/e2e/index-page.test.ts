/**
 * Goal: whoever opens the server's address in a browser sees what is served and a command that works; light and dark,
 * narrow and wide.
 */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { ask } from "../support/http-client.js";
import { echoModel, type ModelStore, rootModel, writeStore } from "../support/model-store.js";
import { needProgram } from "../support/programs.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const run = promisify(execFile);
const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

let store: ModelStore;
let server: ServerProcess;
let proxy: Server | undefined;
let launched: Promise<Browser> | undefined;

beforeAll(async () => {
  const wrong = (bundle: { files: Record<string, unknown> }) => {
    bundle.files["golden.jsonl"] = (bundle.files["golden.jsonl"] as string).replaceAll(
      '"prediction":3}',
      '"prediction":3.5}',
    );
  };
  store = await writeStore(echoModel({ version: 1 }), echoModel({ version: 2, change: wrong }), rootModel());
  server = await startServer(store.directory, "--default-model", "echo");
});

afterAll(async () => {
  await (await launched)?.close();
  proxy?.close();
  await endServers();
  await store.remove();
});

describe("GET /", () => {
  test("is JSON for a program, with what it needs to ask", async () => {
    for (const headers of [{}, { accept: "*/*" }, { accept: "application/json" }]) {
      const { status, headers: got, json } = await ask(server.httpPort, "/", { headers });
      expect([status, got["content-type"], got.vary]).toEqual([200, "application/json", "accept"]);
      expect(json).toMatchObject({
        server: "plumb",
        ready: true,
        default_model: "echo",
        models: [{ name: "echo" }, { name: "root" }],
      });
      const [echo] = json.models;
      const { status: predicted } = await ask(server.httpPort, echo.predict, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(echo.example),
      });
      expect(predicted).toBe(200);
    }
  });

  test("is a page for a browser, which may load and run nothing else", async () => {
    const { status, headers, text } = await ask(server.httpPort, "/", { headers: html });
    expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; /,
    );
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    expect(text).toMatch(/^<!doctype html>/);
  });

  test("has a head, and no other verb", async () => {
    expect(await ask(server.httpPort, "/", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
    const posted = await ask(server.httpPort, "/", { method: "POST" });
    expect([posted.status, posted.headers.allow]).toEqual([405, "GET, HEAD"]);
  });

  test("is what an unknown address names", async () => {
    expect((await ask(server.httpPort, "/predictions")).json.error.message).toContain("GET / names the addresses");
  });
});

interface Opened {
  readonly page: Page;
  readonly said: string[];
  readonly asked: string[];
}

async function open(context: TestContext, url: string, width: number, colorScheme: "light" | "dark"): Promise<Opened> {
  const executablePath = needProgram(context, "chromium");
  launched ??= chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
  const page = await (await launched).newPage({ viewport: { width, height: 900 }, colorScheme });
  const said: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (sent) => asked.push(sent.url()));
  await page.goto(url);
  return { page, said, asked };
}

describe("in a browser", () => {
  test("it shows models, states and reasons, asks for nothing else, and its command works", async (context) => {
    const url = `http://127.0.0.1:${server.httpPort}/`;
    const { page, said, asked } = await open(context, url, 1200, "light");
    expect([said, asked]).toEqual([[], [url]]);
    expect(await page.locator("h3").allTextContents()).toEqual(["echo", "root"]);
    expect(await page.locator(".states .failed").allTextContents()).toEqual(["version 2: failed"]);
    expect(await page.locator(".problem").textContent()).toMatch(/expected 3\.5, got 3/);
    expect(await page.locator("details table").first().textContent()).toContain("a number from -1000000 to 1000000");
    const command = (await page.locator("pre").first().textContent())!;
    const { stdout } = await run("sh", ["-ec", command]);
    expect(JSON.parse(stdout)).toMatchObject({ model: "echo", version: 1, prediction: expect.any(Number) });
    await page.locator("section a").first().click();
    expect(page.url()).toBe(`${url}models/echo`);
    await page.close();
  });

  test("its colours follow the system, and it fits a telephone", async (context) => {
    const url = `http://127.0.0.1:${server.httpPort}/`;
    const background = async (scheme: "light" | "dark") => {
      const { page } = await open(context, url, 360, scheme);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      const colour = (await page.evaluate("getComputedStyle(document.body).backgroundColor")) as string;
      await page.close();
      return colour.match(/\d+/g)!.map(Number);
    };
    expect(Math.min(...(await background("light")))).toBeGreaterThan(200);
    expect(Math.max(...(await background("dark")))).toBeLessThan(60);
  });

  test("behind a proxy and its prefix, the command goes where the page came from", async (context) => {
    proxy = createServer((asked, reply) => {
      const path = asked.url!.replace(/^\/plumb/, "");
      const passed = request({ port: server.httpPort, path, method: asked.method!, headers: asked.headers }, (got) => {
        reply.writeHead(got.statusCode!, got.headers);
        got.pipe(reply);
      });
      asked.pipe(passed);
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    const { page, said } = await open(context, `http://127.0.0.1:${port}/plumb/?from=search`, 1200, "dark");
    expect(said).toEqual([]);
    const command = (await page.locator("pre").first().textContent())!;
    expect(command).toContain(`http://127.0.0.1:${port}/plumb/models/echo/predict`);
    const { stdout } = await run("sh", ["-ec", command]);
    expect(JSON.parse(stdout)).toMatchObject({ model: "echo" });
    await page.close();
  });
});
