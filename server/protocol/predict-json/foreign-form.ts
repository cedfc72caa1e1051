/**
 * Bodies in the form of another server's interface: what their senders are told instead of a list of missing features.
 * Asked only for a row that is refused.
 */

import type { Feature } from "../../../bundle/index.js";

/** By the member that gives the form away. */
const forms: ReadonlyMap<string, string> = new Map([
  ["instances", "TensorFlow Serving, KServe V1 and Vertex AI"],
  ["inputs", "the Open Inference Protocol, TensorFlow Serving and MLflow"],
  ["dataframe_split", "MLflow"],
  ["dataframe_records", "MLflow"],
  ["input_data", "Azure ML"],
  ["data", "Seldon and Azure ML"],
]);

/** So many features are shown in the example of a row. */
const shownFeatures = 3;

/**
 * @param row - The one row that a body is.
 * @param features - Of the model: a row that has any of them is a row.
 * @returns What to send instead; undefined for anything but a form that is known.
 */
export function foreignFormHint(row: unknown, features: readonly Feature[]): string | undefined {
  if (row === null || typeof row !== "object") return undefined;
  const members = row as Readonly<Record<string, unknown>>;
  if (features.some(({ name }) => Object.hasOwn(members, name))) return undefined;
  for (const [member, servers] of forms) {
    const value = Object.hasOwn(members, member) ? members[member] : undefined;
    if (value === null || typeof value !== "object") continue;
    const one = exampleRow(features);
    return `the body has "${member}", the form of ${servers}, which isn't taken here: send one row as ${one}, several as {"rows": [${one}, ...]}`;
  }
  return undefined;
}

function exampleRow(features: readonly Feature[]): string {
  const members = features.slice(0, shownFeatures).map(({ name }) => `${JSON.stringify(name.slice(0, 64))}: ...`);
  return `{${[...members, ...(features.length > shownFeatures ? ["..."] : [])].join(", ")}}`;
}
