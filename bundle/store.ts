/** A model store: a folder `<name>/<version>/` per bundle. */
import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { entriesMax, kindOf, systemError } from "./files.js";
import { namePattern, versionPattern } from "./manifest.js";
import { BundleError, quote, sentence } from "./problem.js";

export interface StoredBundle {
  name: string;
  version: number;
  /** Absolute. */
  directory: string;
}

export interface StoreListing {
  /** By name, then by version, oldest first. */
  bundles: StoredBundle[];
  /** A sentence for each thing in the store that is neither a model nor a version nor hidden: it is passed over. */
  strays: string[];
}

/**
 * Lists a store by the names of its folders alone: nothing is opened.
 *
 * @returns What is in it. Hidden folders and plain files are left out without a word: a bundle that is being written
 *   stands in a hidden folder until it is whole. Whatever else isn't named as a model or a version is a stray, and
 *   costs nothing but a warning.
 * @throws {@link BundleError} for a store that cannot be read.
 */
export async function listBundles(modelsDirectory: string): Promise<StoreListing> {
  const store = resolve(modelsDirectory);
  const strays: string[] = [];
  const bundles: StoredBundle[] = [];
  const names = await readFolder(store);
  if ("problem" in names) throw new BundleError(store, [names.problem]);
  for (const entry of names.entries) {
    const { name } = entry;
    if (!isFolder(entry)) strays.push(strayKind(store, name, kindOf(entry)));
    else if (!namePattern.test(name)) {
      strays.push(strayName(store, name, "a model's name of lower-case letters, digits, '.', '_' and '-'"));
    } else {
      const versions = await readFolder(join(store, name));
      if ("problem" in versions) strays.push(`${versions.problem}; its versions are passed over`);
      else for (const version of versions.entries) takeVersion(store, name, version, { bundles, strays });
    }
  }
  return {
    bundles: bundles.sort((a, b) => (a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1)),
    strays,
  };
}

function takeVersion(store: string, name: string, entry: Dirent, { bundles, strays }: StoreListing): void {
  const place = `${name}/${entry.name}`;
  if (!versionPattern.test(entry.name))
    strays.push(strayName(store, place, "a version: a positive integer without leading zeros"));
  else if (!isFolder(entry)) strays.push(strayKind(store, place, kindOf(entry)));
  else bundles.push({ name, version: Number(entry.name), directory: join(store, name, entry.name) });
}

function strayName(store: string, place: string, expected: string): string {
  return sentence({
    file: store,
    where: `folder ${quote(place)}`,
    expected,
    got: "this name",
    advice: "rename or remove it",
  });
}

function strayKind(store: string, place: string, got: string): string {
  return sentence({ file: store, where: quote(place), expected: "a folder", got, advice: "remove it" });
}

/** A link counts as a folder, so that reading the bundle can refuse it in words. */
function isFolder(entry: Dirent): boolean {
  return entry.isDirectory() || entry.isSymbolicLink();
}

/** What is in a folder and visible, plain files aside. */
async function readFolder(directory: string): Promise<{ entries: Dirent[] } | { problem: string }> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return { entries: entries.filter((entry) => !entry.isFile() && !entry.name.startsWith(".")) };
  } catch (error) {
    return { problem: sentence({ file: directory, expected: "a folder that can be read", got: systemError(error) }) };
  }
}

/**
 * Tells, without reading any file, whether a folder's files are as they were: their names, sizes and times. Equal also
 * where it can't be read.
 */
export async function folderSignature(directory: string): Promise<string> {
  try {
    const names = (await readdir(directory)).sort();
    const entries = await Promise.all(names.slice(0, entriesMax).map((name) => lstat(join(directory, name))));
    return JSON.stringify([names, entries.map(({ size, mtimeMs }) => [size, mtimeMs])]);
  } catch (error) {
    return systemError(error);
  }
}
