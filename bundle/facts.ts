/**
 * What a bundle says of itself: its manifest and its rows' schema, read without its models and golden rows.
 *
 * Enough to describe a version that isn't loaded, and small: a few kilobytes. What it doesn't show is whether the other
 * files are sound; that is found once the bundle is read.
 */

import { contentProblems, readFile } from "./files.js";
import { type Manifest, manifestFile } from "./manifest.js";
import { noPause, type Pause } from "./pause.js";
import { BundleError } from "./problem.js";
import { endsEarly, parseManifestBytes } from "./read.js";
import { type JsonSchemaDocument, schemaFile } from "./row-schema-document.js";
import { decodeUtf8, JsonFault, parseStrictJson } from "./strict-json.js";

export interface BundleFacts {
  /** Absolute. */
  readonly directory: string;
  /** As of the whole bundle. */
  readonly digest: string;
  readonly manifest: Manifest;
  /** schema.json as it stands, with the hash that the manifest has. */
  readonly schema: JsonSchemaDocument;
}

/**
 * @param directory - Absolute.
 * @throws {@link BundleError} for a manifest or schema that can't be read, or isn't what it should be.
 */
export async function readFacts(directory: string, pause: Pause = noPause): Promise<BundleFacts> {
  const manifestContent = await readFile(directory, manifestFile);
  if ("problem" in manifestContent) throw new BundleError(directory, [manifestContent.problem], "incomplete");
  const problems: string[] = [];
  const manifest = parseManifestBytes(manifestContent.bytes, problems);
  if (manifest === undefined)
    throw new BundleError(directory, problems, endsEarly(manifestContent.bytes) ? "incomplete" : "refused");
  await pause();
  const content = await readFile(directory, schemaFile, pause);
  if ("problem" in content) throw new BundleError(directory, [content.problem], "incomplete");
  const found = contentProblems(schemaFile, manifest.files[schemaFile]!, content);
  if (found.length > 0) throw new BundleError(directory, found, "damaged");
  await pause();
  try {
    const schema = parseStrictJson(decodeUtf8(content.bytes)).value as JsonSchemaDocument;
    return { directory, digest: manifestContent.sha256, manifest, schema };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw new BundleError(directory, [`${schemaFile}: expected ${error.expected}, got ${error.got}`], "refused");
  }
}
