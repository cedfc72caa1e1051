/**
 * Goal: a fallback that doesn't fit the bundle it stands in for is refused when the bundle is read, with the place and
 * the reason.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nearestNames } from "../../../bundle/nearest-names.js";
import { operatorsBefore } from "../../../preprocessing/operators.js";
import {
  classify,
  type Document,
  linearRule,
  predictSeveral,
  type TinyBundle,
  tinyLabels,
} from "../../support/tiny-bundle.js";
import { problemsOf } from "./problems-of.js";

type Change = (bundle: TinyBundle) => void;

const rule = () => linearRule({ feature: "price", coef: 0.5, intercept: 1 });
const labelRule = () => linearRule({ feature: "price", coef: 0.5, intercept: 1, labels: tinyLabels });

/** In a regression, unless `classify` came before. */
const withFallback =
  (fallback: Document, ...changes: Change[]): Change =>
  (bundle) => {
    for (const change of changes) change(bundle);
    bundle.manifest.fallback = fallback;
  };

const withRule =
  (change: (rule: Document) => void, made: Document = rule(), ...changes: Change[]): Change =>
  (bundle) => {
    change(made);
    withFallback(made, ...changes)(bundle);
  };

/** A classifier whose postprocessing gives no probabilities. */
const classifyOnly: Change = (bundle) => {
  classify(bundle);
  bundle.files["postprocessing.json"].outputs.pop();
  bundle.files["golden.jsonl"] = bundle.files["golden.jsonl"].replaceAll(/,"probabilities":\[[^\]]*\]/g, "");
};

/** A rule of two numbers. */
const giveTwo =
  (names: readonly string[]) =>
  ({ postprocessing }: Document): void => {
    postprocessing.nodes[0].params = { coef: [[0.5], [1]], intercept: [1, 2] };
    postprocessing.outputs[0].params = { names };
  };

const even = { no: 0.5, yes: 0.5 };

describe("takes", () => {
  const cases: [string, Change][] = [
    ["a number for a regression", withFallback({ kind: "constant", prediction: -0.25 })],
    ["a number for each name", withFallback({ kind: "constant", prediction: [1, -0.5] }, predictSeveral)],
    [
      "a label and probabilities",
      withFallback({ kind: "constant", prediction: "yes", probabilities: { yes: 0.7, no: 0.3 } }, classify),
    ],
    [
      "probabilities that a few digits keep from 1",
      withFallback({ kind: "constant", prediction: "no", probabilities: { yes: 0.3333333, no: 0.6666666 } }, classify),
    ],
    [
      "a label alone, where no probabilities are given",
      withFallback({ kind: "constant", prediction: "no" }, classifyOnly),
    ],
    [
      "labels that are no strings, by their texts",
      withFallback({ kind: "constant", prediction: true, probabilities: { "3": 0.5, true: 0.5 } }, (bundle) =>
        classify(bundle, [3, true]),
      ),
    ],
    ["a rule for a regression", withFallback(rule())],
    ["a rule for a classifier", withFallback(labelRule(), classify)],
    [
      "a rule that gives as many numbers under the same names",
      withRule(giveTwo(["low", "high"]), rule(), predictSeveral),
    ],
    [
      "a rule whose tensors are taken in another order",
      withRule((r) => {
        r.preprocessing.outputs.push({ ...r.preprocessing.outputs[0], name: "S", dtype: "float32" });
        r.postprocessing.inputs.unshift({ name: "S", dtype: "float32", shape: ["rows", 1] });
        r.postprocessing.nodes[0].inputs = ["R", "S"];
        r.postprocessing.nodes[0].params.coef = [[1, 2]];
      }),
    ],
  ];
  test.each(cases)("%s", async (_, change) => {
    expect(await problemsOf(change)).toEqual([]);
  });
});

describe("takes the examples of docs/bundle-format.md", () => {
  const page = readFileSync(new URL("../../../docs/bundle-format.md", import.meta.url), "utf8");
  const section = page.slice(page.indexOf("\n## Fallback\n"), page.indexOf("\n## golden.jsonl\n"));
  const examples = [...section.matchAll(/```json\n(.*?)```/gs)].map(([, text]) => JSON.parse(text!));

  test("one of each kind", () => {
    expect(examples.map(({ kind }) => kind)).toEqual(["none", "constant", "rule", "last_good_version"]);
  });

  test.each(examples)("$kind", async (example) => {
    expect(await problemsOf(withFallback(example, example.kind === "constant" ? classify : () => {}))).toEqual([]);
  });
});

describe("refuses the constant", () => {
  const cases: [string, Change, string | string[]][] = [
    [
      "without a prediction",
      withFallback({ kind: "constant" }),
      "fallback.prediction: expected a number, a label or a list of numbers, got nothing",
    ],
    [
      "null",
      withFallback({ kind: "constant", prediction: null }),
      "fallback.prediction: expected a number, a label or a list of numbers, got null",
    ],
    [
      "with a member that the format doesn't name",
      withFallback({ kind: "constant", prediction: 1, value: 1 }),
      'fallback: expected only the members that the format names, got "value"; remove it, or use a version of Plumb that knows it',
    ],
    [
      "that is a label, in a regression",
      withFallback({ kind: "constant", prediction: "yes" }),
      'fallback.prediction: expected a number, which postprocessing.json predicts, got the string "yes"',
    ],
    [
      "that is a number, in a classifier",
      withFallback({ kind: "constant", prediction: 1, probabilities: even }, classify),
      'fallback.prediction: expected a label of postprocessing.json, "no" or "yes", got the number 1',
    ],
    [
      "that is the text of a label, not the label",
      withFallback({ kind: "constant", prediction: "3", probabilities: { "3": 0.5, true: 0.5 } }, (bundle) =>
        classify(bundle, [3, true]),
      ),
      'fallback.prediction: expected a label of postprocessing.json, 3 or true, got the string "3"',
    ],
    [
      "that is one number, where there are several",
      withFallback({ kind: "constant", prediction: 1 }, predictSeveral),
      'fallback.prediction: expected a list of 2 numbers, which postprocessing.json names "low" and "high", got the number 1',
    ],
    [
      "that has another number of them",
      withFallback({ kind: "constant", prediction: [1, 2, 3] }, predictSeveral),
      'fallback.prediction: expected a list of 2 numbers, which postprocessing.json names "low" and "high", got a list of 3',
    ],
    [
      "that is a list, where there is one number",
      withFallback({ kind: "constant", prediction: [1, 2] }),
      "fallback.prediction: expected a number, which postprocessing.json predicts, got a list of 2",
    ],
    [
      "with probabilities, in a regression",
      withFallback({ kind: "constant", prediction: 1, probabilities: even }),
      "fallback.probabilities: expected none, since postprocessing.json has no such output, got an object",
    ],
    [
      "with probabilities that the answer hasn't",
      withFallback({ kind: "constant", prediction: "no", probabilities: even }, classifyOnly),
      "fallback.probabilities: expected none, since postprocessing.json has no such output, got an object",
    ],
    [
      "without the probabilities that the answer has",
      withFallback({ kind: "constant", prediction: "no" }, classify),
      "fallback.probabilities: expected a number for each label, since postprocessing.json gives probabilities, got nothing",
    ],
    [
      "with probabilities of other labels",
      withFallback(
        { kind: "constant", prediction: "no", probabilities: { no: 0.5, maybe: 0.25, Yes: 0.25 } },
        classify,
      ),
      [
        'fallback.probabilities: expected only the labels of postprocessing.json, "no" or "yes", got "maybe" and "Yes"',
        'fallback.probabilities: expected a number for each label of postprocessing.json, got none for "yes"',
      ],
    ],
    [
      "with a probability below 0",
      withFallback({ kind: "constant", prediction: "no", probabilities: { no: 1.5, yes: -0.5 } }, classify),
      [
        "fallback.probabilities.no: expected a number of at most 1, got the number 1.5",
        "fallback.probabilities.yes: expected a number of at least 0, got the number -0.5",
      ],
    ],
    [
      "with a probability that is text",
      withFallback({ kind: "constant", prediction: "no", probabilities: { no: "1", yes: 0 } }, classify),
      'fallback.probabilities.no: expected a number, got the string "1"',
    ],
    [
      "with a list of probabilities",
      withFallback({ kind: "constant", prediction: "no", probabilities: [0.5, 0.5] }, classify),
      "fallback.probabilities: expected an object, got an array of 2 values",
    ],
    [
      "with probabilities that add up to something else",
      withFallback({ kind: "constant", prediction: "no", probabilities: { no: 0.5, yes: 0.50001 } }, classify),
      "fallback.probabilities: expected numbers that add up to 1 within 0.000001, got a sum of 1.00001",
    ],
    [
      "with probabilities that leave some over",
      withFallback({ kind: "constant", prediction: "no", probabilities: { no: 0.5, yes: 0.25 } }, classify),
      "fallback.probabilities: expected numbers that add up to 1 within 0.000001, got a sum of 0.75",
    ],
    [
      "of labels that names can't tell apart",
      withFallback({ kind: "constant", prediction: 1, probabilities: { "1": 1 } }, (bundle) =>
        classify(bundle, [1, "1"]),
      ),
      'fallback.probabilities: expected labels in postprocessing.json that differ when they are written as names, got "1" twice; give the labels other names, or use a rule',
    ],
  ];
  test.each(cases)("%s", async (_, change, expected) => {
    expect(await problemsOf(change)).toEqual([expected].flat().map((problem) => `manifest.json, ${problem}`));
  });

  test("infinite", async () => {
    const problems = await problemsOf((bundle) => {
      bundle.manifest.fallback = { kind: "constant", prediction: 0 };
      bundle.manifest.files = {};
      bundle.tamper["manifest.json"] = JSON.stringify(bundle.manifest).replace('"prediction":0', '"prediction":1e999');
    });
    expect(problems[0]).toBe(
      "manifest.json, fallback.prediction: expected a number, a label or a list of numbers, got Infinity",
    );
  });
});

const known = [...operatorsBefore.keys()].map((name) => JSON.stringify(name));

describe("refuses the rule", () => {
  const cases: [string, Change, string | string[]][] = [
    [
      "of one graph only",
      withRule((r) => delete r.postprocessing),
      "fallback.postprocessing: expected an object, got nothing",
    ],
    [
      "that takes a feature that isn't there",
      withFallback(linearRule({ feature: "prices", coef: 1, intercept: 0 })),
      'fallback.preprocessing.inputs[0].name: expected the name of a property in schema.json, got "prices"; near it are "price" and "promo"',
    ],
    [
      "that takes a feature as another type",
      withFallback(linearRule({ feature: "promo", coef: 1, intercept: 0 })),
      'fallback.preprocessing.inputs[0].type: expected "integer", as schema.json has "promo", got "number"',
    ],
    [
      "whose first graph stands after a model",
      withRule((r) => (r.preprocessing = r.postprocessing)),
      [
        'fallback.preprocessing.inputs[0].type: expected "number", "integer", "boolean", "string", "numbers", "booleans" or "strings", got nothing',
        'fallback.preprocessing.inputs[0]: expected only the members that the format names, got "dtype" and "shape"; remove it, or use a version of Plumb that knows it',
        'fallback.preprocessing.outputs[0].dtype: expected "float32" or "float64", got nothing',
        'fallback.preprocessing.outputs[0].shape: expected ["rows", ...whole numbers], got nothing',
      ],
    ],
    [
      "with an operator that graphs before a model don't have",
      withRule((r) => (r.preprocessing.nodes[0].op = "sigmoid")),
      `fallback.preprocessing.nodes[0].op: expected ${known.slice(0, -1).join(", ")} or ${known.at(-1)}, got "sigmoid"`,
    ],
    [
      "with parameters that an operator refuses",
      withRule((r) => (r.postprocessing.nodes[0].params.intercept = ["NaN"])),
      'fallback.postprocessing.nodes[0].params.intercept[0]: expected a finite number, got "NaN"',
    ],
    [
      "with widths that don't fit",
      withRule((r) => (r.postprocessing.nodes[0].params.coef = [[1, 2]])),
      "fallback.postprocessing.nodes[0].params.coef[0]: expected 1 values, one per column, got 2",
    ],
    [
      "whose second graph takes what the first doesn't give",
      withRule((r) => {
        r.postprocessing.inputs[0].name = "main.Y";
        r.postprocessing.nodes[0].inputs = ["main.Y"];
      }),
      [
        'fallback.postprocessing.inputs[0].name: expected the name of an output of fallback.preprocessing, got "main.Y"',
        'fallback.preprocessing.outputs[0].name: expected an output that fallback.postprocessing takes, got "R"',
      ],
    ],
    [
      "whose graphs hand over another dtype",
      withRule((r) => (r.postprocessing.inputs[0].dtype = "float32")),
      "fallback.postprocessing.inputs[0]: expected float64 [rows, 1], as the tensor is where it comes from, got float32 [rows, 1]",
    ],
    [
      "whose graphs hand over another shape",
      withRule((r) => (r.postprocessing.inputs[0].shape = ["rows", 1, 1])),
      "fallback.postprocessing.inputs[0]: expected float64 [rows, 1], as the tensor is where it comes from, got float64 [rows, 1, 1]",
    ],
    [
      "that predicts a label, in a regression",
      withFallback(labelRule()),
      [
        'fallback.postprocessing.outputs: expected a number, as postprocessing.json predicts, got one of 2 labels, in this order: "no" and "yes"',
        'fallback.postprocessing.outputs: expected no output "probabilities", as in postprocessing.json, got one',
      ],
    ],
    [
      "that predicts a number, in a classifier",
      withFallback(rule(), classify),
      [
        'fallback.postprocessing.outputs: expected one of 2 labels, in this order: "no" and "yes", as postprocessing.json predicts, got a number',
        'fallback.postprocessing.outputs: expected an output "probabilities", as in postprocessing.json, got none',
      ],
    ],
    [
      "with the labels in another order",
      withFallback(linearRule({ feature: "price", coef: 1, intercept: 0, labels: ["yes", "no"] }), classify),
      'fallback.postprocessing.outputs: expected one of 2 labels, in this order: "no" and "yes", as postprocessing.json predicts, got one of 2 labels, in this order: "yes" and "no"',
    ],
    [
      "without the probabilities that the answer has",
      withRule((r) => r.postprocessing.outputs.pop(), labelRule(), classify),
      'fallback.postprocessing.outputs: expected an output "probabilities", as in postprocessing.json, got none',
    ],
    [
      "with probabilities that the answer hasn't",
      withFallback(labelRule(), classifyOnly),
      'fallback.postprocessing.outputs: expected no output "probabilities", as in postprocessing.json, got one',
    ],
  ];
  test.each(cases)("%s", async (_, change, expected) => {
    expect(await problemsOf(change)).toEqual([expected].flat().map((problem) => `manifest.json, ${problem}`));
  });

  test("that takes a list for a number", async () => {
    const problems = await problemsOf((bundle) => {
      bundle.files["schema.json"].properties.days = { type: "array", items: { type: "number" } };
      bundle.manifest.fallback = linearRule({ feature: "days", coef: 1, intercept: 0 });
    });
    expect(problems).toEqual([
      'manifest.json, fallback.preprocessing.inputs[0].type: expected "numbers", as schema.json has "days", got "number"',
    ]);
  });

  test("without comparing it with parts that could not be read", async () => {
    const problems = await problemsOf((bundle) => {
      bundle.files["schema.json"] = "";
      bundle.files["postprocessing.json"] = "";
      bundle.manifest.fallback = labelRule();
    });
    expect(problems).toEqual([
      "schema.json: expected JSON, got nothing",
      "postprocessing.json: expected JSON, got nothing",
    ]);
  });
});

test("near names are those that differ in the fewest characters", () => {
  const known = ["price", "promo", "store", "PRICE_EUR", "weekday"];
  expect(nearestNames("prise", known)).toEqual(["price", "promo", "store"]);
  expect(nearestNames("price_eur", known, 1)).toEqual(["PRICE_EUR"]);
  expect(nearestNames("", ["bb", "a"])).toEqual(["a", "bb"]);
  expect(nearestNames("x", [])).toEqual([]);
  expect(nearestNames("a".repeat(1_000_000), ["b", "a".repeat(80)], 1)).toEqual(["a".repeat(80)]);
});
