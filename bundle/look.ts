/**
 * What a bundle's folder looks like from outside: names, sizes and times. Of its files only the manifest is read, and
 * nothing is hashed but that: cheap enough to be asked every few seconds.
 */

import { createHash } from "node:crypto";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { entriesMax, readFile, systemError } from "./files.js";
import { manifestFile } from "./manifest.js";
import { noPause, type Pause } from "./pause.js";
import { sentence } from "./problem.js";
import { endsEarly, parseManifestBytes } from "./read.js";

export interface BundleLook {
  /** Equal as long as names, sizes and times are; also where the folder can't be read. */
  readonly signature: string;
  /** Why it isn't whole yet, as far as names and sizes tell; undefined if it may be. */
  readonly lack: string | undefined;
}

/** Tells, without reading any file, whether a folder's files are as they were. */
export async function folderSignature(directory: string): Promise<string> {
  return (await listSizes(directory)).signature;
}

/** Tells whether the manifest is as it was, by its size, its time and which file it is. */
export async function manifestSignature(directory: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await lstat(join(directory, manifestFile));
    return `${size} ${mtimeMs} ${ino}`;
  } catch (error) {
    return systemError(error);
  }
}

/** The digest of the bundle that is in a folder now; undefined where there is no manifest that can be read. */
export async function readDigest(directory: string): Promise<string | undefined> {
  const content = await readFile(directory, manifestFile);
  return "bytes" in content ? createHash("sha256").update(content.bytes).digest("hex") : undefined;
}

/** Looks at a folder before anything of it is loaded. */
export async function lookAtBundle(directory: string, pause: Pause = noPause): Promise<BundleLook> {
  const { signature, sizes } = await listSizes(directory);
  const advice = "it is waited for";
  if (sizes === undefined) return { signature, lack: undefined };
  if (!sizes.has(manifestFile))
    return { signature, lack: sentence({ file: manifestFile, expected: "this file", got: "none", advice }) };
  const content = await readFile(directory, manifestFile, pause);
  if ("problem" in content) return { signature, lack: undefined };
  await pause();
  const manifest = parseManifestBytes(content.bytes, []);
  if (manifest === undefined) {
    const early = sentence({ file: manifestFile, expected: "JSON", got: "its beginning", advice });
    return { signature, lack: endsEarly(content.bytes) ? early : undefined };
  }
  for (const [file, { bytes }] of Object.entries(manifest.files)) {
    const size = sizes.get(file);
    if (size !== undefined && size >= bytes) continue;
    const got = size === undefined ? "none" : `${size}`;
    return { signature, lack: sentence({ file, expected: `${bytes} bytes, as manifest.json says`, got, advice }) };
  }
  return { signature, lack: undefined };
}

async function listSizes(directory: string): Promise<{ signature: string; sizes?: Map<string, number> }> {
  try {
    const names = (await readdir(directory)).sort();
    const looked = names.slice(0, entriesMax);
    const entries = await Promise.all(looked.map((name) => lstat(join(directory, name))));
    const signature = JSON.stringify([
      names.length,
      ...entries.map(({ size, mtimeMs }, i) => [names[i], size, mtimeMs]),
    ]);
    return { signature, sizes: new Map(entries.map(({ size }, i) => [names[i]!, size])) };
  } catch (error) {
    return { signature: systemError(error) };
  }
}
