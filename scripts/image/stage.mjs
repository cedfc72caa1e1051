/**
 * Puts what the image holds into a folder: the same for the Dockerfile, for `npm run stage:check` and for `npm run
 * test:image`.
 */

import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, SetupError } from "../setup/project.mjs";
import { isKept, packageName, productionPackages, requiredNatives } from "./contents.mjs";

/** This machine's own Node. @returns {import("./contents.mjs").Target} */
export function thisTarget() {
  return { platform: process.platform, arch: process.arch, abi: process.versions.modules };
}

/** The project's own part, as paths of the checkout; a folder stands for all that is in it. */
const own = ["bin", "dist/plumb", "models", "LICENSE", "package.json", "plumb.config.json", "ui/docs", "ui/index"];

/**
 * @param folder - Must be empty or not there yet.
 * @param {import("./contents.mjs").Target} target - Whose native binaries go in.
 */
export async function stage(folder, target) {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new SetupError(`${folder} isn't empty: stage into a new folder`);
  for (const path of own) copy(path, folder);
  copyPackages(folder, [target]);
}

/**
 * Puts the packages of production into a folder's node_modules.
 *
 * @param {import("./contents.mjs").Target[]} targets - Of one platform; the binaries of each Node go in.
 */
export function copyPackages(folder, targets) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  for (const path of productionPackages(packages, targets[0])) {
    // An optional package of another platform; whatever else is missing, the installation has already refused.
    if (packages[path].optional && !existsSync(join(root, path))) continue;
    const files = filesIn(join(root, path)).filter((file) => !file.startsWith("node_modules/"));
    const isWanted = (file) => targets.some((target) => isKept(packageName(path), file, target));
    for (const file of files.filter(isWanted)) copy(`${path}/${file}`, folder);
  }
  for (const file of targets.flatMap(requiredNatives)) {
    if (!existsSync(join(folder, "node_modules", file)))
      throw new SetupError(`node_modules has no ${file}: is there one for this Node?`);
  }
}

/** Copies a path of the checkout, a folder with all that is in it. */
export function copy(path, folder) {
  const source = join(root, path);
  if (statSync(source).isDirectory()) {
    for (const file of filesIn(source)) copy(`${path}/${file}`, folder);
    return;
  }
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  // The image's user owns nothing and must read everything, whatever the checkout's umask was.
  chmodSync(target, statSync(source).mode & 0o100 ? 0o755 : 0o644);
}

/** All files below a folder, as paths with `/` from it, sorted. */
export function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replaceAll("\\", "/").replace(/^\//, ""))
    .sort();
}
