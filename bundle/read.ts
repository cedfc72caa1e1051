/**
 * Reads a bundle: the whole of it, once, and nothing unless all of it is sound.
 *
 * The manifest vouches for every other file by size and SHA-256; its own hash is the digest of the bundle. Whatever is
 * found wrong is collected, so that one run tells all of it. What a bundle computes is not looked at here: that its golden
 * rows come out right is for the proof, on the path that serves.
 */

import { basename, dirname, resolve } from "node:path";
import { createPostprocessor, createPreprocessor, type GraphDocument } from "../preprocessing/index.js";
import { type Baseline, baselineFile, parseBaseline } from "./baseline.js";
import type { Parsed } from "./document.js";
import { type Evaluation, evaluationFile, parseEvaluation } from "./evaluation.js";
import { fallbackProblems } from "./fallback.js";
import { contentProblems, type FileContent, listFiles, listingProblems, readFile } from "./files.js";
import { type GoldenRow, goldenFile, parseGolden } from "./golden.js";
import { type Manifest, manifestFile, parseManifest, type TensorSpec, versionPattern } from "./manifest.js";
import { planGraph, postprocessingFile, preprocessingFile } from "./plan-graph.js";
import { BundleError, quote, sentence } from "./problem.js";
import { parseRowSchema, type RowSchema } from "./row-schema.js";
import { schemaFile } from "./row-schema-document.js";
import { decodeUtf8, JsonFault, parseStrictJson } from "./strict-json.js";
import { wiringProblems } from "./wiring.js";

export interface BundleModel {
  id: string;
  file: string;
  /** The file's content, in a buffer of its own. */
  bytes: Uint8Array;
  inputs: readonly TensorSpec[];
  outputs: readonly TensorSpec[];
}

export interface Bundle {
  /** Absolute. */
  directory: string;
  name: string;
  version: number;
  /** SHA-256 of manifest.json's bytes, in hexadecimal digits. */
  digest: string;
  manifest: Manifest;
  rowSchema: RowSchema;
  preprocessing: GraphDocument;
  postprocessing: GraphDocument;
  golden: readonly GoldenRow[];
  models: readonly BundleModel[];
  baseline: Baseline;
  evaluation: Evaluation;
}

/**
 * Reads, hashes, parses and cross-checks a bundle.
 *
 * @param directory - The bundle's folder. Where it is named as in a model store, `<name>/<version>`, the manifest must agree.
 * @throws {@link BundleError} with every problem found.
 * @remarks Each file is read once; a bundle of 1 MB takes about 10 ms. Links, folders and files that the manifest doesn't list
 *   are refused.
 */
export async function readBundle(directory: string): Promise<Bundle> {
  const folder = resolve(directory);
  const { files, problems } = await listFiles(folder);
  if (files.length === 0 && problems.length > 0) throw new BundleError(folder, problems);
  const { manifest, digest } = await readManifest(folder, files, problems);
  problems.push(...folderProblems(folder, manifest), ...listingProblems(manifest, files));
  const contents = await readListed(folder, manifest, files, problems);
  const parts = parseParts(manifest, contents, problems);
  if (problems.length > 0 || parts === undefined) throw new BundleError(folder, problems);
  const models = manifest.models.map((model) => ({ ...model, bytes: contents.get(model.file)! }));
  return { directory: folder, name: manifest.name, version: manifest.version, digest, manifest, models, ...parts };
}

async function readManifest(folder: string, files: readonly string[], problems: string[]): Promise<{ manifest: Manifest; digest: string }> {
  if (!files.includes(manifestFile)) {
    const advice = "a bundle is a folder <name>/<version> with this file in it";
    throw new BundleError(folder, [...problems, sentence({ file: manifestFile, expected: "this file", got: "none", advice })]);
  }
  const content = await readFile(folder, manifestFile);
  if ("problem" in content) throw new BundleError(folder, [...problems, content.problem]);
  const document = parseJsonFile(manifestFile, content.bytes, problems);
  const manifest = document === undefined ? undefined : take(parseManifest(document), problems);
  if (manifest === undefined) throw new BundleError(folder, problems);
  return { manifest, digest: content.sha256 };
}

/** A folder `demand/3` holds version 3 of demand. Folders with other names, such as temporary ones, say nothing. */
function folderProblems(folder: string, manifest: Manifest): string[] {
  const version = basename(folder);
  const name = basename(dirname(folder));
  if (!versionPattern.test(version)) return [];
  const place = `${manifest.name}/${manifest.version}`;
  if (place === `${name}/${version}`) return [];
  const advice = "in a model store the folder says which version it holds: move it there";
  return [
    sentence({
      file: manifestFile,
      expected: `name and version as the folder has them, ${quote(`${name}/${version}`)}`,
      got: quote(place),
      advice,
    }),
  ];
}

/** The bytes of every file that is what the manifest says it is. */
async function readListed(
  folder: string,
  manifest: Manifest,
  files: readonly string[],
  problems: string[],
): Promise<Map<string, Uint8Array>> {
  const present = Object.entries(manifest.files).filter(([name]) => files.includes(name));
  const contents = await Promise.all(present.map(([name]): Promise<FileContent | { problem: string }> => readFile(folder, name)));
  const sound = new Map<string, Uint8Array>();
  for (const [index, [name, entry]] of present.entries()) {
    const content = contents[index]!;
    const found = "problem" in content ? [content.problem] : contentProblems(name, entry, content);
    problems.push(...found);
    if (found.length === 0 && "bytes" in content) sound.set(name, content.bytes);
  }
  return sound;
}

type Parts = Pick<Bundle, "rowSchema" | "preprocessing" | "postprocessing" | "golden" | "baseline" | "evaluation">;

/** Parses what is there and compares it; undefined, with problems, unless everything is there. */
function parseParts(manifest: Manifest, contents: ReadonlyMap<string, Uint8Array>, problems: string[]): Parts | undefined {
  const read = <Value>(file: string, parse: (document: unknown) => Parsed<Value>): Value | undefined => {
    const bytes = contents.get(file);
    const document = bytes && parseJsonFile(file, bytes, problems);
    return document === undefined ? undefined : take(parse(document), problems);
  };
  const rowSchema = read(schemaFile, parseRowSchema);
  const before = read(preprocessingFile, (document) => planGraph({ file: preprocessingFile }, document, createPreprocessor));
  const after = read(postprocessingFile, (document) => planGraph({ file: postprocessingFile }, document, createPostprocessor));
  const baseline = read(baselineFile, parseBaseline);
  const evaluation = read(evaluationFile, parseEvaluation);
  const golden = readGolden(contents.get(goldenFile), manifest.task, problems);
  const [preprocessor, postprocessor] = [before?.plan, after?.plan];
  problems.push(
    ...wiringProblems({ manifest, rowSchema, preprocessor, postprocessor, golden: golden ?? [], baseline }),
    ...fallbackProblems(manifest.fallback, { rowSchema, postprocessor }),
  );
  if (!rowSchema || !before || !after || !golden || !baseline || !evaluation) return undefined;
  return { rowSchema, preprocessing: before.graph, postprocessing: after.graph, golden, baseline, evaluation };
}

/** @returns undefined, with a problem, for a file that is no strict JSON. */
function parseJsonFile(file: string, bytes: Uint8Array, problems: string[]): unknown {
  try {
    return parseStrictJson(decodeUtf8(bytes)).value;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    problems.push(sentence({ file, ...(error.where !== undefined && { where: error.where }), expected: error.expected, got: error.got }));
    return undefined;
  }
}

function take<Value>(parsed: Parsed<Value>, problems: string[]): Value | undefined {
  if ("value" in parsed) return parsed.value;
  problems.push(...parsed.problems);
  return undefined;
}

function readGolden(bytes: Uint8Array | undefined, task: Manifest["task"], problems: string[]): GoldenRow[] | undefined {
  if (bytes === undefined) return undefined;
  try {
    const golden = parseGolden(decodeUtf8(bytes), task);
    problems.push(...golden.problems);
    return golden.rows;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    problems.push(sentence({ file: goldenFile, expected: error.expected, got: error.got }));
    return undefined;
  }
}
