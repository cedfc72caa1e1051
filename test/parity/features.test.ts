/**
 * Goal: every operator before the model gives scikit-learn's float64 bits, and refuses the rows that scikit-learn
 * raises on.
 */
import { describe, expect, it } from "vitest";
import { createPreprocessor } from "../../preprocessing/index.js";
import { bits, featureCases } from "./cases.js";

describe.each(featureCases())("$name", ({ graph, rows, features, refused }) => {
  const preprocessor = createPreprocessor(graph);
  const { width } = preprocessor.outputs[0]!;
  const found = preprocessor.features(rows);
  const rowBits = (values: ArrayLike<number>, row: number): string[] =>
    Array.from({ length: width }, (_, cell) => bits(values[row * width + cell]!));

  it("refuses the rows that scikit-learn raises on, and no others", () => {
    expect([...new Set(found.refused.map(({ row }) => row))]).toEqual(refused);
  });

  it("gives scikit-learn's values, bit for bit", () => {
    expect(features.some((row) => row !== null)).toBe(true);
    for (const [row, expected] of features.entries()) {
      if (expected !== null)
        expect({ row, bits: rowBits(found.features[0]!, row) }).toEqual({ row, bits: expected.map(bits) });
    }
  });

  it("casts once, at the end", () => {
    const block = new Float32Array(rows.length * width);
    preprocessor.run(rows, [block]);
    for (const [row, expected] of features.entries()) {
      if (expected !== null)
        expect({ row, bits: rowBits(block, row) }).toEqual({ row, bits: expected.map(Math.fround).map(bits) });
    }
  });
});
