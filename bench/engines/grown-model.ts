/** Models to compare engines on: grown by the trainer's own Python, kept in .cache for the next run. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../loadtest/project.js";
import { createRandom } from "../../loadtest/random.js";
import { demandRows } from "../../loadtest/rows.js";
import { type Block, createPreprocessor, parseGraph, type Row } from "../../preprocessing/index.js";
import type { EngineModel } from "../../server/inference/engine.js";
import type { ModelSpec } from "./grid.js";

export interface GrownModel {
  readonly folder: string;
  readonly engineModel: EngineModel;
  /** Row-major. */
  readonly rows: Block;
  readonly width: number;
  readonly leaves: number;
  readonly levels: number;
  /** The model in its library's own form, in `folder`. */
  readonly nativeFile: string;
}

/** The file that bench/peers/grow_trees.py writes. */
interface Grown {
  readonly inputDtype: "float32" | "float64";
  readonly outputDtype: "float32" | "float64";
  readonly features: number;
  readonly targets: number;
  readonly leaves: number;
  readonly levels: number;
}

const peers = join(projectRoot, "bench", "peers");
const cache = join(projectRoot, ".cache", "engines");
const demandBundle = join(projectRoot, "models", "demand", "1");
const demandRowCount = 4096;

/** @param python - The trainer's interpreter. */
export async function grownModel(spec: ModelSpec, python: string, say: (what: string) => void): Promise<GrownModel> {
  const folder = join(cache, `${spec.id}-${fingerprint(spec)}`);
  if (!existsSync(folder)) {
    say(`growing ${spec.id}`);
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    await grow(spec, python, unfinished);
    if (spec.library === "demand") useBundle(unfinished);
    renameSync(unfinished, folder);
  }
  return readGrown(spec, folder);
}

/** Beside its specification, these files determine a model: when one changes, the model is grown again. */
const grownBy = [
  "bench/peers/grow_trees.py",
  "bench/peers/fit.py",
  "trainer/plumb_trainer/models/tree_onnx.py",
  "trainer/requirements.txt",
];

function fingerprint({ compiled, ...specified }: ModelSpec): string {
  const hash = createHash("sha256").update(JSON.stringify(specified));
  for (const file of grownBy) hash.update(readFileSync(join(projectRoot, file)));
  return hash.digest("hex").slice(0, 8);
}

async function grow(spec: ModelSpec, python: string, folder: string): Promise<void> {
  const environment = { ...process.env, PYTHONPATH: join(projectRoot, "trainer"), PYTHONDONTWRITEBYTECODE: "1" };
  const grower = promisify(execFile)(python, [join(peers, "grow_trees.py"), folder], { env: environment });
  grower.child.stdin!.end(JSON.stringify({ ...spec, data: join(projectRoot, "trainer", "examples", "demand.csv") }));
  await grower;
}

/** The demand model is the bundle's; its rows are drawn and preprocessed as a server would. */
function useBundle(folder: string): void {
  writeFileSync(join(folder, "model.onnx"), readFileSync(join(demandBundle, "model.onnx")));
  const preprocessor = createPreprocessor(
    parseGraph(JSON.parse(readFileSync(join(demandBundle, "preprocessing.json"), "utf8"))),
  );
  const source = demandRows(createRandom(1));
  const { features } = preprocessor.features(Array.from({ length: demandRowCount }, () => JSON.parse(source()) as Row));
  writeFileSync(join(folder, "rows.bin"), new Uint8Array(Float32Array.from(features[0]!).buffer));
}

function readGrown({ id }: ModelSpec, folder: string): GrownModel {
  const grown = JSON.parse(readFileSync(join(folder, "grown.json"), "utf8")) as Grown;
  const { inputDtype, outputDtype, features, targets, leaves, levels } = grown;
  const bytes = new Uint8Array(readFileSync(join(folder, "rows.bin")));
  return {
    folder,
    engineModel: {
      id,
      bytes: new Uint8Array(readFileSync(join(folder, "model.onnx"))),
      inputs: [{ name: "X", dtype: inputDtype, shape: ["rows", features] }],
      outputs: [{ name: "Y", dtype: outputDtype, shape: ["rows", targets] }],
    },
    rows: inputDtype === "float32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer),
    width: features,
    leaves,
    levels,
    nativeFile: readdirSync(folder).find((file) => /^model\.(json|txt|joblib)$/.test(file))!,
  };
}
