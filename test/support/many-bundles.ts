/**
 * A store of many bundles, made of the shipped example by copying it under other names: what a server meets that holds
 * hundreds of models.
 */

import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demandDirectory } from "./demand-bundle.js";

export interface ManyBundles {
  readonly directory: string;
  readonly names: readonly string[];
  remove(): Promise<void>;
}

/** `demand-000/1`, `demand-001/1`, ...; their files are links to the example's, so that they take no room. */
export async function makeManyBundles(count: number): Promise<ManyBundles> {
  const directory = await mkdtemp(join(tmpdir(), "plumb-many-"));
  const manifest = await readFile(join(demandDirectory, "manifest.json"), "utf8");
  const files = (await readdir(demandDirectory)).filter((file) => file !== "manifest.json");
  const names = Array.from({ length: count }, (_, i) => `demand-${String(i).padStart(3, "0")}`);
  for (const name of names) {
    const folder = join(directory, name, "1");
    await mkdir(folder, { recursive: true });
    for (const file of files) await linkOrCopy(join(demandDirectory, file), join(folder, file));
    await writeFile(join(folder, "manifest.json"), manifest.replace(/"name":\s*"demand"/, `"name": "${name}"`));
  }
  return { directory, names, remove: () => rm(directory, { recursive: true, force: true }) };
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    // Another file system.
    await writeFile(to, await readFile(from));
  }
}
