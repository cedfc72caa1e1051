/** Goal: what a row becomes depends on the row alone: not on its neighbours, its place, or how many go together. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createPostprocessor, createPreprocessor, parseGraph, type Row } from "../../preprocessing/index.js";

const names = ["price", "weight", "day", "open", "city"];

/** Every operator, over every type, so that unknown and missing values and infinities meet each kind of step. */
const preprocessor = createPreprocessor(
  parseGraph({
    format: "plumb-graph/1",
    inputs: ["number", "number", "integer", "boolean", "string"].map((type, index) => ({ name: names[index], type })),
    nodes: [
      {
        id: "filled",
        op: "simple_imputer",
        inputs: ["price", "weight"],
        params: { statistics: [1.5, "-0.0"], indicator_features: [0, 1] },
      },
      {
        id: "scaled",
        op: "standard_scaler",
        inputs: ["filled"],
        params: { mean: [1, 2, 0, 0.5], scale: [0.3, 7, 1, 2] },
      },
      {
        id: "ranged",
        op: "min_max_scaler",
        inputs: ["weight"],
        params: { scale: [0.1], min: [0.2], clip: true, feature_range: [0, 1] },
      },
      {
        id: "hot",
        op: "one_hot_encoder",
        inputs: ["day", "open"],
        params: {
          categories: [
            [0, 1, 2, null],
            [false, true],
          ],
          handle_unknown: "ignore",
          drop_idx: [null, 0],
        },
      },
      { id: "city_filled", op: "simple_imputer", inputs: ["city"], params: { statistics: ["Oslo"] } },
      {
        id: "coded",
        op: "ordinal_encoder",
        inputs: ["city_filled"],
        params: { categories: [["Lima", "Oslo", ""]], handle_unknown: "error" },
      },
      { id: "some", op: "select_columns", inputs: ["hot", "scaled"], params: { columns: [1, 5, 0] } },
      { id: "kept", op: "passthrough", inputs: ["price"], params: {} },
    ],
    outputs: [
      { name: "A", dtype: "float32", shape: ["rows", 11], from: ["scaled", "ranged", "hot", "coded"] },
      { name: "B", dtype: "float64", shape: ["rows", 2, 2], from: ["some", "kept"] },
    ],
  }),
);

const number = fc.oneof(fc.double(), fc.constantFrom(null, undefined, 0, -0, Number.POSITIVE_INFINITY));
const row: fc.Arbitrary<Row> = fc.record({
  price: number,
  weight: number,
  day: fc.oneof(fc.integer({ min: -1, max: 4 }), fc.constant(null)),
  open: fc.option(fc.boolean()),
  city: fc.oneof(fc.constantFrom("Lima", "Oslo", "", null), fc.string()),
});

interface Outcome {
  blocks: number[][];
  refused: { feature: string; expected: string; got: string }[];
}

/** What becomes of each row when these go together. The blocks of a refused row mean nothing, so they are left out. */
function outcomes(rows: readonly Row[]): Outcome[] {
  const blocks = [new Float32Array(rows.length * 11), new Float64Array(rows.length * 4)];
  const refused = preprocessor.run(rows, blocks);
  return rows.map((_, index) => {
    const own = refused
      .filter(({ row }) => row === index)
      .map(({ feature, expected, got }) => ({ feature, expected, got }));
    const values = blocks.map((block, output) => {
      const { width } = preprocessor.outputs[output]!;
      return [...block.subarray(index * width, (index + 1) * width)];
    });
    return { refused: own, blocks: own.length > 0 ? [] : values };
  });
}

const alone = (rows: readonly Row[]): Outcome[] => rows.flatMap((each) => outcomes([each]));

it("gives a batch of any length what it gives its rows one by one", () => {
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 400, size: "large" }),
      (rows) => void expect(outcomes(rows)).toEqual(alone(rows)),
    ),
    { numRuns: 60 },
  );
});

it("gives a row the same in every order", () => {
  const shuffled = fc
    .array(row, { minLength: 2, maxLength: 30 })
    .chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows.keys()], { minLength: rows.length })));
  fc.assert(
    fc.property(shuffled, ([rows, order]) => {
      const straight = outcomes(rows);
      expect(outcomes(order.map((index) => rows[index]!))).toEqual(order.map((index) => straight[index]));
    }),
  );
});

it("casts each feature once", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const { features, refused } = preprocessor.features(rows);
      const [cast, exact] = [new Float32Array(rows.length * 11), new Float64Array(rows.length * 4)];
      expect(preprocessor.run(rows, [cast, exact])).toEqual(refused);
      expect(cast).toEqual(Float32Array.from(features[0]!));
      expect(exact).toEqual(features[1]);
    }),
  );
});

it("answers each row by its own margins", () => {
  const postprocessor = createPostprocessor(
    parseGraph({
      format: "plumb-graph/1",
      inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 3] }],
      nodes: [
        { id: "p", op: "softmax", inputs: ["main.Y"], params: { dtype: "float32" } },
        { id: "class", op: "label", inputs: ["p"], params: { labels: ["a", "b", "c"] } },
      ],
      outputs: [
        { name: "prediction", from: ["class"] },
        { name: "probabilities", from: ["p"], params: { labels: ["a", "b", "c"] } },
      ],
    }),
  );
  const margins = fc.array(fc.tuple(fc.float(), fc.float(), fc.float()), {
    minLength: 1,
    maxLength: 300,
    size: "large",
  });
  fc.assert(
    fc.property(margins, fc.nat(), (rows, cut) => {
      const raw = [Float32Array.from(rows.flat())];
      const whole = postprocessor.run(raw, 0, rows.length);
      const firstCount = cut % (rows.length + 1);
      const parts = [
        postprocessor.run(raw, 0, firstCount),
        postprocessor.run(raw, firstCount, rows.length - firstCount),
      ];
      expect(parts.flatMap(({ predictions }) => predictions)).toEqual(whole.predictions);
      expect(parts.flatMap(({ probabilities }) => [...probabilities!])).toEqual([...whole.probabilities!]);
    }),
    { numRuns: 60 },
  );
});
