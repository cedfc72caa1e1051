/**
 * Bundles of few and many features, made for the benchmark: 60 % numbers, 20 % whole numbers, 20 % texts, one value in
 * twenty missing; imputed, scaled and encoded for a hundred random trees.
 */

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../loadtest/random.js";
import { createPreprocessor, parseGraph } from "../../preprocessing/index.js";
import { growTrees } from "./trees.js";

const goldenRows = 300;
const categories = Array.from({ length: 8 }, (_, index) => `category ${index}`);
type Kind = "number" | "integer" | "string";
const kinds: readonly Kind[] = ["number", "number", "number", "integer", "string"];

export type WideRow = Record<string, number | string | null>;

export interface WideModel {
  /** Of the model and of its folder. */
  readonly name: string;
  readonly row: () => WideRow;
}

/** Writes `<store>/<name>/1`. */
export function writeWideBundle(store: string, featureCount: number, random: Random): WideModel {
  const name = `wide-${featureCount}`;
  const features = Array.from({ length: featureCount }, (_, index) => ({
    name: `feature_${index}`,
    type: kinds[index % kinds.length]!,
  }));
  const row = () => Object.fromEntries(features.map((feature) => [feature.name, drawValue(feature.type, random)]));
  const preprocessing = graphOf(features);
  const trees = growTrees(featureCount, random);
  const rows = Array.from({ length: goldenRows }, row);
  const preprocessor = createPreprocessor(parseGraph(preprocessing));
  const block = new Float32Array(featureCount);
  const predictions: number[] = [];
  const golden = rows.map((each) => {
    const { features } = preprocessor.features([each]);
    preprocessor.run([each], [block]);
    const prediction = trees.answer(block);
    predictions.push(prediction);
    const X = Array.from(features[0]!, (value) => (Number.isNaN(value) ? "NaN" : value));
    return JSON.stringify({ kind: "sample", row: each, features: { X }, raw: { "main.Y": [prediction] }, prediction });
  });
  const types = features.map(({ name, type }) => [
    name,
    { type: [type, "null"], ...(type === "string" && { "x-known-categories": categories }) },
  ]);
  const files: Record<string, string | Uint8Array> = {
    "schema.json": JSON.stringify({
      type: "object",
      properties: Object.fromEntries(types),
      required: features.map((feature) => feature.name),
      additionalProperties: false,
    }),
    "preprocessing.json": JSON.stringify(preprocessing),
    "model.onnx": trees.onnx,
    "postprocessing.json": JSON.stringify({
      format: "plumb-graph/1",
      inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 1] }],
      nodes: [{ id: "p", op: "identity", inputs: ["main.Y"], params: {} }],
      outputs: [{ name: "prediction", from: ["p"] }],
    }),
    "golden.jsonl": `${golden.join("\n")}\n`,
    "baseline.json": JSON.stringify({
      format: "plumb-baseline/1",
      rows: goldenRows,
      features: Object.fromEntries(
        features.map(({ name, type }) => {
          const values = rows.map((each) => each[name]!);
          return [name, type === "string" ? ofTexts(values) : ofNumbers(values as (number | null)[])];
        }),
      ),
      prediction: ofNumbers(predictions),
    }),
    "evaluation.json": JSON.stringify({
      format: "plumb-evaluation/1",
      splits: [{ name: "holdout", rows: goldenRows, from: "2026-01-01", to: "2026-01-31" }],
      metrics: { holdout: { rmse: 1 } },
      baselines: { zero: { holdout: { rmse: 2 } } },
    }),
    "card.md": `# ${name}\n\nRandom trees over ${featureCount} features, to measure with.\n`,
  };
  const folder = join(store, name, "1");
  mkdirSync(folder, { recursive: true });
  const listed: Record<string, { sha256: string; bytes: number }> = {};
  for (const [file, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    listed[file] = { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
    writeFileSync(join(folder, file), bytes);
  }
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifestOf(name, featureCount, listed)));
  return { name, row };
}

/** A number in three decimals or in all that there are, as callers write them. */
function drawValue(type: Kind, random: Random): number | string | null {
  if (random.uniform() < 0.05) return null;
  if (type === "string") return categories[Math.floor(random.uniform() * categories.length)]!;
  if (type === "integer") return Math.floor(random.uniform() * 1000);
  const value = random.uniform() * 100;
  return random.uniform() < 0.5 ? Math.round(value * 1000) / 1000 : value;
}

function graphOf(features: readonly { readonly name: string; readonly type: Kind }[]) {
  const numbers = features.filter(({ type }) => type !== "string");
  const names = numbers.map(({ name }) => name);
  const texts = features.filter(({ type }) => type === "string").map(({ name }) => name);
  const [mean, scale] = [
    (type: Kind) => (type === "number" ? 50 : 500),
    (type: Kind) => (type === "number" ? 29 : 288),
  ];
  const nodes: object[] = [
    {
      id: "imputed",
      op: "simple_imputer",
      inputs: names,
      params: { statistics: numbers.map(({ type }) => mean(type)) },
    },
    {
      id: "scaled",
      op: "standard_scaler",
      inputs: ["imputed"],
      params: { mean: numbers.map(({ type }) => mean(type)), scale: numbers.map(({ type }) => scale(type)) },
    },
  ];
  const encoder = { categories: texts.map(() => [...categories, null]), handle_unknown: "error" };
  if (texts.length > 0) nodes.push({ id: "coded", op: "ordinal_encoder", inputs: texts, params: encoder });
  const from = texts.length > 0 ? ["scaled", "coded"] : ["scaled"];
  return {
    format: "plumb-graph/1",
    inputs: features,
    nodes,
    outputs: [{ name: "X", dtype: "float32", shape: ["rows", features.length], from }],
  };
}

function ofNumbers(values: readonly (number | null)[]) {
  const there = values.filter((value) => value !== null);
  const [min, max] = [Math.min(...there), Math.max(...there)];
  const edge = (min + max) / 2;
  const counts = [there.filter((value) => value < edge).length, there.filter((value) => value >= edge).length];
  const mean = there.reduce((sum, value) => sum + value, 0) / there.length;
  const missing = values.length - there.length;
  return { kind: "numeric", missing, edges: [edge], counts, min, max, mean, std: (max - min) / 4 };
}

function ofTexts(values: readonly unknown[]) {
  const counts = categories.map((category) => values.filter((value) => value === category).length);
  const missing = values.filter((value) => value === null).length;
  return { kind: "categorical", missing, categories, counts, other: 0 };
}

function manifestOf(name: string, featureCount: number, files: object) {
  return {
    format: "plumb-bundle/1",
    name,
    version: 1,
    created: "2026-11-30T08:00:00Z",
    task: "regression",
    models: [
      {
        id: "main",
        file: "model.onnx",
        inputs: [{ name: "X", dtype: "float32", shape: ["rows", featureCount] }],
        outputs: [{ name: "Y", dtype: "float32", shape: ["rows", 1] }],
      },
    ],
    parity: {
      tier: "A",
      reference: "the benchmark's own evaluation of its trees",
      rows: goldenRows,
      features_ulp_max: 0,
      margin_ulp_max: 0,
      tolerance: { features_ulp: 0, margin_ulp: 0, prediction_ulp: 0 },
    },
    slo: { p95_ms: 200, rps: 200 },
    limits: { rows_max: 10_000, body_bytes_max: 16_777_216 },
    fallback: { kind: "none" },
    lineage: { data_sha256: null, code_commit: null, trainer: "npm run bench", libraries: {}, seed: null },
    files,
  };
}
