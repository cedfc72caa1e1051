/** Goal: golden rows are read to the last bit, and a line that is not one is refused by its number. */
import { expect, test } from "vitest";
import {
  decodeNumber,
  encodeNumber,
  formatGoldenRow,
  goldenKinds,
  goldenRowsMin,
  parseGolden,
} from "../../../bundle/index.js";

const line = (fields: object = {}) =>
  JSON.stringify({
    kind: "sample",
    row: { a: 1 },
    features: { X: [1] },
    raw: { "main.Y": [1] },
    prediction: 1,
    ...fields,
  });
const many = (count = goldenRowsMin) => `${line()}\n`.repeat(count);

test.each([
  [0, 0],
  [-0, "-0.0"],
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [Number.NEGATIVE_INFINITY, "-Infinity"],
  [0.1, 0.1],
  [5e-324, 5e-324],
])("%d is written as %j and read back", (value, form) => {
  expect(encodeNumber(value)).toBe(form);
  expect(decodeNumber(JSON.parse(JSON.stringify(form)))).toBe(value);
});

test.each(["nan", "-0", "1", "", null, true, [1], undefined])("%j is no number's form", (value) => {
  expect(decodeNumber(value)).toBeUndefined();
});

test("reads values to the last bit, and the row's own text", () => {
  const text =
    '{ "features": {"X": [0.1, "NaN", "-0.0", 5e-324]}, "kind": "extreme", "row" : {"a": -0, "b": "}\\",{", "c": [1,2], "d": 1e2}  , "raw": {"main.Y": ["Infinity"]}, "prediction": "-Infinity" }';
  const { rows, problems } = parseGolden(`${many()}${text}\n`, "regression");
  expect(problems).toEqual([]);
  expect(rows).toHaveLength(goldenRowsMin + 1);
  const row = rows.at(-1)!;
  expect(row).toEqual({
    kind: "extreme",
    line: goldenRowsMin + 1,
    row: { a: -0, b: '}",{', c: [1, 2], d: 100 },
    rowJson: '{"a": -0, "b": "}\\",{", "c": [1,2], "d": 1e2}',
    features: { X: Float64Array.of(0.1, Number.NaN, -0, 5e-324) },
    raw: { "main.Y": Float64Array.of(Number.POSITIVE_INFINITY) },
    prediction: Number.NEGATIVE_INFINITY,
  });
});

test("a refusal has a code instead of results, and its row may be anything a caller can send", () => {
  const { rows, problems } = parseGolden(
    `${many()}{"kind":"extreme","row":{"a":1e999},"error":"schema_mismatch"}`,
    "regression",
  );
  expect(problems).toEqual([]);
  expect(rows.at(-1)).toMatchObject({
    error: "schema_mismatch",
    row: { a: Number.POSITIVE_INFINITY },
    rowJson: '{"a":1e999}',
  });
});

test("a label stands as it is, even where it reads like a number", () => {
  const labelled = (prediction: unknown) =>
    parseGolden(many() + line({ prediction, probabilities: [0.5, "NaN"] }), "classification");
  for (const label of ["NaN", "yes", true, 3]) {
    const { rows, problems } = labelled(label);
    expect(problems).toEqual([]);
    expect(rows.at(-1)).toMatchObject({ prediction: label, probabilities: Float64Array.of(0.5, Number.NaN) });
  }
});

test("rows are written as they were read", () => {
  const lines = [
    line({ features: { X: [0.1, "NaN", "-0.0"] }, prediction: "-0.0" }),
    line({ prediction: 3, probabilities: [0.25, "Infinity"] }),
    line({ prediction: [1.5, "-0.0", "NaN", 1e300] }),
    '{"kind":"unknown","row":{"a": 1e999},"error":"row_refused"}',
  ];
  const { rows } = parseGolden(many() + lines.join("\n"), "regression");
  expect(rows.slice(goldenRowsMin).map(formatGoldenRow)).toEqual(lines);
});

const numberForm = 'a number, or one of "NaN", "Infinity", "-Infinity", "-0.0"';
const bad: [string, string, string][] = [
  ["an empty line", "", "line 257: expected JSON, got nothing"],
  ["no object", "3", "line 257: expected an object, got the number 3"],
  [
    "a key twice",
    '{"kind":"zero","row":{},"row":{}}',
    'line 257: expected each key once, got the key "row" twice in one object',
  ],
  [
    "a key twice in the row",
    '{"kind":"zero","row":{"a":1,"a":2},"error":"x"}',
    'line 257: expected each key once, got the key "a" twice in one object',
  ],
  [
    "another kind",
    line({ kind: "odd" }),
    'line 257, kind: expected "sample", "mean", "median", "bound", "threshold", "missing", "unknown", "empty", "zero" or "extreme", got the string "odd"',
  ],
  ["a row that is no object", line({ row: [] }), "line 257, row: expected an object, got an array of 0 values"],
  [
    "no features",
    line({ features: undefined }),
    "line 257, features: expected an object of lists of numbers, got nothing",
  ],
  [
    "a value in words",
    line({ features: { X: [1, "one"] } }),
    `line 257, features.X[1]: expected ${numberForm}, got the string "one"`,
  ],
  [
    "a value that is null",
    line({ raw: { "main.Y": [null] } }),
    `line 257, raw["main.Y"][0]: expected ${numberForm}, got null`,
  ],
  [
    "no prediction",
    line({ prediction: undefined }),
    "line 257, prediction: expected a number, a label, or a list of numbers, got nothing",
  ],
  [
    "a prediction in words",
    line({ prediction: "yes" }),
    `line 257, prediction: expected ${numberForm}, or a list of these, since the task is regression, got the string "yes"`,
  ],
  [
    "a list in words",
    line({ prediction: [1, "one"] }),
    "line 257, prediction: expected a number, a label, or a list of numbers, got an array of 2 values",
  ],
  [
    "an error that is no code",
    '{"kind":"zero","row":{},"error":"Not good"}',
    'line 257, error: expected an error code such as schema_mismatch, got the string "Not good"',
  ],
  [
    "an error and results",
    line({ error: "row_refused" }),
    'line 257: expected only the members that the format names, got "features", "raw" and "prediction"; remove it, or use a version of Plumb that knows it',
  ],
];
test("refuses a line with no JSON, with what Node says of it", () => {
  const { problems } = parseGolden(`${many()}{\n`, "regression");
  expect(problems).toEqual([
    expect.stringMatching(
      /^golden\.jsonl, line 257: expected JSON, got text that does not parse \(.* JSON at position 1\b.*\)$/,
    ),
  ]);
});

test.each(bad)("refuses a line with %s", (_, text, expected) => {
  expect(parseGolden(`${many()}${text}\n`, "regression").problems).toEqual([`golden.jsonl, ${expected}`]);
});

test("refuses a list of numbers as a classifier's prediction", () => {
  expect(parseGolden(`${many()}${line({ prediction: [1, 2] })}\n`, "classification").problems).toEqual([
    "golden.jsonl, line 257, prediction: expected a label, since the task is classification, got an array of 2 values",
  ]);
});

test("too few rows with an answer prove nothing", () => {
  const words = (count: number) =>
    `golden.jsonl: expected at least 256 rows with an answer, got ${count}; export the bundle again with more rows: too few prove nothing`;
  expect(parseGolden(many(256), "regression").problems).toEqual([]);
  expect(parseGolden(many(255), "regression").problems).toEqual([words(255)]);
  expect(parseGolden(`${many(255)}{"kind":"zero","row":{},"error":"row_refused"}\n`, "regression").problems).toEqual([
    words(255),
  ]);
  expect(parseGolden("", "regression").problems).toEqual([words(0)]);
});

test("a file that is wrong in every line is not told line by line", () => {
  const { problems } = parseGolden("{\n".repeat(1000), "regression");
  expect(problems).toHaveLength(21);
  expect(problems.at(-1)).toBe("golden.jsonl: 980 more problems like these");
});

test("every kind is one of a closed set", () => {
  const text = goldenKinds.map((kind) => line({ kind })).join("\n");
  expect(parseGolden(many() + text, "regression").problems).toEqual([]);
});
