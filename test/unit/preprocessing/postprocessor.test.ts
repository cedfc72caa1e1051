/** Goal: raw outputs of models become predictions, labels and probabilities, and what is no number stays visible. */
import { describe, expect, it } from "vitest";
import { stripRows } from "../../../preprocessing/column.js";
import { createPostprocessor, parseGraph } from "../../../preprocessing/index.js";
import { binaryDocument, regressionDocument } from "./documents.js";

describe("regression", () => {
  const postprocessor = createPostprocessor(parseGraph(regressionDocument()));

  it("answers the raw values, non-finite ones included", () => {
    const raw = Float32Array.of(1.5, Number.NaN, Infinity, -0);
    expect(postprocessor.run([raw], 0, 4)).toEqual({
      predictions: [1.5, Number.NaN, Infinity, -0],
      probabilities: undefined,
    });
    expect(postprocessor.labels).toBeUndefined();
    expect(postprocessor.inputs).toEqual([{ name: "main.Y", dtype: "float32", shape: ["rows", 1], width: 1 }]);
  });

  it("answers the rows that are asked for, over any number of strips", () => {
    const raw = Float32Array.from({ length: 3 * stripRows }, (_, row) => row);
    const { predictions } = postprocessor.run([raw], 5, 2 * stripRows + 1);
    expect(predictions).toEqual(Array.from({ length: 2 * stripRows + 1 }, (_, row) => row + 5));
    expect(postprocessor.run([raw], 0, 0).predictions).toEqual([]);
  });
});

describe("several numbers", () => {
  const document = {
    format: "plumb-graph/1",
    inputs: [
      { name: "main.Y", dtype: "float32", shape: ["rows", 2] },
      { name: "total.Y", dtype: "float64", shape: ["rows", 1] },
    ],
    nodes: [],
    outputs: [{ name: "prediction", from: ["total.Y", "main.Y"], params: { names: ["sum", "a", "b"] } }],
  };
  const postprocessor = createPostprocessor(parseGraph(document));

  it("are a list for each row, in the order of their names, non-finite ones included", () => {
    const raw = [Float32Array.of(1, 2, Number.NaN, -0), Float64Array.of(3, Infinity)];
    const predictions = [
      [3, 1, 2],
      [Infinity, Number.NaN, -0],
    ];
    expect(postprocessor.run(raw, 0, 2)).toEqual({ predictions, probabilities: undefined });
    expect(postprocessor.names).toEqual(["sum", "a", "b"]);
    expect(postprocessor.labels).toBeUndefined();
  });

  it("are lists of their own in every row of every strip", () => {
    const rows = 2 * stripRows + 1;
    const raw = [
      Float32Array.from({ length: 2 * rows }, (_, place) => place),
      Float64Array.from({ length: rows }, (_, row) => -row),
    ];
    const { predictions } = postprocessor.run(raw, 1, rows - 1);
    expect(predictions).toEqual(Array.from({ length: rows - 1 }, (_, row) => [-row - 1, 2 * row + 2, 2 * row + 3]));
    expect(new Set(predictions).size).toBe(rows - 1);
  });
});

describe("two classes from one margin", () => {
  const postprocessor = createPostprocessor(parseGraph(binaryDocument()));

  it("answers a label and both probabilities, 1 - p in float32", () => {
    const { predictions, probabilities } = postprocessor.run([Float32Array.of(9, 0.3, -0.3)], 1, 2);
    expect(predictions).toEqual(["yes", "no"]);
    expect(postprocessor.labels).toEqual(["no", "yes"]);
    const [no, yes] = probabilities!;
    expect(yes).toBe(Math.fround(yes!));
    expect(no).toBe(Math.fround(1 - yes!));
    expect(no! + yes!).toBeCloseTo(1, 6);
  });

  it("takes the second label only above the threshold", () => {
    expect(postprocessor.run([Float32Array.of(0, 1e-6)], 0, 2).predictions).toEqual(["no", "yes"]);
  });

  it("gives no label to a margin that is NaN", () => {
    const { predictions, probabilities } = postprocessor.run([Float32Array.of(Number.NaN)], 0, 1);
    expect(predictions).toEqual([Number.NaN]);
    expect([...probabilities!]).toEqual([Number.NaN, Number.NaN]);
  });
});

it("sorts what crossed, -0 before 0 and NaN last, and leaves the model's columns as they are", () => {
  const postprocessor = createPostprocessor(
    parseGraph({
      format: "plumb-graph/1",
      inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 3] }],
      nodes: [{ id: "sorted", op: "sort_ascending", inputs: ["main.Y"], params: {} }],
      outputs: [{ name: "prediction", from: ["sorted", "main.Y"], params: { names: ["a", "b", "c", "d", "e", "f"] } }],
    }),
  );
  const { predictions } = postprocessor.run([Float32Array.of(3, 1, 2, Number.NaN, Infinity, -1, 0, 1, -0)], 0, 3);
  expect(predictions).toEqual([
    [1, 2, 3, 3, 1, 2],
    [-1, Infinity, Number.NaN, Number.NaN, Infinity, -1],
    [-0, 0, 1, 0, 1, -0],
  ]);
});

describe("weighted sums", () => {
  const sums = (coef: unknown[][], intercept: unknown[], dtype: "float32" | "float64") =>
    createPostprocessor(
      parseGraph({
        format: "plumb-graph/1",
        inputs: [{ name: "main.Y", dtype, shape: ["rows", coef[0]!.length] }],
        nodes: [{ id: "sum", op: "linear", inputs: ["main.Y"], params: { coef, intercept, dtype } }],
        outputs: [{ name: "prediction", from: ["sum"] }],
      }),
    );

  it.each([
    { by: "from the first product to the last", coef: [[1, 1, 1]], intercept: [0], row: [1e16, 1, -1e16], sum: 0 },
    { by: "and not from the last", coef: [[1, 1, 1]], intercept: [0], row: [1e16, -1e16, 1], sum: 1 },
    { by: "with the intercept at the end", coef: [[1, 1]], intercept: [1], row: [1e16, -1e16], sum: 1 },
    { by: "and not at the start", coef: [[1, 1]], intercept: [-1e16], row: [1, 1e16], sum: 0 },
    { by: "from the first product, not from zero", coef: [[1]], intercept: ["-0.0"], row: [-0], sum: -0 },
    {
      by: "each product rounded by itself",
      coef: [[1 + 2 ** -30, -1]],
      intercept: [0],
      row: [1 - 2 ** -30, 1],
      sum: 0,
    },
    { by: "a weight of zero included", coef: [[0, 1]], intercept: [0], row: [Infinity, 1], sum: Number.NaN },
  ])("add up $by", ({ coef, intercept, row, sum }) => {
    expect(sums(coef, intercept, "float64").run([Float64Array.from(row)], 0, 1).predictions).toEqual([sum]);
  });

  it("round weights, products and sums to float32 where that is their dtype", () => {
    const [a, b, c] = [0.1, 0.7, 0.3].map(Math.fround) as [number, number, number];
    const rounded = Math.fround(Math.fround(Math.fround(a * 3) + Math.fround(b * 5)) + c);
    const { predictions } = sums([[0.1, 0.7]], [0.3], "float32").run([Float32Array.of(3, 5)], 0, 1);
    expect(predictions).toEqual([rounded]);
    expect(rounded).not.toBe(0.1 * 3 + 0.7 * 5 + 0.3);
  });
});

describe("several classes", () => {
  const graph = parseGraph({
    format: "plumb-graph/1",
    inputs: [{ name: "main.Y", dtype: "float64", shape: ["rows", 3] }],
    nodes: [
      { id: "p", op: "softmax", inputs: ["main.Y"], params: { dtype: "float64" } },
      { id: "class", op: "label", inputs: ["p"], params: { labels: [10, 20, 30] } },
    ],
    outputs: [
      { name: "probabilities", from: ["p"], params: { labels: [10, 20, 30] } },
      { name: "prediction", from: ["class"] },
    ],
  });
  const postprocessor = createPostprocessor(graph);

  it("answers the first of the largest", () => {
    const { predictions, probabilities } = postprocessor.run([Float64Array.of(0, 1, 1, 5, -5, 2)], 0, 2);
    expect(predictions).toEqual([20, 10]);
    expect(probabilities).toHaveLength(6);
    expect(probabilities![0]! + probabilities![1]! + probabilities![2]!).toBeCloseTo(1, 15);
  });

  it("gives no label where one of the scores is NaN, wherever it stands", () => {
    const nan = Number.NaN;
    expect(postprocessor.run([Float64Array.of(nan, 1, 2, 1, nan, 2, 2, 1, nan, 1, 2, 3)], 0, 4).predictions).toEqual([
      nan,
      nan,
      nan,
      30,
    ]);
  });
});

it("takes the outputs of several models", () => {
  const graph = parseGraph({
    format: "plumb-graph/1",
    inputs: [
      { name: "scores.Y", dtype: "float32", shape: ["rows", 2] },
      { name: "total.Y", dtype: "float64", shape: ["rows", 1] },
    ],
    nodes: [{ id: "class", op: "label", inputs: ["scores.Y", "total.Y"], params: { labels: ["a", "b", "c"] } }],
    outputs: [{ name: "prediction", from: ["class"] }],
  });
  const postprocessor = createPostprocessor(graph);
  const raw = [Float32Array.of(1, 2, 5, 4), Float64Array.of(3, 0)];
  expect(postprocessor.run(raw, 0, 2)).toEqual({ predictions: ["c", "a"], probabilities: undefined });
  expect(postprocessor.labels).toEqual(["a", "b", "c"]);
});
