/** Goal: the command says what was asked, what failed and why, in words, in JSON and by its exit code. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { allCases } from "../../conformance/cases/all.js";
import { conformance } from "../../conformance/command.js";
import { jsonInput } from "../../conformance/tensors.js";
import { ReferenceServer } from "./reference/server.js";

let server: ReferenceServer;
let folder: string;

beforeEach(async () => {
  server = await ReferenceServer.start();
  folder = mkdtempSync(join(tmpdir(), "conformance-"));
});

afterEach(async () => {
  await server.end();
  rmSync(folder, { recursive: true });
});

async function run(...args: readonly string[]): Promise<{ code: number; text: string }> {
  const said: string[] = [];
  const code = await conformance(["--url", server.url, "--model", "sum", ...args], (text) => said.push(text));
  return { code, text: said.join("\n") };
}

const readJson = (file: string) => JSON.parse(readFileSync(file, "utf8"));

test("a run in which nothing fails ends with 0", async () => {
  const file = join(folder, "results.json");
  const { code, text } = await run("--only", "http.health", "--json", file);
  expect(code).toBe(0);
  expect(text).toMatch(/^reference 1\.0\n\narea +pass +fail +skipped\nhttp\.health +9 +0 +0\nall +9 +0 +0$/);
  const { server: asked, counts, results } = readJson(file);
  expect([asked.name, counts]).toEqual(["reference", { pass: 9, fail: 0, skipped: 0 }]);
  expect(results[0]).toEqual({
    id: "http.health.live",
    rule: allCases[0]!.rule,
    source: allCases[0]!.source,
    verdict: "pass",
    model: "sum",
  });
});

test("a failure says the rule, what was expected and what came, and ends with 1", async () => {
  server.become([
    {
      caseId: "http.health.live",
      http: (response) => {
        response.status = 503;
      },
    },
  ]);
  const { code, text } = await run("--only", "http.health");
  expect(code).toBe(1);
  const { rule, source } = allCases[0]!;
  expect(text).toContain(
    `fail http.health.live\n  ${rule}\n  expected: status 200\n  came:     503 {"live":true}\n  ${source}`,
  );
});

test("what can't be asked is skipped for a reason", async () => {
  const { code, text } = await run("--only", "grpc.health");
  expect(code).toBe(0);
  expect(text).toContain("skipped, no --grpc was given: grpc.health.check ");
  expect((await run("--only", "http.raw")).text).toContain("skipped, the model has more than one input");
  expect((await run("--only", "http.repository.load")).text).toContain("only with --unload: http.repository.load");
  expect((await run("--only", "http.health", "--skip", "http.health.live")).text).toContain(
    "skipped, left out by --skip: http.health.live",
  );
});

test("a server that a case ends fails that case; the rest is skipped", async () => {
  server.become([{ caseId: "http.health.ready", http: () => void server.end() }]);
  const { code, text } = await run("--only", "http.health");
  expect(code).toBe(1);
  expect(text).toMatch(/http\.health +1 +1 +7\n/);
  expect(text).toContain("fail http.health.ready\n");
  expect(text).toContain("skipped, the server has ended in http.health.ready: http.health.model-ready ");
});

test("a row from a file takes the place of a made one", async () => {
  const file = join(folder, "request.json");
  const row = { name: "x", datatype: "FP32", shape: [1, 3], values: [1.5, 2, 3] };
  writeFileSync(file, JSON.stringify({ inputs: [jsonInput(row)] }));
  const { code, text } = await run("--model", "vector", "--request", file, "--only", "http.infer.batch-order");
  expect([code, text]).toEqual([0, expect.stringContaining("no two rows with different answers were found")]);
  await expect(run("--request", file)).rejects.toThrow(/"sum" can't be prepared .* 400 \{"error"/);
});

test("wrong usage is refused with a sentence", async () => {
  await expect(run("--model", "")).rejects.toThrow("--model: name the models to ask");
  await expect(run("--only", "smtp")).rejects.toThrow('--only: no case begins with "smtp"');
  await expect(run("--url", "ftp://x")).rejects.toThrow(
    '--url: expected an address as http://127.0.0.1:8080, got "ftp://x"',
  );
  await expect(run("--header", "x")).rejects.toThrow('--header: expected "name: value", got "x"');
  await expect(run("--model", "none")).rejects.toThrow('the model "none" can\'t be prepared for the cases');
  expect((await run("--list")).text.split("\n")).toHaveLength(3 * allCases.length);
});
