/**
 * Goal: whoever opens /docs in a browser asks for a real prediction in a form, and reads in words what was wrong; by
 * keyboard too, light and dark, narrow and wide, behind a proxy's prefix.
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

let store: ModelStore;
let server: ServerProcess;
let url: string;
let proxy: Server | undefined;
let launched: Promise<Browser> | undefined;

beforeAll(async () => {
  const properties = {
    count: { type: "integer", minimum: 0, description: "How many <b>there</b> are." },
    flag: { type: "boolean" },
    colour: { type: ["string", "null"], enum: ["red", "it's blue", null] },
    day: { type: "string", format: "date" },
    sizes: { type: "array", items: { type: "number" }, maxItems: 3 },
    patient: { type: "string", maxLength: 40, "x-pii": true },
  };
  store = await writeStore(echoModel({ properties }), rootModel());
  server = await startServer(store.directory, "--default-model", "echo");
  url = `http://127.0.0.1:${server.httpPort}/docs`;
});

afterAll(async () => {
  await (await launched)?.close();
  proxy?.close();
  await endServers();
  await store.remove();
});

interface Opened {
  readonly page: Page;
  readonly said: string[];
  readonly asked: string[];
}

async function open(
  context: TestContext,
  address: string,
  { width = 1200, scheme = "light" as "light" | "dark" } = {},
) {
  const executablePath = needProgram(context, "chromium");
  launched ??= chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
  const page = await (await launched).newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  const opened: Opened = { page, said: [], asked: [] };
  page.on("console", (message) => opened.said.push(message.text()));
  page.on("pageerror", (error) => opened.said.push(error.message));
  page.on("request", (sent) => opened.asked.push(sent.url()));
  await page.goto(address);
  await page.locator("#content").waitFor();
  return opened;
}

test("it is a page that may load nothing from elsewhere", async () => {
  const { status, headers, text } = await ask(server.httpPort, "/docs");
  expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(headers["content-security-policy"]).toMatch(
    /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'; img-src data:; /,
  );
  expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
  expect(text).not.toMatch(/<!-- |https?:\/\/(?!www\.w3\.org)/);
});

describe("the form", () => {
  test("has a labelled field for each feature, and its example is answered", async (context) => {
    const { page, said, asked } = await open(context, url);
    expect(await page.getByLabel("Model").inputValue()).toBe("echo");
    expect(await page.getByLabel("value", { exact: true }).inputValue()).toBe("0");
    expect(await page.locator("select", { has: page.locator("option", { hasText: "false" }) }).count()).toBe(1);
    expect(await page.getByLabel("day").getAttribute("type")).toBe("date");
    const unlabelled = `[...document.querySelectorAll("input, select, textarea, button")]
      .filter((field) => !field.labels?.length && field.textContent.trim() === "").length`;
    expect(await page.evaluate(unlabelled)).toBe(0);
    await page.getByRole("button", { name: "Send" }).click();
    expect(await page.locator(".answer").textContent()).toBe("Prediction: 0");
    expect(await page.locator("#result").textContent()).toMatch(/200 OK\s*[\d.]+ ms/);
    const base = url.replace("/docs", "");
    expect([said, asked]).toEqual([[], [url, `${base}/openapi.json`, `${base}/models/echo/predict`]]);
    await page.close();
  });

  test("sends each kind of feature as it is, and its command does the same in a shell", async (context) => {
    const { page } = await open(context, url);
    await page.getByLabel("value", { exact: true }).fill("2.5");
    await page.getByLabel("count").fill("7");
    await page.getByLabel("flag").selectOption("false");
    await page.getByLabel("colour").selectOption("it's blue");
    await page.getByLabel("day").fill("2026-02-28");
    await page.getByLabel("sizes").fill("1, 2.5");
    const sent = page.waitForRequest((one) => one.method() === "POST");
    await page.getByLabel("sizes").press("Enter");
    const row = { value: 2.5, count: 7, flag: false, colour: "it's blue", day: "2026-02-28", sizes: [1, 2.5] };
    expect((await sent).postDataJSON()).toEqual(row);
    expect(await page.locator(".answer").textContent()).toBe("Prediction: 2.5");
    const { stdout } = await run("sh", ["-ec", (await page.locator("#curl").textContent())!]);
    expect(JSON.parse(stdout)).toMatchObject({ model: "echo", prediction: 2.5 });
    await page.close();
  });

  test("says a 422 in words, beside the field that it is of", async (context) => {
    const { page } = await open(context, url);
    await page.getByLabel("value", { exact: true }).fill("2000000");
    await page.getByLabel("count").fill("few");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".problem", { hasText: "schema_mismatch" }).waitFor();
    const result = (await page.locator("#result").textContent())!;
    expect(result).toContain("422 Unprocessable Content");
    expect(result).toContain('row 0, count: expected an integer of at least 0, got the string "few"');
    expect(await page.locator("[aria-invalid=true]").count()).toBe(2);
    const ids = (await page.getByLabel("count").getAttribute("aria-describedby"))!.split(" ");
    expect(await page.locator(`#${ids[1]}`).textContent()).toBe(
      'expected an integer of at least 0, got the string "few"',
    );
    await page.getByRole("button", { name: "Example row" }).click();
    expect(await page.locator("[aria-invalid=true]").count()).toBe(0);
    await page.close();
  });

  test("takes any body as JSON, and goes to another model by the keyboard alone", async (context) => {
    const { page } = await open(context, `${url}#root`);
    expect(await page.getByLabel("Model").inputValue()).toBe("root");
    await page.getByLabel("Model").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+A");
    await page.keyboard.type('{"rows": [{"value": 4}, {"value": 9}]}');
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.locator(".answer").textContent()).toBe("Prediction: [2,3]");
    await page.getByLabel("Model").selectOption("echo");
    expect(page.url()).toBe(`${url}#echo`);
    expect(await page.locator("#features code").first().textContent()).toBe("value");
    await page.close();
  });
});

describe("the page", () => {
  test("shows every address and code of the document, and no text of a bundle as markup", async (context) => {
    const { json } = await ask(server.httpPort, "/openapi.json");
    const { page } = await open(context, url);
    const generic = Object.keys(json.paths).filter((address) => !/models\/(echo|root)/.test(address));
    const shown = await page.locator("#addresses summary > code").allTextContents();
    expect(shown.sort()).toEqual(generic.sort());
    const codes = json.components.schemas.ErrorCode.oneOf.map((code: { const: string }) => code.const);
    expect(await page.locator("#errors code").allTextContents()).toEqual(codes);
    expect(await page.locator("#features").textContent()).toContain("How many <b>there</b> are.");
    await page.locator("#addresses summary", { hasText: "/models/{model}/predict" }).click();
    await page.locator("#addresses details[open] summary", { hasText: "schema of the body" }).click();
    expect(await page.locator("#addresses details[open] details[open] pre").textContent()).toContain('"anyOf"');
    await page.close();
  });

  test("follows the system's colours, and fits a telephone", async (context) => {
    const background = async (scheme: "light" | "dark") => {
      const { page } = await open(context, url, { width: 400, scheme });
      await page.locator("#addresses summary", { hasText: "/v2/models/{model}/infer" }).click();
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      const colour = (await page.evaluate("getComputedStyle(document.body).backgroundColor")) as string;
      await page.close();
      return colour.match(/\d+/g)!.map(Number);
    };
    expect(Math.min(...(await background("light")))).toBeGreaterThan(200);
    expect(Math.max(...(await background("dark")))).toBeLessThan(60);
  });

  test("works behind a proxy and its prefix", async (context) => {
    proxy = createServer((asked, reply) => {
      const path = asked.url!.replace(/^\/plumb/, "");
      const passed = request({ port: server.httpPort, path, method: asked.method!, headers: asked.headers }, (got) => {
        reply.writeHead(got.statusCode!, got.headers);
        got.pipe(reply);
      });
      asked.pipe(passed);
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/plumb`;
    const { page, said } = await open(context, `${base}/docs`);
    await page.getByRole("button", { name: "Send" }).click();
    expect(await page.locator(".answer").textContent()).toBe("Prediction: 0");
    expect(await page.locator("#curl").textContent()).toContain(`${base}/models/echo/predict`);
    await page.getByRole("link", { name: "what is served now" }).click();
    expect(page.url()).toBe(`${base}/`);
    await page.getByRole("link", { name: "docs", exact: true }).click();
    expect(page.url()).toBe(`${base}/docs`);
    expect(said).toEqual([]);
    await page.close();
  });
});
