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

test.each([
  [{ instances: [[1]] }, "TensorFlow Serving, KServe V1 and Vertex AI"],
  [{ inputs: [{ name: "price" }] }, "the Open Inference Protocol, TensorFlow Serving and MLflow"],
  [{ inputs: { price: [1] } }, "the Open Inference Protocol, TensorFlow Serving and MLflow"],
  [{ dataframe_split: { columns: ["price"], data: [[1]] } }, "MLflow"],
  [{ dataframe_records: [{ price: 1 }] }, "MLflow"],
  [{ input_data: { data: [[1]] } }, "Azure ML"],
  [{ data: { ndarray: [[1]] } }, "Seldon and Azure ML"],
])("%j", (row, servers) => {
  const [member] = Object.keys(row);
  expect(foreignFormHint(row, few)).toBe(
    `the body has "${member}", the form of ${servers}, which isn't taken here: send one row as {"price": ..., "size": ...}, several as {"rows": [{"price": ..., "size": ...}, ...]}`,
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
])("%j is a row, or none of these forms", (row) => expect(foreignFormHint(row, few)).toBeUndefined());

test("a model may have a feature of that name", () => {
  expect(foreignFormHint({ inputs: [1, 2] }, featuresOf("inputs", "size"))).toBeUndefined();
});

test("of many features, and long names, only so much is shown", () => {
  const hint = foreignFormHint(
    { instances: [] },
    featuresOf(...Array.from({ length: 50 }, (_, i) => `${i}${"x".repeat(200)}`)),
  )!;
  expect(hint.length).toBeLessThan(700);
  expect(hint).toMatch(/send one row as \{"0x+": \.\.\., "1x+": \.\.\., "2x+": \.\.\., \.\.\.\},/);
});
