/**
 * Has a prediction that stands in a file the form of those that the graph gives: a number, so many numbers, or one of
 * its labels?
 */
import type { Postprocessor, Prediction } from "../preprocessing/index.js";
import { postprocessingFile } from "./plan-graph.js";
import { describeValue, listWords, quote } from "./problem.js";

export function isPredicted(prediction: Prediction, { names, labels }: Postprocessor): boolean {
  if (typeof prediction === "object") return prediction.length === names?.length;
  if (labels !== undefined) return labels.includes(prediction);
  return names === undefined && typeof prediction === "number";
}

/** The form that is expected, as messages name it. */
export function predictedWords({ names, labels }: Postprocessor): string {
  if (names !== undefined) {
    const listed = listWords(names.map(quote), { last: "and" });
    return `a list of ${names.length} numbers, which ${postprocessingFile} names ${listed}`;
  }
  if (labels === undefined) return `a number, which ${postprocessingFile} predicts`;
  return `a label of ${postprocessingFile}, ${listWords(labels.map((label) => (typeof label === "string" ? quote(label) : String(label))))}`;
}

/** What is there, as messages name it. */
export function describePrediction(prediction: Prediction): string {
  return typeof prediction === "object" ? `a list of ${prediction.length}` : describeValue(prediction);
}
