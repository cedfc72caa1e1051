/**
 * Goal: link functions give XGBoost's float32 bits, and NumPy's float64 values within the ulps that NumPy itself varies
 * by; weighted sums give the bits of their order.
 */
import { describe, expect, it } from "vitest";
import { createPostprocessor, type Prediction } from "../../preprocessing/index.js";
import { bits, linkCases } from "./cases.js";

/**
 * NumPy's exp is within 1 ulp of the true value and so is ours; a sum and a quotient add two more. 1 - p cancels, so it
 * is bounded by p's ulp.
 */
const ulpMax = 4;

describe.each(linkCases())("$name", ({ name, graph, raw, probabilities, predictions }) => {
  const postprocessor = createPostprocessor(graph);
  const { width } = postprocessor.inputs[0]!;
  const answer = postprocessor.run([raw], 0, raw.length / width);

  it("gives the library's predictions", () => {
    expect(answer.predictions.map(exactly)).toEqual(predictions.map(exactly));
  });

  it("gives the library's probabilities, or none", () => {
    if (probabilities === undefined) return expect(answer.probabilities).toBeUndefined();
    const found = answer.probabilities!;
    expect(found.length).toBe(probabilities.length);
    for (const [index, expected] of probabilities.entries()) {
      const cell = { index, margin: raw[Math.floor((index * raw.length) / probabilities.length)] };
      if (name.startsWith("link-xgboost"))
        expect({ ...cell, bits: bits(found[index]!) }).toEqual({ ...cell, bits: bits(expected) });
      else
        expect(Math.abs(found[index]! - expected), JSON.stringify(cell)).toBeLessThanOrEqual(
          tolerance(expected, width),
        );
    }
  });
});

/** Numbers to the last bit, the sign of a zero included. */
function exactly(prediction: Prediction): unknown {
  if (typeof prediction === "object") return prediction.map(bits);
  return typeof prediction === "number" ? bits(prediction) : prediction;
}

function tolerance(expected: number, width: number): number {
  const size = width === 1 ? Math.max(expected, 1 - expected) : expected;
  return ulpMax * 2 ** -53 * size + Number.MIN_VALUE;
}
