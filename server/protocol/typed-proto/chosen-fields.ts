/** Predictions of a request that chooses what is answered: message by message, since that is rare. */

import { Buffer } from "node:buffer";
import type { Answer, Prediction } from "../../../preprocessing/index.js";
import { writePrediction } from "../json/answer-text.js";
import { type ChosenFields, mostProbable } from "../json/fields.js";
import { WireWriter } from "../protobuf/wire.js";
import type { TypedFrame } from "./frame.js";

type Frame = Pick<TypedFrame, "valueType" | "labels">;

/** A Prediction. @param place - Of the row among those that ran. */
export function chosenPrediction(frame: Frame, fields: ChosenFields, answer: Answer, place: number): WireWriter {
  const { valueType, labels } = frame;
  const message = new WireWriter();
  if (fields.prediction) writeValue(message, valueType, answer.predictions[place]!);
  for (const k of columnsOf(frame, fields))
    message.message(2, new WireWriter().item(1, String(labels[k])).double(2, probabilityOf(frame, answer, place, k)));
  for (const k of topOf(frame, fields, answer, place)) {
    const item = new WireWriter();
    writeValue(item, valueType, labels[k]!);
    message.message(3, item.double(2, probabilityOf(frame, answer, place, k)));
  }
  return message;
}

function writeValue(to: WireWriter, type: TypedFrame["valueType"], value: Prediction): void {
  if (type === "double") to.double(1, value as number);
  else if (type === "bool") to.explicit(1, value ? 1 : 0);
  else if (type === "string") to.item(1, String(value));
  else to.bytes(1, Buffer.from(Float64Array.from(value as readonly number[]).buffer));
}

/** The same as JSON. */
export function chosenPredictionJson(frame: Frame, fields: ChosenFields, answer: Answer, place: number): string {
  const { labels, valueType } = frame;
  const shown = (value: Prediction) => writePrediction(valueType === "string" ? String(value) : value);
  const probability = (k: number) => writePrediction(probabilityOf(frame, answer, place, k));
  const members = fields.prediction ? [`"value":${shown(answer.predictions[place]!)}`] : [];
  if (fields.classes !== undefined) {
    const entries = columnsOf(frame, fields).map((k) => `${JSON.stringify(String(labels[k]))}:${probability(k)}`);
    members.push(`"probabilities":{${entries.join(",")}}`);
  }
  if (fields.top > 0) {
    const items = topOf(frame, fields, answer, place).map(
      (k) => `{"label":${shown(labels[k]!)},"probability":${probability(k)}}`,
    );
    members.push(`"top":[${items.join(",")}]`);
  }
  return `{${members.join(",")}}`;
}

function columnsOf({ labels }: Frame, { classes = [] }: ChosenFields): readonly number[] {
  return classes === "all" ? [...labels.keys()] : classes;
}

function topOf({ labels }: Frame, { top }: ChosenFields, { probabilities }: Answer, place: number): readonly number[] {
  return top === 0 ? [] : mostProbable(probabilities!, labels.length, place, top);
}

/** Those of a fallback too: a bundle declares them wherever the model has them. */
function probabilityOf({ labels }: Frame, { probabilities }: Answer, place: number, k: number): number {
  return probabilities![place * labels.length + k]!;
}
