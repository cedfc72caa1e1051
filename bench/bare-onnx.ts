/**
 * The bare cost of ONNX Runtime, one thread, a batch of 64 after the other with nothing around it: what no server on
 * this machine can go below. In a process of its own, so that it neither warms nor slows another: `node bare-onnx.js
 * BUNDLE [ROWS.jsonl]` prints microseconds a row.
 *
 * Without a file the rows are the features of the bundle's golden rows in random order; with one, they're the file's
 * rows, preprocessed.
 */

import "./no-telemetry.js";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createPreprocessor, parseGraph, type Row } from "../preprocessing/index.js";

const batchRows = 64;
const batchCount = 62; // almost 4,000 rows in turn, enough that the processor doesn't learn their paths through the trees
const warmUpRuns = 200;
const timedRuns = 800;

interface Model {
  readonly file: string;
  readonly inputs: readonly [
    { readonly name: string; readonly dtype: "float32" | "float64"; readonly shape: readonly ["rows", ...number[]] },
  ];
}

/** Runs this file as a process. @returns Microseconds a row. */
export async function bareOnnxUsPerRow(bundle: string, rowsFile?: string): Promise<number> {
  const args = [import.meta.filename, bundle, ...(rowsFile === undefined ? [] : [rowsFile])];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

async function measure(bundle: string, rowsFile: string | undefined): Promise<number> {
  const { models } = JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8")) as { models: readonly [Model] };
  const [{ file, inputs }] = models;
  const [{ name, dtype, shape }] = inputs;
  const width = shape.slice(1).reduce<number>((product, size) => product * Number(size), 1);
  const features = rowsFile === undefined ? goldenFeatures(bundle, name) : preprocessed(bundle, rowsFile, width);
  const session = await InferenceSession.create(join(bundle, file), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
  });
  const batches = Array.from({ length: batchCount }, (_, batch) => {
    const values = Array.from({ length: batchRows }, (_, i) => features(batch * batchRows + i)).flat();
    const block = dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
    return { [name]: new Tensor(dtype, block, [batchRows, ...shape.slice(1).map(Number)]) };
  });
  for (let i = 0; i < warmUpRuns; i++) await session.run(batches[i % batchCount]!);
  const begun = process.hrtime.bigint();
  for (let i = 0; i < timedRuns; i++) await session.run(batches[i % batchCount]!);
  return Number(process.hrtime.bigint() - begun) / 1e3 / timedRuns / batchRows;
}

/** The features of a row by its index. */
type FeatureSource = (index: number) => readonly number[];

function goldenFeatures(bundle: string, input: string): FeatureSource {
  const rows = readLines<{ features?: Record<string, (number | string)[]> }>(join(bundle, "golden.jsonl"))
    .flatMap(({ features }) => (features?.[input] ? [features[input]] : []))
    .map((values) => values.map(Number)); // "NaN", "Infinity" and "-0.0" read as what they say
  return () => rows[Math.floor(Math.random() * rows.length)]!;
}

function preprocessed(bundle: string, rowsFile: string, width: number): FeatureSource {
  const preprocessor = createPreprocessor(
    parseGraph(JSON.parse(readFileSync(join(bundle, "preprocessing.json"), "utf8"))),
  );
  const { features } = preprocessor.features(readLines<Row>(rowsFile));
  const [table] = features as [Float64Array];
  const rowCount = table.length / width;
  return (index) => Array.from(table.subarray((index % rowCount) * width, ((index % rowCount) + 1) * width));
}

function readLines<Line>(file: string): Line[] {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

if (process.argv[1] === import.meta.filename) {
  const [, , bundle, rowsFile] = process.argv;
  console.log(await measure(bundle!, rowsFile));
}
