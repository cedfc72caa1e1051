/** Goal: an answer's tensors have the type of what is predicted, and hold it as it is. */

import { describe, expect, it } from "vitest";
import { classify, outputValues, planOutputs } from "../../../../../server/protocol/open-inference/outputs.js";

const plan = (answers: Partial<Parameters<typeof planOutputs>[0]>) =>
  planOutputs({ names: undefined, labels: undefined, hasProbabilities: false, ...answers });
const types = (answers: Parameters<typeof plan>[0]) =>
  plan(answers).map(({ name, datatype, width }) => `${name} ${datatype} ${width}`);

it.each([
  [{}, ["prediction FP64 1"]],
  [{ names: ["a", "b"] }, ["prediction FP64 2"]],
  [{ labels: ["no", "yes"], hasProbabilities: true }, ["prediction BYTES 1", "probabilities FP64 2"]],
  [{ labels: [0, 1, 2], hasProbabilities: true }, ["prediction INT64 1", "probabilities FP64 3"]],
  [{ labels: [false, true] }, ["prediction BOOL 1"]],
  [{ labels: [0.5, 1] }, ["prediction FP64 1"]],
  [{ labels: [0, "other"] }, ["prediction BYTES 1"]],
])("of %j are %j", (answers, expected) => expect(types(answers)).toEqual(expected));

it("values are row-major, of the rows that are asked for", () => {
  const [lists] = plan({ names: ["a", "b"] });
  const answer = {
    predictions: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    probabilities: undefined,
  };
  expect(outputValues(lists!, answer, 0, 3)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(outputValues(lists!, answer, 1, 2)).toEqual([3, 4]);
  const [label, probabilities] = plan({ labels: [0, "x"], hasProbabilities: true });
  const classified = { predictions: [0, "x", 0], probabilities: Float64Array.of(0.9, 0.1, 0.2, 0.8, 1, 0) };
  expect(outputValues(label!, classified, 0, 3)).toEqual(["0", "x", "0"]);
  expect(outputValues(probabilities!, classified, 1, 3)).toEqual(Float64Array.of(0.2, 0.8, 1, 0));
});

describe("classes", () => {
  const [, probabilities] = plan({ labels: ["a", "b", "c"], hasProbabilities: true });

  it("are the largest values of each row, with their places and labels", () => {
    expect(classify(Float64Array.of(0.2, 0.5, 0.3, 1, 0, 0), probabilities!, 2)).toEqual([
      "0.5:1:b",
      "0.3:2:c",
      "1:0:a",
      "0:1:b",
    ]);
  });

  it("of numbers without labels have none", () => {
    expect(classify([2.5, 7], plan({})[0]!, 1)).toEqual(["2.5:0", "7:0"]);
  });
});
