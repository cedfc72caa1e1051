/** Goal: with kept answers the server says the same, byte for byte, and counts what it kept and what it ran. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { post } from "../support/http-client.js";
import { metric } from "../support/metrics.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const store = fileURLToPath(new URL("../../models", import.meta.url));
const models = readdirSync(store);
const rowsOf = (model: string): object[] =>
  readFileSync(`${store}/${model}/1/golden.jsonl`, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ error }) => error === undefined)
    .slice(0, 40)
    .map(({ row }) => row);

let kept: ServerProcess;
let plain: ServerProcess;

beforeAll(async () => {
  [kept, plain] = await Promise.all([startServer(store, "--cache-bytes", "1000000"), startServer(store)]);
});

afterAll(endServers);

test.each(models)("%s answers the same bytes with and without, the first and the second time", async (model) => {
  const rows = rowsOf(model);
  const bodies = [
    ...rows,
    { rows: rows.slice(0, 7) },
    { rows: rows.slice(3, 9).reverse() },
    { partial: true, rows: [...rows.slice(0, 3), {}] },
  ];
  const ask = async (server: ServerProcess) => {
    const texts: string[] = [];
    for (const body of bodies) {
      texts.push(
        (await post(server.httpPort, `/models/${model}/predict`, body, { headers: { "x-request-id": "same" } })).text,
      );
    }
    return texts;
  };
  const first = await ask(kept);
  const second = await ask(kept);
  expect(first).toEqual(await ask(plain));
  expect(second).toEqual(first);
  expect(await metric(kept, "plumb_requests_total", { model, result: "ok" })).toBe(2 * bodies.length);
  // The second time everything is known; the first time, what several rows together asked for again.
  expect(await metric(kept, "plumb_cache_misses_total", { model })).toBe(
    new Set(rows.map((row) => JSON.stringify(row))).size,
  );
  expect(await metric(kept, "plumb_cache_entries", { model })).toBe(
    new Set(rows.map((row) => JSON.stringify(row))).size,
  );
  expect(await metric(kept, "plumb_cache_bytes", { model })).toBeLessThanOrEqual(1_000_000);
  expect(await metric(plain, "plumb_cache_misses_total", { model })).toBe(0);
});
