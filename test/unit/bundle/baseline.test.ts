/**
 * Goal: a baseline of lists counts their lengths and their items, stands for arrays and nothing else, and is read as
 * strictly as the others.
 */
import { expect, test } from "vitest";
import { baselineFeatureProblems, parseBaseline } from "../../../bundle/baseline.js";
import { featuresOf } from "../../../bundle/feature.js";

const counted = { kind: "numeric", edges: [2], counts: [3, 1], min: 1, max: 4, mean: 1.75, std: 1.09 };
const words = { kind: "categorical", categories: ["a", "b"], counts: [5, 2], other: 0 };
const scalar = { ...counted, missing: 0 };
const tags = { kind: "list", missing: 1, lengths: counted, items: words };

const baseline = (features: object, prediction: object = scalar) => ({
  format: "plumb-baseline/1",
  rows: 4,
  features,
  prediction,
});

function problemsOf(document: object): readonly string[] {
  const parsed = parseBaseline(document);
  return "problems" in parsed ? parsed.problems : [];
}

test("a list feature has its lengths and its items", () => {
  expect(parseBaseline(baseline({ tags }))).toEqual({ value: baseline({ tags }) });
  expect(problemsOf(baseline({ tags: { ...tags, items: counted } }))).toEqual([]);
});

test.each([
  [
    "a count too few",
    { ...tags, lengths: { ...counted, counts: [4] } },
    'features["tags"].lengths.counts: expected 2 counts, one more than edges, got 1',
  ],
  [
    "a count too many",
    { ...tags, items: { ...words, counts: [5, 1, 1] } },
    'features["tags"].items.counts: expected 2 counts, one per category, got 3',
  ],
  [
    "edges that fall",
    { ...tags, items: { ...counted, edges: [2, 1], counts: [1, 1, 1] } },
    'features["tags"].items.edges: expected edges that increase, got one that does not',
  ],
  [
    "lengths that are texts",
    { ...tags, lengths: words },
    'features.tags.lengths.kind: expected "numeric", got the string "categorical"',
  ],
  [
    "lists in lists",
    { ...tags, items: tags },
    'features.tags.items.kind: expected a distribution of kind "numeric" or "categorical", got the string "list"',
  ],
])("refuses %s", (_, distribution, problem) => {
  expect(problemsOf(baseline({ tags: distribution }))[0]).toContain(problem);
});

test("a prediction is no list", () => {
  expect(problemsOf(baseline({}, tags))[0]).toContain(
    "prediction: expected a distribution, or a list of them, got an object",
  );
});

test("lists are counted as lists, other features are not, and personal data isn't", () => {
  const properties = {
    tags: { type: "array", items: { type: "string" } },
    price: { type: "number" },
    friends: { type: "array", items: { type: "string" }, "x-pii": true },
  } as const;
  const features = featuresOf({ type: "object", properties, required: [], additionalProperties: false });
  const found = (byFeature: object) => {
    const parsed = parseBaseline(baseline(byFeature));
    return "problems" in parsed ? parsed.problems : baselineFeatureProblems(parsed.value, features);
  };
  expect(found({ tags, price: scalar, friends: { kind: "hidden", missing: 0 } })).toEqual([]);
  expect(found({ tags: scalar, price: tags, friends: tags })).toEqual([
    'baseline.json, features["tags"]: expected kind "list", since it is an array, got "numeric"',
    'baseline.json, features["price"]: expected a kind other than "list", since it is no array, got "list"',
    'baseline.json, features["friends"]: expected kind "hidden", since it is personal data, got "list"',
  ]);
});
