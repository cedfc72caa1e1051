/** Goal: the command prints what the admin listener says, for people and for machines, and says why where it can't. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { compare } from "../../../cli/compare.js";
import { Comparison } from "../../../server/release/comparison.js";
import { describeModelComparison } from "../../../server/release/comparison-figures.js";
import { callCommand } from "../../support/command.js";

let server: Server | undefined;
afterEach(() => server?.close());

async function answering(status: number, json: object): Promise<string> {
  server = createServer(({ url }, reply) => {
    reply.writeHead(url === "/models/demand/compare" ? status : 404).end(JSON.stringify(json));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = (...args: string[]) => callCommand((words) => compare(words), args);
const figures = new Comparison(new Date(0), { tolerance: 0, ignored: new Set(), worstRowFeatures: [] });
figures.count("shed");
const described = (...shadows: (number | string)[]) =>
  describeModelComparison({ model: "demand", champion: 1, shadows: shadows.map((one) => figures.figures(one, "")) });

test("a line for each shadow, and with --json what the listener answered", async () => {
  const admin = await answering(200, described(2, "http://10.0.0.7/predict"));
  const { code, stdout } = await ask("demand", "--admin", admin);
  expect(code).toBe(0);
  const lines = stdout.split("\n");
  expect(lines[0]).toBe("demand: champion version 1");
  expect(lines[3]!.trim().split(/ {2,}/).slice(0, 5)).toEqual(["version 2", "0", "0+0", "1", "0"]);
  expect(lines[4]).toMatch(/^http:\/\/10\.0\.0\.7\/predict /);
  const json = await ask("demand", "--admin", admin, "--json");
  expect(JSON.parse(json.stdout)).toEqual(JSON.parse(JSON.stringify(described(2, "http://10.0.0.7/predict"))));
});

test("a model without shadows says so", async () => {
  const { stdout } = await ask("demand", "--admin", await answering(200, described()));
  expect(stdout).toBe("demand: champion version 1, no shadow has answered beside it\n");
});

test("a refusal is exit code 1 with its sentence, wrong usage 2", async () => {
  const { code, stderr } = await ask(
    "demand",
    "--admin",
    await answering(404, { error: { message: "no such model" } }),
  );
  expect([code, stderr]).toEqual([1, expect.stringMatching(/no such model\n$/)]);
  expect((await ask()).code).toBe(2);
  expect((await ask("demand", "--admin", "ftp://x")).code).toBe(2);
});
