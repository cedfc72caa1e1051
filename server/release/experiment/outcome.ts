/** How good a prediction was, by what came of it: one number a KPI, lower is better. Pure. */

import type { Answer, Prediction } from "../../../preprocessing/index.js";

/** What a caller says came of a row. */
export type Outcome = string | number | boolean;

/** A row as it was answered, until its outcome comes. */
export interface AnsweredRow {
  readonly prediction: Prediction;
  /** Of each label; undefined where there are none. */
  readonly probabilities: Float64Array | undefined;
  readonly labels: readonly Prediction[] | undefined;
}

/** Least probability that log loss takes: a model that is wrong for certain isn't endlessly wrong. */
const probabilityMin = 1e-15;

/** @returns KPIs and their values in turn; why there are none, in a sentence. */
export function judgeOutcome({ prediction, probabilities, labels }: AnsweredRow, outcome: Outcome) {
  if (labels === undefined) {
    if (typeof prediction !== "number") return "outcome: the model has several outputs; send a value instead";
    if (typeof outcome !== "number") return `outcome: expected a number, got ${JSON.stringify(outcome).slice(0, 60)}`;
    const error = prediction - outcome;
    return [["squared_error", error * error] as const, ["absolute_error", Math.abs(error)] as const];
  }
  // A label is the same in every form of JSON: 1 and "1".
  const index = labels.findIndex((label) => String(label) === String(outcome));
  if (index < 0) return `outcome: expected one of the model's labels, got ${JSON.stringify(outcome).slice(0, 60)}`;
  const miss = ["miss", String(prediction) === String(outcome) ? 0 : 1] as const;
  if (probabilities === undefined) return [miss];
  const logLoss = -Math.log(Math.max(probabilityMin, probabilities[index]!));
  let squares = 0;
  for (const [label, probability] of probabilities.entries()) squares += (probability - Number(label === index)) ** 2;
  // Of two labels both have the same error: as everybody has it, it counts once.
  return [miss, ["log_loss", logLoss] as const, ["brier", labels.length === 2 ? squares / 2 : squares] as const];
}

/**
 * The number that stands for a row: the prediction, the first of several; of two labels the second one's probability, of
 * more the highest. Undefined for labels without probabilities.
 */
export function decidingNumber({ predictions, probabilities }: Readonly<Answer>, row: number): number | undefined {
  if (probabilities !== undefined) {
    const width = probabilities.length / predictions.length;
    if (width === 2) return probabilities[2 * row + 1]!;
    let highest = probabilities[row * width]!;
    for (let i = 1; i < width; i++) highest = Math.max(highest, probabilities[row * width + i]!);
    return highest;
  }
  const prediction = predictions[row]!;
  if (typeof prediction === "number") return prediction;
  return typeof prediction === "object" && prediction !== null ? prediction[0] : undefined;
}
