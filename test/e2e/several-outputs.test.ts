/**
 * Goal: a model of several outputs answers a row by a list of numbers, over HTTP, whatever the size of the call, and
 * says what they are called.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { ask as askPath, post } from "../support/http-client.js";
import { echoModel, type ModelStore, rootModel, writeStore } from "../support/model-store.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const names = ["once", "twice", "three times"];
const multiples = (value: number) => names.map((_, index) => Math.fround(Math.fround(value) * (index + 1)));

let store: ModelStore;
let server: ServerProcess;

beforeAll(async () => {
  const plain = { properties: {}, outputs: names };
  store = await writeStore(
    echoModel(plain),
    rootModel(plain),
    rootModel({ ...plain, name: "held", fallback: { kind: "constant", prediction: [-1, -2, -3] } }),
  );
  server = await startServer(store.directory, "--access-log", "off");
});

afterAll(async () => {
  await endServers();
  await store.remove();
});

const ask = (model: string, body: unknown) => post(server.httpPort, `/models/${model}/predict`, body);
const rowsOf = (...values: number[]) => values.map((value) => ({ value }));

test("one row has one list", async () => {
  const { status, json } = await ask("echo", { value: 1.1 });
  expect({ status, json }).toMatchObject({
    status: 200,
    json: { prediction: multiples(1.1), model: "echo", version: 1 },
  });
});

test("rows have a list each, in their order", async () => {
  const { json } = await ask("echo", { rows: rowsOf(3, 0.1, -2) });
  expect(json.predictions).toEqual([multiples(3), multiples(0.1), multiples(-2)]);
});

test("ten thousand rows, which are answered in slices, too", async () => {
  const values = Array.from({ length: 10_000 }, (_, index) => index / 7);
  const { json } = await ask("echo", { rows: rowsOf(...values) });
  expect(json.predictions).toEqual(values.map(multiples));
});

test("a row of a partial request that can't be answered is null, and the others are answered", async () => {
  const { status, json } = await ask("root", { partial: true, rows: [...rowsOf(4, -4, 9), { value: "x" }] });
  expect({ status, predictions: json.predictions }).toEqual({
    status: 200,
    predictions: [[2, 4, 6], null, [3, 6, 9], null],
  });
  expect(json.errors.map(({ row, code }: { row: number; code: string }) => [row, code])).toEqual([
    [1, "model_output_invalid"],
    [3, "schema_mismatch"],
  ]);
});

test("a fallback answers with as many", async () => {
  const { json } = await ask("held", { rows: rowsOf(4, -4) });
  expect(json).toMatchObject({
    predictions: [
      [2, 4, 6],
      [-1, -2, -3],
    ],
    fallback: { reason: "model_output_invalid", rows: [1] },
  });
});

test("the model's page has their names, and no answer repeats them", async () => {
  const { json } = await askPath(server.httpPort, "/models/echo");
  expect(json.versions[0]).toMatchObject({ outputs: names, state: "ready", proof: { predictionUlpMax: 0 } });
  const { text } = await ask("echo", { value: 1 });
  expect(text).not.toContain("twice");
});
