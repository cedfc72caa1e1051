/**
 * Bodies in the form of another server's interface: what their senders are told instead of a list of missing features.
 * Asked only for a row that is refused.
 */

import type { Feature } from "../../../bundle/index.js";

/** By the member that gives the form away: whose it is, and which addresses take it; none for some. */
const forms = new Map<string, readonly [servers: string, addresses: (model: string) => string]>([
  [
    "instances",
    ["TensorFlow Serving, KServe V1 and Vertex AI", (model) => `POST /v1/models/${model}:predict takes it`],
  ],
  [
    "inputs",
    [
      "the Open Inference Protocol, TensorFlow Serving and MLflow",
      (model) =>
        `POST /v2/models/${model}/infer takes the first, /v1/models/${model}:predict the second, /invocations the third`,
    ],
  ],
  ["dataframe_split", ["MLflow", () => "POST /invocations takes it"]],
  ["dataframe_records", ["MLflow", () => "POST /invocations takes it"]],
  ["input_data", ["Azure ML", () => "it isn't taken"]],
  ["data", ["Seldon and Azure ML", () => "it isn't taken"]],
]);

/** So many features are shown in the example of a row. */
const shownFeatures = 3;

/**
 * @param row - The one row that a body is.
 * @param features - Of the model: a row that has any of them is a row.
 * @param model - Its name.
 * @returns What to send instead; undefined for anything but a form that is known.
 */
export function foreignFormHint(row: unknown, features: readonly Feature[], model: string): string | undefined {
  if (row === null || typeof row !== "object") return undefined;
  const members = row as Readonly<Record<string, unknown>>;
  if (features.some(({ name }) => Object.hasOwn(members, name))) return undefined;
  for (const [member, [servers, addresses]] of forms) {
    const value = Object.hasOwn(members, member) ? members[member] : undefined;
    if (value === null || typeof value !== "object") continue;
    const one = exampleRow(features);
    return `the body has "${member}", the form of ${servers}: ${addresses(model)}; here send one row as ${one}, several as {"rows": [${one}, ...]}`;
  }
  return undefined;
}

function exampleRow(features: readonly Feature[]): string {
  const members = features.slice(0, shownFeatures).map(({ name }) => `${JSON.stringify(name.slice(0, 64))}: ...`);
  return `{${[...members, ...(features.length > shownFeatures ? ["..."] : [])].join(", ")}}`;
}
