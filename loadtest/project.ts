/**
 * Where things of this checkout are, found from this file, so that the tools run from any working directory, built or
 * not.
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const projectRoot = nearestPackage(import.meta.dirname);

/** The version of an installed package, from its package.json. */
export function packageVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot, "node_modules", name, "package.json"), "utf8")) as {
    version: string;
  };
  return version;
}

function nearestPackage(directory: string): string {
  if (existsSync(join(directory, "package.json"))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error("no package.json above the load tools");
  return nearestPackage(parent);
}
