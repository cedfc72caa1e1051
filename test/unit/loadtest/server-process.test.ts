/** Goal: a server is there when the load begins, and gone when it's over, whatever happens between. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startServer } from "../../../loadtest/server-process.js";
import { freePorts } from "../../../scripts/server-process.mjs";

const directory = mkdtempSync(join(tmpdir(), "plumb-process-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function start(source: string) {
  const file = join(directory, "server.mjs");
  writeFileSync(file, `import { createServer } from "node:http";\nconst port = Number(process.argv[2]);\n${source}`);
  const [port] = (await freePorts(1)) as [number];
  return await startServer({ name: "a test server", command: [process.execPath, file, String(port)], port });
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a server process", () => {
  test("is awaited until its ready path answers 200, and ended by SIGTERM", async () => {
    const server = await start(`
      let asked = 0;
      process.on("SIGTERM", () => process.exit(7));
      createServer((request, response) => response.writeHead(request.url === "/health/ready" && ++asked > 2 ? 200 : 503).end()).listen(port, "127.0.0.1");
    `);
    expect(server.startedMs).toBeGreaterThan(0);
    expect(isAlive(server.pid)).toBe(true);
    expect(await server.stop()).toBe(7);
    expect(isAlive(server.pid)).toBe(false);
    expect(await server.stop()).toBe(7);
  });

  test("that ends before it's ready is an error with what it said", async () => {
    await expect(start(`console.error("no such model"); process.exit(3);`)).rejects.toThrow(
      /a test server: ended before it was ready; it said:\nno such model/,
    );
  });

  test("doesn't see settings of ours in its environment", async () => {
    process.env.PLUMB_TEST_SETTING = "1";
    try {
      const server = await start(`
        const seen = Object.keys(process.env).some((name) => name.startsWith("PLUMB_"));
        process.on("SIGTERM", () => process.exit(seen ? 1 : 0));
        createServer((request, response) => response.end()).listen(port, "127.0.0.1");
      `);
      expect(await server.stop()).toBe(0);
    } finally {
      delete process.env.PLUMB_TEST_SETTING;
    }
  });
});

test("free ports differ", async () => {
  const ports = await freePorts(5);
  expect(new Set(ports).size).toBe(5);
});
