/**
 * Goal: whoever sends another server's form is told the form that is taken here; whoever sends a row hears of the row.
 */

import { expect, test } from "vitest";
import { parseRowSchema } from "../../../../../bundle/index.js";
import { foreignFormHint } from "../../../../../server/protocol/predict-json/foreign-form.js";

function featuresOf(...names: string[]) {
  const properties = Object.fromEntries(names.map((name) => [name, { type: "number" }]));
  const parsed = parseRowSchema({ type: "object", properties, required: names, additionalProperties: false });
  if ("problems" in parsed) throw new Error(parsed.problems.join("\n"));
  return parsed.value.features;
}

const few = featuresOf("price", "size");

const inputs =
  "the Open Inference Protocol, TensorFlow Serving and MLflow: POST /v2/models/m/infer takes the first, /v1/models/m:predict the second, /invocations the third";

test.each([
  [{ instances: [[1]] }, "TensorFlow Serving, KServe V1 and Vertex AI: POST /v1/models/m:predict takes it"],
  [{ inputs: [{ name: "price" }] }, inputs],
  [{ inputs: { price: [1] } }, inputs],
  [{ dataframe_split: { columns: ["price"], data: [[1]] } }, "MLflow: POST /invocations takes it"],
  [{ dataframe_records: [{ price: 1 }] }, "MLflow: POST /invocations takes it"],
  [{ input_data: { data: [[1]] } }, "Azure ML: it isn't taken"],
  [{ data: { ndarray: [[1]] } }, "Seldon and Azure ML: it isn't taken"],
])("%j", (row, servers) => {
  const [member] = Object.keys(row);
  expect(foreignFormHint(row, few, "m")).toBe(
    `the body has "${member}", the form of ${servers}; here send one row as {"price": ..., "size": ...}, several as {"rows": [{"price": ..., "size": ...}, ...]}`,
  );
});

test.each([
  [{}],
  [{ prize: 1 }],
  [{ inputs: 1 }],
  [{ data: null }],
  [{ instances: [1], price: 1 }],
  [null],
  [1],
  ["instances"],
  [[{ instances: [] }]],
])("%j is a row, or none of these forms", (row) => expect(foreignFormHint(row, few, "m")).toBeUndefined());

test("a model may have a feature of that name", () => {
  expect(foreignFormHint({ inputs: [1, 2] }, featuresOf("inputs", "size"), "m")).toBeUndefined();
});

test("of many features, and long names, only so much is shown", () => {
  const hint = foreignFormHint(
    { instances: [] },
    featuresOf(...Array.from({ length: 50 }, (_, i) => `${i}${"x".repeat(200)}`)),
    "m",
  )!;
  expect(hint.length).toBeLessThan(700);
  expect(hint).toMatch(/here send one row as \{"0x+": \.\.\., "1x+": \.\.\., "2x+": \.\.\., \.\.\.\},/);
});
