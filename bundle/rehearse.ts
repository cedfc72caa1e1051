/**
 * Reads a small bundle that stands in memory, for a server that is about to read real ones: code runs ten times as long the first time, and what
 * then takes 10 ms in one step takes 1.
 */

import { requiredFiles } from "./manifest.js";
import type { Pause } from "./pause.js";
import { type Bundle, parseManifestBytes, parseParts } from "./read.js";

/** Features of each type and some operators that most graphs have. */
function documents(): Record<string, unknown> {
  const number = { type: ["number", "null"], minimum: 0, maximum: 1e6 };
  const properties = {
    amount: number,
    share: { type: "number", exclusiveMinimum: -1, exclusiveMaximum: 1 },
    count: { type: "integer", minimum: 0 },
    kind: { type: "string", enum: ["a", "b"] },
    text: { type: "string", maxLength: 20 },
    flag: { type: "boolean" },
  };
  const node = (id: string, op: string, inputs: readonly string[], params: object) => ({ id, op, inputs, params });
  const preprocessing = {
    format: "plumb-graph/1",
    inputs: [
      { name: "amount", type: "number" },
      { name: "share", type: "number" },
      { name: "kind", type: "string" },
    ],
    nodes: [
      node("n1", "simple_imputer", ["amount"], { statistics: [1] }),
      node("n2", "standard_scaler", ["n1"], { mean: [0], scale: [1] }),
      node("n3", "one_hot_encoder", ["kind"], { categories: [["a", "b"]], handle_unknown: "ignore" }),
      node("n4", "passthrough", ["share"], {}),
    ],
    outputs: [{ name: "X", dtype: "float32", shape: ["rows", 4], from: ["n2", "n3", "n4"] }],
  };
  const postprocessing = {
    format: "plumb-graph/1",
    inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 1] }],
    nodes: [node("p1", "identity", ["main.Y"], {})],
    outputs: [{ name: "prediction", from: ["p1"] }],
  };
  const schema = { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
  return { "schema.json": schema, "preprocessing.json": preprocessing, "postprocessing.json": postprocessing };
}

const rowCount = 64;

/** Each row's model output is its own number. */
function goldenLines(): string {
  const lines = Array.from({ length: rowCount }, (_, i) => {
    const row = { amount: i, share: 0.5, count: i, kind: "a", text: "x", flag: true };
    return JSON.stringify({ kind: "sample", row, features: { X: [i, 1, 0, 0.5] }, raw: { "main.Y": [i] }, prediction: i });
  });
  const refusal = JSON.stringify({ kind: "missing", row: { amount: null }, error: "schema_mismatch" });
  return `${lines.join("\n")}\n${refusal}\n`;
}

const manifest = {
  format: "plumb-bundle/1",
  name: "rehearsal",
  version: 1,
  created: "2026-01-01T00:00:00Z",
  task: "regression",
  models: [
    {
      id: "main",
      file: "model.onnx",
      inputs: [{ name: "X", dtype: "float32", shape: ["rows", 4] }],
      outputs: [{ name: "Y", dtype: "float32", shape: ["rows", 1] }],
    },
  ],
  parity: {
    tier: "A",
    reference: "none",
    rows: rowCount,
    features_ulp_max: 0,
    margin_ulp_max: 0,
    tolerance: { features_ulp: 0, margin_ulp: 0, prediction_ulp: 0 },
  },
  slo: { p95_ms: 200, rps: 200 },
  limits: { rows_max: 1000, body_bytes_max: 1_048_576 },
  fallback: { kind: "none" },
  lineage: { data_sha256: null, code_commit: null, trainer: "none", libraries: {}, seed: null },
};

/** @returns The bundle; it has no file of a model, and is for nothing but to be read and proved. */
export async function rehearseReading(pause: Pause): Promise<Bundle> {
  const contents = new Map(Object.entries(documents()).map(([file, document]) => [file, Buffer.from(JSON.stringify(document))]));
  contents.set("golden.jsonl", Buffer.from(goldenLines()));
  const names = [...requiredFiles, ...manifest.models.map(({ file }) => file)];
  const files = Object.fromEntries(names.map((file) => [file, { sha256: "0".repeat(64), bytes: 0 }]));
  const problems: string[] = [];
  const parsed = parseManifestBytes(Buffer.from(JSON.stringify({ ...manifest, files })), problems);
  const parts = await parseParts(parsed!, contents, problems, pause);
  const models = parsed!.models.map((model) => ({ ...model, bytes: new Uint8Array(0) }));
  return {
    directory: "",
    name: manifest.name,
    version: manifest.version,
    digest: "",
    manifest: parsed!,
    models,
    rowSchema: parts.rowSchema!,
    preprocessing: parts.preprocessing!,
    postprocessing: parts.postprocessing!,
    golden: parts.golden!,
    baseline: {} as Bundle["baseline"],
    evaluation: {} as Bundle["evaluation"],
  };
}
