/**
 * Goal: Schemathesis, which makes requests up from an OpenAPI document and holds the replies to it, finds nothing in
 * ours that isn't so.
 */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { echoModel, type ModelStore, writeStore } from "../support/model-store.js";
import { findProgram } from "../support/programs.js";
import { endServers, startServer } from "../support/server-process.js";

let store: ModelStore;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumb-schemathesis-"));
  store = await writeStore(echoModel());
});

afterEach(endServers);

afterAll(async () => {
  await store.remove();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Every reply has a status, a content type and a body as the document says, and a wrong verb is refused. A status of 500
 * or more is no fault by itself: a deadline of 1 ms is answered by 504. What the server itself calls a fault is logged.
 */
const checks = [
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
];

test("requests that are made up from the document get replies that it describes", async (context) => {
  const program =
    findProgram("schemathesis") ?? context.skip("schemathesis isn't installed: npm run test:real gets it where it can");
  const server = await startServer(store.directory, "--access-log", "off");
  const base = `http://127.0.0.1:${server.httpPort}`;
  const options = [
    "--url",
    base,
    "--phases",
    "examples,coverage",
    "--checks",
    checks.join(),
    "--seed",
    "1",
    "--no-color",
  ];
  const { code, text } = await new Promise<{ code: unknown; text: string }>((resolve) => {
    execFile(program, ["run", `${base}/openapi.json`, ...options], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, text: `${stdout}${stderr}` }),
    );
  });
  expect(code, text).toBe(0);
  // That a call can't be in time is an answer that the document describes, and depends on what the machine does beside.
  const faults = server.log.filter(
    ({ level, result }) => level === "error" && result !== "overloaded" && result !== "deadline_exceeded",
  );
  expect(faults).toEqual([]);
  expect(text).toMatch(/Operations:\s+\d+ selected/);
});
