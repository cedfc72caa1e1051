/**
 * Reads a bundle: the whole of it, once, and nothing unless all of it is sound.
 *
 * The manifest vouches for every other file by size and SHA-256; its own hash is the digest of the bundle. Whatever is
 * found wrong is collected, so that one run tells all of it. What a bundle computes is not looked at here: that its
 * golden rows come out right is for the proof, on the path that serves.
 */

import { basename, dirname, resolve } from "node:path";
import { createPostprocessor, createPreprocessor, type GraphDocument } from "../preprocessing/index.js";
import { type Baseline, baselineFile, parseBaseline } from "./baseline.js";
import type { Parsed } from "./document.js";
import { type Evaluation, evaluationFile, parseEvaluation } from "./evaluation.js";
import { fallbackProblems } from "./fallback.js";
import { contentProblems, isShort, listFiles, listingProblems, readFile } from "./files.js";
import { type GoldenRow, goldenFile, parseGoldenBytes } from "./golden.js";
import { type Manifest, manifestFile, parseManifest, type TensorSpec, versionPattern } from "./manifest.js";
import { noPause, type Pause } from "./pause.js";
import { planGraph, postprocessingFile, preprocessingFile } from "./plan-graph.js";
import { BundleError, type BundleFault, quote, sentence } from "./problem.js";
import { protoFieldProblems } from "./proto-fields.js";
import { parseRowSchemaInSteps, type RowSchema } from "./row-schema.js";
import { schemaFile } from "./row-schema-document.js";
import { decodeUtf8, JsonFault, parseStrictJson } from "./strict-json.js";
import { goldenProblems, wiringProblems } from "./wiring.js";

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
 * @param directory - The bundle's folder. Where it is named as in a model store, `<name>/<version>`, the manifest must
 *   agree.
 * @param pause - Called between steps: each takes under a millisecond for a bundle whose schema and graphs are small
 *   (some 50 KB each), whatever the size of its models and golden rows. A document is parsed in one step, 20 to 40 ms a
 *   MB.
 * @throws {@link BundleError} with every problem found.
 * @remarks Each file is read once; a bundle of 1 MB takes about 10 ms. Links, folders and files that the manifest
 *   doesn't list are refused.
 */
export async function readBundle(directory: string, pause: Pause = noPause): Promise<Bundle> {
  const folder = resolve(directory);
  const { files, problems } = await listFiles(folder);
  if (files.length === 0 && problems.length > 0) throw new BundleError(folder, problems, "damaged");
  const { manifest, digest } = await readManifest(folder, files, problems, pause);
  problems.push(...folderProblems(folder, manifest), ...listingProblems(manifest, files));
  const { contents, fault } = await readListed(folder, manifest, files, problems, pause);
  const parts = await parseParts(manifest, contents, problems, pause);
  if (problems.length > 0 || !isWhole(parts)) throw new BundleError(folder, problems, fault);
  const models = manifest.models.map((model) => ({ ...model, bytes: contents.get(model.file)! }));
  return { directory: folder, name: manifest.name, version: manifest.version, digest, manifest, models, ...parts };
}

async function readManifest(
  folder: string,
  files: readonly string[],
  problems: string[],
  pause: Pause,
): Promise<{ manifest: Manifest; digest: string }> {
  if (!files.includes(manifestFile)) {
    const advice = "a bundle is a folder <name>/<version> with this file in it";
    const all = [...problems, sentence({ file: manifestFile, expected: "this file", got: "none", advice })];
    throw new BundleError(folder, all, "incomplete");
  }
  const content = await readFile(folder, manifestFile);
  if ("problem" in content) throw new BundleError(folder, [...problems, content.problem], "damaged");
  await pause();
  const manifest = parseManifestBytes(content.bytes, problems);
  if (manifest === undefined)
    throw new BundleError(folder, problems, endsEarly(content.bytes) ? "incomplete" : "refused");
  await pause();
  return { manifest, digest: content.sha256 };
}

/** @returns Undefined, with problems, for what is no manifest. */
export function parseManifestBytes(bytes: Uint8Array, problems: string[]): Manifest | undefined {
  const document = parseJsonFile(manifestFile, bytes, problems);
  return document === undefined ? undefined : take(parseManifest(document), problems);
}

/** Whether a file that is no JSON may be the beginning of one: it doesn't end in the brace that a manifest ends in. */
export function endsEarly(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1]! <= 0x20) end--;
  return bytes[end - 1] !== 0x7d;
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

/** The bytes of every file that is what the manifest says it is; and if not all are, what that makes of the bundle. */
async function readListed(
  folder: string,
  manifest: Manifest,
  files: readonly string[],
  problems: string[],
  pause: Pause,
): Promise<{ contents: Map<string, Uint8Array>; fault: BundleFault }> {
  const contents = new Map<string, Uint8Array>();
  const listed = Object.entries(manifest.files);
  let isIncomplete = listed.some(([name]) => !files.includes(name));
  let isDamaged = false;
  for (const [name, entry] of listed) {
    if (!files.includes(name)) continue;
    const content = await readFile(folder, name, pause);
    const found = "problem" in content ? [content.problem] : contentProblems(name, entry, content);
    problems.push(...found);
    if (found.length === 0 && "bytes" in content) contents.set(name, content.bytes);
    else if ("bytes" in content && isShort(entry, content)) isIncomplete = true;
    else isDamaged = true;
  }
  return { contents, fault: isDamaged ? "damaged" : isIncomplete ? "incomplete" : "refused" };
}

type Parts = Pick<Bundle, "rowSchema" | "preprocessing" | "postprocessing" | "golden" | "baseline" | "evaluation">;

function isWhole(parts: { [Part in keyof Parts]: Parts[Part] | undefined }): parts is Parts {
  return Object.values(parts).every((part) => part !== undefined);
}

/** Parses what is there and compares it; what isn't there, or is wrong, is left out, with problems. */
export async function parseParts(
  manifest: Manifest,
  contents: ReadonlyMap<string, Uint8Array>,
  problems: string[],
  pause: Pause,
): Promise<{ [Part in keyof Parts]: Parts[Part] | undefined }> {
  const read = async <Value>(
    file: string,
    parse: (document: unknown) => Parsed<Value> | Promise<Parsed<Value>>,
  ): Promise<Value | undefined> => {
    const bytes = contents.get(file);
    const document = bytes && parseJsonFile(file, bytes, problems);
    await pause();
    const value = document === undefined ? undefined : take(await parse(document), problems);
    await pause();
    return value;
  };
  const rowSchema = await read(schemaFile, (document) => parseRowSchemaInSteps(document, pause));
  const before = await read(preprocessingFile, (document) =>
    planGraph({ file: preprocessingFile }, document, createPreprocessor),
  );
  const after = await read(postprocessingFile, (document) =>
    planGraph({ file: postprocessingFile }, document, createPostprocessor),
  );
  const baseline = await read(baselineFile, parseBaseline);
  const evaluation = await read(evaluationFile, parseEvaluation);
  const golden = await readGolden(contents.get(goldenFile), manifest.task, problems, pause);
  const [preprocessor, postprocessor] = [before?.plan, after?.plan];
  await pause();
  problems.push(...wiringProblems({ manifest, rowSchema, preprocessor, postprocessor, baseline }));
  await pause();
  problems.push(
    ...(preprocessor && postprocessor ? await goldenProblems(golden ?? [], preprocessor, postprocessor, pause) : []),
    ...fallbackProblems(manifest.fallback, { rowSchema, postprocessor }),
    ...protoFieldProblems(manifest.proto?.fields, rowSchema),
  );
  return { rowSchema, preprocessing: before?.graph, postprocessing: after?.graph, golden, baseline, evaluation };
}

/** @returns undefined, with a problem, for a file that is no strict JSON. */
function parseJsonFile(file: string, bytes: Uint8Array, problems: string[]): unknown {
  try {
    return parseStrictJson(decodeUtf8(bytes)).value;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    problems.push(
      sentence({
        file,
        ...(error.where !== undefined && { where: error.where }),
        expected: error.expected,
        got: error.got,
      }),
    );
    return undefined;
  }
}

function take<Value>(parsed: Parsed<Value>, problems: string[]): Value | undefined {
  if ("value" in parsed) return parsed.value;
  problems.push(...parsed.problems);
  return undefined;
}

async function readGolden(
  bytes: Uint8Array | undefined,
  task: Manifest["task"],
  problems: string[],
  pause: Pause,
): Promise<GoldenRow[] | undefined> {
  if (bytes === undefined) return undefined;
  try {
    const golden = await parseGoldenBytes(bytes, task, pause);
    problems.push(...golden.problems);
    return golden.rows;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    problems.push(sentence({ file: goldenFile, expected: error.expected, got: error.got }));
    return undefined;
  }
}
