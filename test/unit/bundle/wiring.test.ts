/** Goal: what one file hands over by name, the next one takes: same name, same type, same shape. */
import { expect, test } from "vitest";
import { classify, predictSeveral, type TinyBundle } from "../../support/tiny-bundle.js";
import { problemsOf } from "./problems-of.js";

const goldenLine = (fields: object) =>
  `${JSON.stringify({ kind: "zero", row: {}, features: { X: [0, 0, 0] }, raw: { "main.Y": [0] }, prediction: 0, ...fields })}\n`;

const cases: [string, (bundle: TinyBundle) => void, string[]][] = [
  [
    "a graph input that is no feature",
    ({ files }) => {
      files["preprocessing.json"].inputs[0].name = "cost";
      files["preprocessing.json"].nodes[0].inputs = ["cost"];
    },
    [
      'preprocessing.json, inputs[0].name: expected the name of a property in schema.json, got "cost"; near it are "promo" and "price"',
    ],
  ],
  [
    "a graph input of another type than the feature",
    ({ files }) => (files["preprocessing.json"].inputs[1].type = "number"),
    ['preprocessing.json, inputs[1].type: expected "integer", as schema.json has "promo", got "number"'],
  ],
  [
    "a graph input that takes a list for a number",
    ({ files }) => {
      files["schema.json"].properties.promo = { type: "array", items: { type: "integer" } };
      delete files["baseline.json"].features.promo;
    },
    ['preprocessing.json, inputs[1].type: expected "numbers", as schema.json has "promo", got "integer"'],
  ],
  [
    "a graph input that is a list of texts",
    ({ files }) => {
      files["schema.json"].properties.promo = { type: "array", items: { type: "string" } };
      delete files["baseline.json"].features.promo;
    },
    ['preprocessing.json, inputs[1].type: expected "strings", as schema.json has "promo", got "integer"'],
  ],
  [
    "a model input that the graph doesn't give",
    ({ manifest }) => (manifest.models[0].inputs[0].name = "input"),
    [
      'manifest.json, models[0].inputs[0].name: expected the name of an output of preprocessing.json, got "input"',
      'preprocessing.json, outputs[0].name: expected an output that a model in manifest.json takes, got "X"',
    ],
  ],
  [
    "a model input of another shape",
    ({ manifest }) => (manifest.models[0].inputs[0].shape = ["rows", 4]),
    [
      "manifest.json, models[0].inputs[0]: expected float32 [rows, 3], as the tensor is where it comes from, got float32 [rows, 4]",
    ],
  ],
  [
    "a model input of another dtype",
    ({ manifest }) => (manifest.models[0].inputs[0].dtype = "float64"),
    [
      "manifest.json, models[0].inputs[0]: expected float32 [rows, 3], as the tensor is where it comes from, got float64 [rows, 3]",
    ],
  ],
  [
    "a model output that isn't there",
    ({ manifest }) => (manifest.models[0].id = "other"),
    [
      'postprocessing.json, inputs[0].name: expected the name of a model\'s output in manifest.json, as "id.name", got "main.Y"',
    ],
  ],
  [
    "a model output of another dtype",
    ({ manifest }) => (manifest.models[0].outputs[0].dtype = "float64"),
    [
      "postprocessing.json, inputs[0]: expected float64 [rows, 1], as the tensor is where it comes from, got float32 [rows, 1]",
    ],
  ],
  [
    "a task that postprocessing doesn't do",
    ({ manifest }) => (manifest.task = "classification"),
    ['manifest.json, task: expected "regression", got "classification", where postprocessing.json predicts a number'],
  ],
  [
    "golden features of another width",
    ({ files }) => (files["golden.jsonl"] += goldenLine({ features: { X: [0, 0] } })),
    ['golden.jsonl, line 261, features: expected 3 values of "X", as preprocessing.json has it, got 2 values'],
  ],
  [
    "golden raw values of another tensor",
    ({ files }) => (files["golden.jsonl"] += goldenLine({ raw: { "main.Z": [0] } })),
    [
      'golden.jsonl, line 261, raw: expected only tensors that postprocessing.json names, got "main.Z"',
      'golden.jsonl, line 261, raw: expected 1 value of "main.Y", as postprocessing.json has it, got none',
    ],
  ],
  [
    "golden probabilities of a regression",
    ({ files }) => (files["golden.jsonl"] += goldenLine({ probabilities: [0, 1] })),
    ["golden.jsonl, line 261, probabilities: expected none, since postprocessing.json has no such output, got 2"],
  ],
  [
    "a baseline of a feature that isn't there",
    ({ files }) => (files["baseline.json"].features.cost = { kind: "hidden", missing: 0 }),
    ['baseline.json, features["cost"]: expected a feature of schema.json, got another name'],
  ],
  [
    "a baseline that shows personal data",
    ({ files }) => (files["schema.json"].properties.promo["x-pii"] = true),
    ['baseline.json, features["promo"]: expected kind "hidden", since it is personal data, got "categorical"'],
  ],
];

test.each(cases)("refuses %s", async (_, change, expected) => {
  expect(await problemsOf(change)).toEqual(expected);
});

test("of many unknown features, the first are told their near ones, and all are told", async () => {
  const problems = await problemsOf(({ files }) => {
    const { inputs, nodes } = files["preprocessing.json"];
    const unknown = Array.from({ length: 12 }, (_, index) => `cost${index}`);
    inputs.push(...unknown.map((name) => ({ name, type: "number" })));
    nodes[0].inputs.push(...unknown);
    nodes[0].params.statistics.push(...unknown.map(() => "NaN"));
  });
  expect(problems).toHaveLength(12);
  expect(problems.map((problem) => problem.includes("; near it are "))).toEqual([
    ...new Array(10).fill(true),
    false,
    false,
  ]);
});

test("a feature that no step reads is allowed", async () => {
  expect(await problemsOf(({ files }) => (files["schema.json"].properties.id = { type: "string" }))).toEqual([]);
});

test("a classifier's golden rows have its labels, and one probability for each", async () => {
  expect(await problemsOf(classify)).toEqual([]);
  const problems = await problemsOf((bundle) => {
    classify(bundle);
    bundle.files["golden.jsonl"] += goldenLine({ prediction: "maybe", probabilities: [1] });
  });
  expect(problems).toEqual([
    'golden.jsonl, line 261, prediction: expected a label of postprocessing.json, "no" or "yes", got the string "maybe"',
    "golden.jsonl, line 261, probabilities: expected 2 numbers, one per label, got 1",
  ]);
});

test("the golden rows and the baseline of several numbers have as many as there are names", async () => {
  expect(await problemsOf(predictSeveral)).toEqual([]);
  const problems = await problemsOf((bundle) => {
    predictSeveral(bundle);
    const prediction = bundle.files["baseline.json"].prediction.slice(1);
    bundle.files["golden.jsonl"] += goldenLine({ raw: { "main.Y": [1, 2] }, prediction: 1 });
    bundle.files["golden.jsonl"] += goldenLine({ raw: { "main.Y": [1, 2] }, prediction: [1, 2, 3] });
    bundle.files["baseline.json"].prediction = prediction;
  });
  const expected = 'expected a list of 2 numbers, which postprocessing.json names "low" and "high"';
  expect(problems).toEqual([
    "baseline.json, prediction: expected a list of 2, one for each number of a prediction, got a list of 1",
    `golden.jsonl, line 261, prediction: ${expected}, got the number 1`,
    `golden.jsonl, line 262, prediction: ${expected}, got a list of 3`,
  ]);
});

test("one number a row is no list", async () => {
  const problems = await problemsOf(({ files }) => {
    files["golden.jsonl"] += goldenLine({ prediction: [1] });
    files["baseline.json"].prediction = [files["baseline.json"].prediction];
  });
  expect(problems).toEqual([
    "baseline.json, prediction: expected one distribution, got a list of 1",
    "golden.jsonl, line 261, prediction: expected a number, which postprocessing.json predicts, got a list of 1",
  ]);
});
