/** A model store: a folder `<name>/<version>/` per bundle. */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemError } from "./files.js";
import { namePattern, versionPattern } from "./manifest.js";
import { BundleError, quote, sentence } from "./problem.js";

export interface StoredBundle {
  name: string;
  version: number;
  /** Absolute. */
  directory: string;
}

/**
 * Finds the bundles in a store, by the names of folders alone: nothing is opened.
 *
 * @returns By name, then by version, oldest first. Hidden folders and files are left out: a bundle that is being written
 *   stands in one until it is whole.
 * @throws {@link BundleError} for a store that cannot be read, and for folders that are no name or no version.
 */
export async function listBundles(modelsDirectory: string): Promise<StoredBundle[]> {
  const store = resolve(modelsDirectory);
  const problems: string[] = [];
  const bundles: StoredBundle[] = [];
  for (const name of await listFolders(store, problems)) {
    if (!namePattern.test(name)) {
      const expected = "a model's name of lower-case letters, digits, '.', '_' and '-'";
      problems.push(sentence({ file: store, where: `folder ${quote(name)}`, expected, got: "this name", advice: "rename or remove it" }));
      continue;
    }
    for (const version of await listFolders(join(store, name), problems)) {
      if (versionPattern.test(version)) bundles.push({ name, version: Number(version), directory: join(store, name, version) });
      else {
        const expected = "a version: a positive integer without leading zeros";
        problems.push(
          sentence({
            file: store,
            where: `folder ${quote(`${name}/${version}`)}`,
            expected,
            got: "this name",
            advice: "rename or remove it",
          }),
        );
      }
    }
  }
  if (problems.length > 0) throw new BundleError(store, problems);
  return bundles.sort((a, b) => (a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1));
}

/** The visible folders in a folder. A link counts as one, so that reading the bundle can refuse it in words. */
async function listFolders(directory: string, problems: string[]): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => !entry.isFile() && !entry.name.startsWith(".")).map((entry) => entry.name);
  } catch (error) {
    problems.push(sentence({ file: directory, expected: "a folder that can be read", got: systemError(error) }));
    return [];
  }
}
