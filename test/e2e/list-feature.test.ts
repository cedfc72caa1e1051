/**
 * Goal: a row can bring a list of numbers, and a model that reads its window answers over HTTP as one that was given
 * the number.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { type GoldenAnswer, readBundle } from "../../bundle/index.js";
import { DemandCopy } from "../support/demand-bundle.js";
import { post } from "../support/http-client.js";
import { endServers, type ServerProcess, startServer } from "../support/server-process.js";

const demand = new DemandCopy();
let server: ServerProcess;
let answers: readonly GoldenAnswer[];

/**
 * The demand model, whose price is the last of a list now: its answers are known, so the server holds the list to them
 * as it starts.
 */
beforeAll(async () => {
  demand.edit("schema.json", ({ properties }) => {
    properties.feature_price = { type: ["array", "null"], items: { type: "number" }, maxItems: 30 };
  });
  demand.edit("preprocessing.json", ({ inputs, nodes }) => {
    inputs[1].type = "numbers";
    const params = { statistics: ["last"], window: 7, min_items: 1, ddof: 0 };
    nodes.unshift({ id: "window", op: "row_window", inputs: ["feature_price"], params });
    nodes[1].inputs[1] = "window";
  });
  demand.edit("baseline.json", ({ features }) => delete features.feature_price);
  demand.editGolden((golden, index) => {
    const { feature_price: price } = golden.row;
    const earlier = Array.from({ length: index % 9 }, (_, at) => at + 0.5);
    if (typeof price === "number") golden.row.feature_price = [...earlier, price];
    return golden;
  });
  demand.rehash();
  answers = (await readBundle(demand.directory)).golden.filter((row): row is GoldenAnswer => row.error === undefined);
  server = await startServer(demand.store, "--access-log", "off");
});

afterAll(async () => {
  await endServers();
  demand.remove();
});

test("a list is answered by what its window says, bit for bit", async () => {
  for (const answer of answers.slice(0, 40)) {
    const { status, json } = await post(server.httpPort, "/models/demand/predict", answer.rowJson);
    expect({ status, prediction: json.prediction }).toEqual({ status: 200, prediction: answer.prediction });
  }
  const rows = answers.map(({ rowJson }) => rowJson).join(",");
  const { json } = await post(server.httpPort, "/models/demand/predict", `{"rows":[${rows}]}`);
  expect(json.predictions).toEqual(answers.map(({ prediction }) => prediction));
});

test.each([
  ["a list with a hole", [1, null]],
  ["a list with a text", ["1"]],
  ["a number", 100],
  ["a list that is too long", Array(31).fill(1)],
])("%s is refused before the model", async (_, price) => {
  const row = { ...JSON.parse(answers[0]!.rowJson), feature_price: price };
  const { status, json } = await post(server.httpPort, "/models/demand/predict", row);
  expect({ status, code: json.error.code }).toEqual({ status: 422, code: "schema_mismatch" });
});
