/** Rows for a mirror, and its answers, in the JSON of `/predict` or of the Open Inference Protocol. */

import type { Buffer } from "node:buffer";
import type { Feature } from "../../../bundle/index.js";
import { type Answer, Columns, type Prediction, type Scalar } from "../../../preprocessing/index.js";
import type { CallRecord } from "../../path/call.js";
import type { ServingVersion } from "../../path/serving-version.js";
import type { Mirror } from "../../routing/route-table.js";

type Rows = CallRecord["goodRows"];

/** What a mirror is sent: the features that the route names, or all that aren't personal data. Nothing else of a row. */
export function sentFeatures({ features }: Mirror, version: ServingVersion): readonly Feature[] {
  return version.rowSchema.features.filter(({ name, pii }) =>
    features === undefined ? !pii : features.includes(name),
  );
}

export function writeRows(protocol: Mirror["protocol"], features: readonly Feature[], rows: Rows): string {
  return protocol === "predict" ? writePredict(features, rows) : writeInfer(features, rows);
}

/** A value as JSON has it; undefined where it is missing. */
function readValue(rows: Rows, row: number, { name, type }: Feature): unknown {
  if (!(rows instanceof Columns)) return rows[row]![name] ?? undefined;
  const value = rows.values.get(name)?.[row] ?? undefined;
  if (typeof value !== "number") return value;
  if (Number.isNaN(value)) return undefined;
  return type === "boolean" ? value === 1 : value;
}

function writePredict(features: readonly Feature[], rows: Rows): string {
  const all = Array.from({ length: rows.length }, (_, row) =>
    Object.fromEntries(features.map((feature) => [feature.name, readValue(rows, row, feature)])),
  );
  return JSON.stringify({ rows: all });
}

const datatypes = { number: "FP64", integer: "INT64", boolean: "BOOL", string: "BYTES" } as const;
/** In place of a missing value, which a tensor beside it marks. */
const stead = { number: null, integer: 0, boolean: false, string: "" } as const;

function writeInfer(features: readonly Feature[], rows: Rows): string {
  const inputs = features.flatMap((feature) => {
    const type = feature.type === "array" ? feature.itemType! : feature.type;
    const values = Array.from({ length: rows.length }, (_, row) => readValue(rows, row, feature));
    const missing = values.map((value) => value === undefined);
    if (missing.every(Boolean)) return [];
    const width = (values.find((value) => Array.isArray(value)) as unknown[] | undefined)?.length;
    const shape = width === undefined ? [rows.length] : [rows.length, width];
    const filler = width === undefined ? stead[type] : new Array(width).fill(stead[type]);
    const data = values.map((value) => value ?? filler);
    const input = { name: feature.name, datatype: datatypes[type], shape, data };
    if (!missing.includes(true) || (type === "number" && width === undefined)) return [input];
    return [input, { name: `${feature.name}:missing`, datatype: "BOOL", shape: [rows.length], data: missing }];
  });
  return JSON.stringify({ inputs });
}

/** What the answer has to look like. */
export interface AnswerForm {
  readonly rowCount: number;
  readonly labels: readonly Scalar[] | undefined;
  /** How many numbers a prediction has; undefined for one value. */
  readonly outputs: number | undefined;
  readonly hasProbabilities: boolean;
}

/** @returns Undefined for what is no answer of that form. */
export function readAnswer(protocol: Mirror["protocol"], body: Buffer, form: AnswerForm): Answer | undefined {
  try {
    const json: unknown = JSON.parse(body.toString());
    return protocol === "predict" ? readPredict(json as PredictReply, form) : readInfer(json as InferReply, form);
  } catch {
    return undefined;
  }
}

interface PredictReply {
  readonly predictions: unknown;
  readonly probabilities?: readonly Readonly<Record<string, unknown>>[];
}

function readPredict({ predictions, probabilities }: PredictReply, form: AnswerForm): Answer | undefined {
  const { labels = [], hasProbabilities } = form;
  if (!Array.isArray(predictions)) return undefined;
  // Without probabilities, labels are compared.
  const flat =
    hasProbabilities && probabilities ? probabilities.flatMap((row) => labels.map((l) => row[String(l)])) : [];
  return checked(predictions, flat, form);
}

interface InferReply {
  readonly outputs: readonly { readonly name: string; readonly data: readonly unknown[] }[];
}

function readInfer({ outputs }: InferReply, form: AnswerForm): Answer | undefined {
  const { labels = [], outputs: width, rowCount, hasProbabilities } = form;
  const dataOf = (name: string) => outputs.find((output) => output.name === name)?.data.flat(2);
  const data = dataOf("prediction") ?? [];
  const rows = Array.from({ length: rowCount }, (_, row) =>
    width === undefined ? data[row] : data.slice(row * width, (row + 1) * width),
  );
  // Labels travel as text where they aren't all of one number's or truth value's kind.
  const byText = new Map(labels.map((label) => [String(label), label]));
  const predictions = labels.length === 0 ? rows : rows.map((label) => byText.get(String(label)));
  const isWhole = data.length === rowCount * (width ?? 1);
  return isWhole
    ? checked(predictions, (hasProbabilities ? dataOf("probabilities") : undefined) ?? [], form)
    : undefined;
}

function checked(predictions: readonly unknown[], probabilities: readonly unknown[], form: AnswerForm) {
  const { rowCount, labels, outputs } = form;
  const isNumber = (value: unknown) => typeof value === "number";
  const isPrediction = (value: unknown) => {
    if (labels !== undefined) return labels.includes(value as Scalar);
    return outputs === undefined
      ? isNumber(value)
      : Array.isArray(value) && value.length === outputs && value.every(isNumber);
  };
  if (predictions.length !== rowCount || !predictions.every(isPrediction)) return undefined;
  const wanted = probabilities.length === 0 ? 0 : rowCount * labels!.length;
  if (probabilities.length !== wanted || !probabilities.every(isNumber)) return undefined;
  return {
    predictions: predictions as Prediction[],
    probabilities: wanted === 0 ? undefined : Float64Array.from(probabilities as number[]),
  };
}
