/**
 * Versions made in memory, without a folder or a proof: one number in, one number out, unless a test wants another
 * graph.
 */

import type { Bundle, GoldenRow } from "../../bundle/index.js";
import { parseRowSchema } from "../../bundle/index.js";
import { parseGraph } from "../../preprocessing/index.js";
import type { RunnerSpec } from "../../server/inference/runner.js";
import { runnerSpec } from "../../server/inference/runner.js";
import { createContract } from "../../server/versions/contract.js";
import { Servable } from "../../server/versions/servable.js";
import type { VersionState } from "../../server/versions/states.js";

// biome-ignore lint/suspicious/noExplicitAny: documents as they stand in files, good or not
type Document = any;

export interface VersionOptions {
  name?: string;
  number?: number;
  state?: VersionState;
  schema?: Document;
  preprocessing?: Document;
  postprocessing?: Document;
  models?: Document[];
  rowsMax?: number;
  sloMs?: number;
  task?: "regression" | "classification";
  golden?: readonly GoldenRow[];
  /** The field of manifest.json; by default there is none. */
  fallback?: Document;
}

export const oneNumberSchema = {
  type: "object",
  properties: { x: { type: "number" } },
  required: ["x"],
  additionalProperties: false,
};

export const oneNumberGraph = {
  format: "plumb-graph/1",
  inputs: [{ name: "x", type: "number" }],
  nodes: [{ id: "n1", op: "passthrough", inputs: ["x"], params: {} }],
  outputs: [{ name: "X", dtype: "float32", shape: ["rows", 1], from: ["n1"] }],
};

/** A number that may not be negative, and a colour: on any but two the fitted encoder itself would raise. */
export const sizeAndColour = {
  schema: {
    type: "object",
    properties: { size: { type: "number", minimum: 0 }, colour: { type: "string" } },
    required: ["size", "colour"],
    additionalProperties: false,
  },
  preprocessing: {
    format: "plumb-graph/1",
    inputs: [
      { name: "size", type: "number" },
      { name: "colour", type: "string" },
    ],
    nodes: [
      { id: "n1", op: "passthrough", inputs: ["size"], params: {} },
      {
        id: "n2",
        op: "ordinal_encoder",
        inputs: ["colour"],
        params: { categories: [["blue", "red"]], handle_unknown: "error" },
      },
    ],
    outputs: [{ name: "X", dtype: "float32", shape: ["rows", 2], from: ["n1", "n2"] }],
  },
};

export const identityGraph = {
  format: "plumb-graph/1",
  inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 1] }],
  nodes: [{ id: "p1", op: "identity", inputs: ["main.Y"], params: {} }],
  outputs: [{ name: "prediction", from: ["p1"] }],
};

/** Several numbers, as the model gives them. */
export function namedGraph(names: readonly string[]): Document {
  return {
    format: "plumb-graph/1",
    inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", names.length] }],
    nodes: [],
    outputs: [{ name: "prediction", from: ["main.Y"], params: { names } }],
  };
}

/** Two labels from one margin. */
export function binaryGraph(labels: readonly [string | number | boolean, string | number | boolean]): Document {
  return {
    format: "plumb-graph/1",
    inputs: [{ name: "main.Y", dtype: "float32", shape: ["rows", 1] }],
    nodes: [
      { id: "p1", op: "sigmoid", inputs: ["main.Y"], params: { dtype: "float32" } },
      { id: "p2", op: "label", inputs: ["p1"], params: { labels, threshold: 0.5 } },
    ],
    outputs: [
      { name: "prediction", from: ["p2"] },
      { name: "probabilities", from: ["p1"], params: { labels } },
    ],
  };
}

const oneModel = {
  id: "main",
  file: "model.onnx",
  bytes: new Uint8Array(0),
  inputs: [{ name: "X", dtype: "float32", shape: ["rows", 1] }],
  outputs: [{ name: "Y", dtype: "float32", shape: ["rows", 1] }],
};

/** A version in the state that is asked for, `ready` if none is. */
export function makeVersion(options: VersionOptions = {}): Servable {
  const { name = "tiny", number = 1, state = "ready", rowsMax = 10_000, sloMs = 200, task = "regression" } = options;
  const schema = parseRowSchema(options.schema ?? oneNumberSchema);
  if ("problems" in schema) throw new Error(schema.problems.join("\n"));
  const bundle = {
    directory: `models/${name}/${number}`,
    name,
    version: number,
    digest: "0".repeat(64),
    manifest: {
      name,
      version: number,
      task,
      created: "2026-11-22T08:00:00Z",
      limits: { rows_max: rowsMax, body_bytes_max: 1_048_576 },
      slo: { p95_ms: sloMs, rps: 200 },
      fallback: options.fallback ?? { kind: "none" },
      parity: { tolerance: { features_ulp: 0, margin_ulp: 0, prediction_ulp: 0 } },
    },
    rowSchema: schema.value,
    preprocessing: parseGraph(options.preprocessing ?? oneNumberGraph),
    postprocessing: parseGraph(options.postprocessing ?? identityGraph),
    golden: options.golden ?? [],
    models: options.models ?? [oneModel],
  } as unknown as Bundle;
  const version = new Servable(createContract(bundle));
  for (const next of waysTo[state]) version.transition(next);
  return version;
}

const waysTo: Record<VersionState, readonly VersionState[]> = {
  loading: [],
  proving: ["proving"],
  ready: ["proving", "ready"],
  draining: ["proving", "ready", "draining"],
  closed: ["proving", "ready", "draining", "closed"],
  failed: ["failed"],
};

export function makeSpec(options: VersionOptions = {}): RunnerSpec {
  return runnerSpec(makeVersion(options));
}
