/** Is an answer made of finite numbers? No other is ever sent: JSON has no form for NaN, and nobody can act on it. */

import type { Answer, Prediction } from "../../preprocessing/index.js";

export function isFiniteAnswer({ predictions, probabilities }: Answer): boolean {
  let finite = true;
  for (let i = 0; i < predictions.length; i++) if (!isFinitePrediction(predictions[i]!)) finite = false;
  if (probabilities)
    for (let i = 0; i < probabilities.length; i++) if (!Number.isFinite(probabilities[i])) finite = false;
  return finite;
}

/** A list is, if each of its numbers is. A label always is. */
export function isFinitePrediction(prediction: Prediction): boolean {
  if (typeof prediction === "number") return Number.isFinite(prediction);
  return typeof prediction !== "object" || prediction.every(Number.isFinite);
}
