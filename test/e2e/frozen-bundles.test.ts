/**
 * Goal: a bundle of each kind, as it was once exported (test/frozen, made by trainer/frozen.py and never again), is
 * proved and served by the present code. The shipped models have a test of their own.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GoldenAnswer, readBundle } from "../../bundle/index.js";
import { verify } from "../../cli/verify.js";
import { callCommand } from "../support/command.js";
import { post } from "../support/http-client.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const frozen = fileURLToPath(new URL("../frozen", import.meta.url));
const names = readdirSync(frozen).map((file) => file.replace(/\.tgz$/, ""));
const store = mkdtempSync(join(tmpdir(), "plumb-frozen-"));
let server: ServerProcess;

beforeAll(async () => {
  for (const name of names) execFileSync("tar", ["-xzf", join(frozen, `${name}.tgz`), "-C", store]);
  server = await startServer(store, "--access-log", "off");
});

afterAll(async () => {
  await endServers();
  rmSync(store, { recursive: true, force: true });
});

test("there is one of each kind", () => {
  expect(names.length).toBeGreaterThanOrEqual(18);
});

test("each is proved", async () => {
  const { code, stdout, stderr } = await callCommand(verify, [store]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n").filter((line) => /\/1 {2}proved {2}/.test(line))).toHaveLength(names.length);
});

/** A prediction with its probabilities, as numbers and labels one after the other. */
function flat(prediction: unknown, probabilities: Iterable<number> = []): unknown[] {
  return [prediction, [...probabilities]].flat();
}

test.each(names)("%s is served: each golden row has its answer, or its error", async (name) => {
  const { golden, manifest } = await readBundle(join(store, name, "1"));
  const answered = golden.filter((row): row is GoldenAnswer => row.error === undefined);
  const rowsMax = manifest.limits.rows_max;
  for (let first = 0; first < answered.length; first += rowsMax) {
    const part = answered.slice(first, first + rowsMax);
    const body = `{"rows":[${part.map(({ rowJson }) => rowJson).join(",")}]}`;
    const { status, json } = await post(server.httpPort, `/models/${name}/predict`, body, {
      headers: { "x-timeout-ms": "60000" },
    });
    expect(status).toBe(200);
    for (const [i, { prediction, probabilities }] of part.entries()) {
      const given = flat(json.predictions[i], Object.values(json.probabilities?.[i] ?? {}));
      const expected = flat(prediction, probabilities);
      // Numbers of tier C have other last bits on other processors.
      expect(given).toEqual(manifest.parity.tier === "C" ? expected.map(near) : expected);
    }
  }
  for (const { rowJson, error } of golden) {
    if (error === undefined) continue;
    const { status, json } = await post(server.httpPort, `/models/${name}/predict`, rowJson);
    expect([status, json.error.code]).toEqual([422, error]);
  }
});

function near(value: unknown): unknown {
  return typeof value === "number" ? expect.closeTo(value, 6) : value;
}

test("a row with a field that nobody reads passes where the bundle says so", async () => {
  const row = { price: 20, visits: 3, customer: "c-77" };
  const passed = await post(server.httpPort, "/models/ignoring/predict", JSON.stringify(row));
  expect(passed.status).toBe(200);
  const { status, json } = await post(
    server.httpPort,
    "/models/ignoring/predict",
    JSON.stringify({ ...row, Price: 1 }),
  );
  expect([status, json.error.issues[0].feature]).toEqual([422, "Price"]);
});
