/** The cases that trainer/reference wrote, decoded. */
import { readdirSync, readFileSync } from "node:fs";
import { type GraphDocument, type Prediction, parseGraph, type Row } from "../../preprocessing/index.js";

const directory = new URL("./cases/", import.meta.url);

/** How JSON holds a number: those without a form of their own as strings. */
type Encoded = number | string;

interface FeatureCaseFile {
  graph: { inputs: { name: string; type: string }[] };
  rows: Record<string, unknown>[];
  /** null for a row that scikit-learn raises on. */
  features: (Encoded[] | null)[];
  refused: number[];
}

interface LinkCaseFile {
  graph: { inputs: { dtype: string }[] };
  raw: Encoded[];
  /** Absent for regression, whose predictions are numbers, or lists of them. */
  probabilities?: Encoded[];
  predictions: (Encoded | Encoded[])[];
}

export interface FeatureCase {
  name: string;
  graph: GraphDocument;
  rows: Row[];
  features: (number[] | null)[];
  refused: number[];
}

export interface LinkCase {
  name: string;
  graph: GraphDocument;
  raw: Float32Array | Float64Array;
  probabilities: number[] | undefined;
  predictions: Prediction[];
}

export function featureCases(): FeatureCase[] {
  return caseNames((name) => !name.startsWith("link-")).map((name) => {
    const { graph, rows, features, refused } = readCase<FeatureCaseFile>(name);
    const numeric = graph.inputs.filter(({ type }) => type === "number" || type === "integer").map(({ name }) => name);
    const lists = graph.inputs.filter(({ type }) => type === "numbers").map(({ name }) => name);
    for (const row of rows) {
      for (const feature of numeric) if (row[feature] !== null) row[feature] = decode(row[feature] as Encoded);
      for (const feature of lists) if (row[feature] !== null) row[feature] = (row[feature] as Encoded[]).map(decode);
    }
    return { name, graph: parseGraph(graph), rows, features: features.map((row) => row?.map(decode) ?? null), refused };
  });
}

export function linkCases(): LinkCase[] {
  return caseNames((name) => name.startsWith("link-")).map((name) => {
    const { graph, raw, probabilities, predictions } = readCase<LinkCaseFile>(name);
    const values = raw.map(decode);
    const block = graph.inputs[0]!.dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
    const answers = predictions.map((prediction): Prediction => {
      if (Array.isArray(prediction)) return prediction.map(decode);
      return probabilities === undefined ? decode(prediction) : prediction;
    });
    return {
      name,
      graph: parseGraph(graph),
      raw: block,
      probabilities: probabilities?.map(decode),
      predictions: answers,
    };
  });
}

/** The 64 bits of a value, in hexadecimal; every NaN is the same one. */
export function bits(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

function caseNames(wanted: (name: string) => boolean): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json") && wanted(file))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

function readCase<File>(name: string): File {
  return JSON.parse(readFileSync(new URL(`${name}.json`, directory), "utf8")) as File;
}

function decode(value: Encoded): number {
  return value === "-0.0" ? -0 : Number(value);
}
