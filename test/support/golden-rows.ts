/** Golden rows of a bundle as callers send them, and their answers, whichever protocol they come in. */

import type { Bundle } from "../../bundle/index.js";
import type { ReceivedTensor } from "./grpc-client.js";
import { post } from "./http-client.js";

export type Row = Readonly<Record<string, unknown>>;

export interface SentRow {
  readonly rowJson: string;
  readonly row: Row;
}

/** Those that are answered. */
export const goldenRows = ({ golden }: Bundle): readonly SentRow[] =>
  golden.flatMap(({ rowJson, error }) => (error === undefined ? [{ rowJson, row: JSON.parse(rowJson) as Row }] : []));

/** Predictions, and probabilities by row, in the order of the labels. */
export interface Answers {
  readonly predictions: readonly unknown[];
  readonly probabilities?: readonly (readonly number[])[];
}

/** Not to be refused on a machine that is busy with other things. */
export const patientMs = 60_000;
export const patiently = { "x-timeout-ms": String(patientMs) };

/** The answers of `/predict`. */
export async function predictRows(httpPort: number, name: string, rows: readonly SentRow[]): Promise<Answers> {
  const body = `{"rows":[${rows.map(({ rowJson }) => rowJson).join(",")}]}`;
  const { status, json, text } = await post(httpPort, `/models/${name}/predict`, body, { headers: patiently });
  if (status !== 200) throw new Error(`${status} ${text}`);
  const { predictions, probabilities } = json;
  return { predictions, ...(probabilities && { probabilities: probabilities.map(Object.values) }) };
}

/** Of the Open Inference Protocol's outputs. */
export function answersOf([prediction, probabilities]: readonly ReceivedTensor[]): Answers {
  if (prediction?.name !== "prediction") throw new Error(`the first output is ${prediction?.name}`);
  if (probabilities === undefined) return { predictions: prediction.data };
  const [rows, width] = probabilities.shape as [number, number];
  const data = probabilities.data as number[];
  const byRow = Array.from({ length: rows }, (_, row) => data.slice(row * width, (row + 1) * width));
  return { predictions: prediction.data, probabilities: byRow };
}
