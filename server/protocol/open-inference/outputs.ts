/** An answer as tensors of the Open Inference Protocol: the prediction, and of a classification its probabilities. */

import type { Answer, Postprocessor, Scalar } from "../../../preprocessing/index.js";

/** A tensor of an answer; its shape is [rows, ...dims]. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: "FP32" | "FP64" | "INT64" | "BOOL" | "BYTES";
  readonly dims: readonly number[];
  /** Values of a row. */
  readonly width: number;
  /** What the values of a row stand for, in order; undefined where there is but one. */
  readonly labels: readonly string[] | undefined;
  /** Of a block view: where its values begin among those of a row's prediction. */
  readonly firstValue?: number;
}

/** The prediction comes first. */
export function planOutputs(
  answers: Pick<Postprocessor, "names" | "labels" | "hasProbabilities">,
): readonly OutputTensor[] {
  const { names, labels, hasProbabilities } = answers;
  const width = names?.length ?? 1;
  const prediction: OutputTensor = {
    name: "prediction",
    datatype: labels === undefined ? "FP64" : datatypeOfLabels(labels),
    dims: [width],
    width,
    labels: names,
  };
  if (!hasProbabilities) return [prediction];
  const classes = labels!.map(String);
  const { length } = classes;
  return [prediction, { name: "probabilities", datatype: "FP64", dims: [length], width: length, labels: classes }];
}

function datatypeOfLabels(labels: readonly Scalar[]): OutputTensor["datatype"] {
  if (labels.every((label) => typeof label === "boolean")) return "BOOL";
  if (labels.every((label) => Number.isSafeInteger(label))) return "INT64";
  return labels.every((label) => typeof label === "number") ? "FP64" : "BYTES";
}

/** Of one output, row-major. */
export type OutputValues = Float64Array | readonly Scalar[];

/** Of rows `first` to `end - 1`. */
export function outputValues(
  { name, datatype, width, firstValue }: OutputTensor,
  { predictions, probabilities }: Answer,
  first: number,
  end: number,
): OutputValues {
  if (firstValue !== undefined && typeof predictions[0] === "object")
    return predictions
      .slice(first, end)
      .flatMap((values) => (values as readonly number[]).slice(firstValue, firstValue + width));
  if (firstValue === undefined && name === "probabilities") return probabilities!.subarray(first * width, end * width);
  const rows = end - first === predictions.length ? predictions : predictions.slice(first, end);
  const values = typeof rows[0] === "object" ? (rows.flat() as number[]) : (rows as Scalar[]);
  return datatype === "BYTES" ? values.map(String) : values;
}

/**
 * The values of each row, largest first, as `value:index:label`; of equal ones the earlier first.
 *
 * @param count - Of a row; at most as many as there are.
 * @see triton-inference-server, docs/protocol/extension_classification.md
 */
export function classify(values: OutputValues, { width, labels }: OutputTensor, count: number): string[] {
  const texts: string[] = [];
  for (let first = 0; first < values.length; first += width) {
    const row = values.slice(first, first + width) as readonly number[] | Float64Array;
    const order = Array.from(row, (_, index) => index).sort((a, b) => row[b]! - row[a]! || a - b);
    for (const index of order.slice(0, count)) {
      texts.push(`${row[index]}:${index}${labels === undefined ? "" : `:${labels[index]}`}`);
    }
  }
  return texts;
}
