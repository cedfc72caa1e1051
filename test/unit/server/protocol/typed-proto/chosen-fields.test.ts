/** Goal: each kind of label and answer that a request chooses is written so that another maker's reader has its value. */

import { expect, test } from "vitest";
import type { ChosenFields } from "../../../../../server/protocol/json/fields.js";
import type { ProtocolContract } from "../../../../../server/protocol/protocol.js";
import { chosenPrediction, chosenPredictionJson } from "../../../../../server/protocol/typed-proto/chosen-fields.js";
import { createFrame } from "../../../../../server/protocol/typed-proto/frame.js";
import { protoText } from "../../../../../server/protocol/typed-proto/proto-text.js";
import { compileProtos, type Loose, TypedMessages } from "../../../../support/typed-proto.js";

const labelsOf = {
  texts: ["no", "yes"],
  numbers: [0, 7],
  truths: [false, true],
} as const;

const contracts = Object.entries({ ...labelsOf, several: undefined }).map(
  ([name, labels]) =>
    ({
      name,
      number: 1,
      rowSchema: { features: [{ name: "x", type: "number" }], document: { properties: { x: {} } } },
      postprocessor: { labels, hasProbabilities: labels !== undefined, names: labels ? undefined : ["a", "b"] },
    }) as unknown as ProtocolContract,
);
const registry = compileProtos(contracts.map(protoText));
const all: ChosenFields = { prediction: true, classes: [1], top: 2 };

test.each(Object.entries(labelsOf))("labels that are %s", (name, labels) => {
  const frame = createFrame(contracts.find((contract) => contract.name === name)!);
  const answer = { predictions: [...labels], probabilities: Float64Array.of(0.25, 0.75, 1, 0) };
  const read = [0, 1].map((place) => {
    const bytes = chosenPrediction(frame, all, answer, place).finish();
    return new TypedMessages(registry, name).read("Prediction", bytes) as Loose;
  });
  const top = read.map((one) => one.top.map(({ label, probability }: Loose) => [label, probability]));
  expect(read.map(({ value }) => value)).toEqual(labels);
  expect(read.map(({ probabilities }) => probabilities)).toEqual([
    { [String(labels[1])]: 0.75 },
    { [String(labels[1])]: 0 },
  ]);
  expect(top[0]).toEqual([
    [labels[1], 0.75],
    [labels[0], 0.25],
  ]);
  expect(top[1]).toEqual([
    [labels[0], 1],
    [labels[1], 0],
  ]);
  expect(JSON.parse(chosenPredictionJson(frame, all, answer, 0))).toEqual({
    value: labels[0],
    probabilities: { [String(labels[1])]: 0.75 },
    top: [
      { label: labels[1], probability: 0.75 },
      { label: labels[0], probability: 0.25 },
    ],
  });
});

test("several outputs, with the sign of zero", () => {
  const frame = createFrame(contracts.at(-1)!);
  const answer = { predictions: [[-0, 1.5]], probabilities: undefined };
  const fields = { prediction: true, classes: undefined, top: 0 };
  const { value } = new TypedMessages(registry, "several").read(
    "Prediction",
    chosenPrediction(frame, fields, answer, 0).finish(),
  ) as Loose;
  expect(value).toEqual([-0, 1.5]);
  expect(chosenPredictionJson(frame, fields, answer, 0)).toBe('{"value":[-0,1.5]}');
  expect(chosenPrediction(frame, { ...fields, prediction: false }, answer, 0).length).toBe(0);
});
