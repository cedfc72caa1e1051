/** A model store: a folder `<name>/<version>/` per bundle. */
import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { kindOf, systemError } from "./files.js";
import { namePattern, versionPattern } from "./manifest.js";
import { noPause, type Pause } from "./pause.js";
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
  /** Models whose folder can't be read at this time: which versions they have isn't known. */
  unread: string[];
}

/**
 * Lists a store by the names of its folders alone: nothing is opened.
 *
 * @param pause - Called between steps of well under a millisecond, however much is in the store.
 * @returns What is in it. Hidden folders and plain files are left out without a word: a bundle that is being written
 *   stands in a hidden folder until it is whole. Whatever else isn't named as a model or a version is a stray, and
 *   costs nothing but a warning.
 * @throws {@link BundleError} for a store that cannot be read.
 */
export async function listBundles(modelsDirectory: string, pause: Pause = noPause): Promise<StoreListing> {
  const store = resolve(modelsDirectory);
  const strays: string[] = [];
  const bundles: StoredBundle[] = [];
  const unread: string[] = [];
  const names = await readFolder(store, pause);
  if ("problem" in names) throw new BundleError(store, [names.problem]);
  for (const entry of names.entries) {
    const { name } = entry;
    if (!isFolder(entry)) strays.push(strayKind(store, name, kindOf(entry)));
    else if (!namePattern.test(name)) {
      strays.push(strayName(store, name, "a model's name of lower-case letters, digits, '.', '_' and '-'"));
    } else {
      const versions = await readFolder(join(store, name), pause);
      if ("problem" in versions) {
        unread.push(name);
        strays.push(`${versions.problem}; its versions are passed over`);
        continue;
      }
      const found: StoredBundle[] = [];
      for (const [i, version] of versions.entries.entries()) {
        takeVersion(store, name, version, { bundles: found, strays });
        if (i % stepEntries === 0) await pause();
      }
      for (const bundle of found.sort((a, b) => a.version - b.version)) bundles.push(bundle);
    }
  }
  // A store has few models; each has its versions in their order.
  const models = new Map<string, StoredBundle[]>();
  for (const bundle of bundles) {
    if (!models.has(bundle.name)) models.set(bundle.name, []);
    models.get(bundle.name)!.push(bundle);
  }
  return { bundles: [...models.keys()].sort().flatMap((name) => models.get(name)!), strays: strays.sort(), unread };
}

type Found = Pick<StoreListing, "bundles" | "strays">;

function takeVersion(store: string, name: string, entry: Dirent, { bundles, strays }: Found): void {
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

/** Entries that are read, and looked at, in one step. */
const stepEntries = 128;

/** What is in a folder and visible, plain files aside. */
async function readFolder(directory: string, pause: Pause): Promise<{ entries: Dirent[] } | { problem: string }> {
  const entries: Dirent[] = [];
  let count = 0;
  try {
    for await (const entry of await opendir(directory, { bufferSize: stepEntries })) {
      if (!entry.isFile() && !entry.name.startsWith(".")) entries.push(entry);
      if (++count % stepEntries === 0) await pause();
    }
    return { entries };
  } catch (error) {
    if (error instanceof Error && !("code" in error)) throw error;
    return { problem: sentence({ file: directory, expected: "a folder that can be read", got: systemError(error) }) };
  }
}
