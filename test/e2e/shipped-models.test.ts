/** Goal: the model that is shipped answers over HTTP, bit for bit, what its trained pipeline did. */

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bundle, type GoldenAnswer, readBundle } from "../../bundle/index.js";
import { post } from "../fixtures/http-client.js";
import { endServers, type ServerProcess, startServer } from "../fixtures/server-process.js";

const models = fileURLToPath(new URL("../../models", import.meta.url));

let bundle: Bundle;
let answers: readonly GoldenAnswer[];
let server: ServerProcess;

beforeAll(async () => {
  bundle = await readBundle(`${models}/demand/1`);
  answers = bundle.golden.filter((row): row is GoldenAnswer => row.error === undefined);
  server = await startServer(models, "--default-model", "demand", "--access-log", "off");
});

afterAll(endServers);

test("each golden row alone", async () => {
  expect(answers.length).toBeGreaterThanOrEqual(256);
  for (const { rowJson, prediction } of answers) {
    const { json } = await post(server.httpPort, "/predict", rowJson);
    expect(json).toMatchObject({ model: "demand", version: 1 });
    expect([Object.is(json.prediction, prediction), rowJson]).toEqual([true, rowJson]);
  }
});

test("all golden rows in one request, and as many requests at once as there are rows", async () => {
  const { json } = await post(server.httpPort, "/models/demand/predict", `{"rows":[${answers.map(({ rowJson }) => rowJson).join(",")}]}`);
  expect(json.predictions).toEqual(answers.map(({ prediction }) => prediction));
  const atOnce = await Promise.all(answers.map(({ rowJson }) => post(server.httpPort, "/predict", rowJson)));
  expect(atOnce.map(({ json: { prediction } }) => prediction)).toEqual(answers.map(({ prediction }) => prediction));
});

test("golden rows that must be refused are, with their code", async () => {
  for (const { rowJson, error } of bundle.golden) {
    if (error === undefined) continue;
    const { status, json } = await post(server.httpPort, "/predict", rowJson);
    expect([status, json.error.code]).toEqual([422, error]);
  }
});
