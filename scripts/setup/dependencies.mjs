/** node_modules: is it what package-lock.json says, and if not, make it so. */

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { alone, root, run, SetupError, say } from "./project.mjs";

/**
 * Installs the packages of package-lock.json where node_modules doesn't hold them already.
 *
 * No package's own install script runs: none is needed, and onnxruntime-node's would fetch CUDA libraries.
 */
export async function ensureDependencies() {
  if (!difference()) return;
  await alone(async () => {
    const reason = difference();
    if (!reason) return;
    say(`plumb: installing packages from package-lock.json (${reason})`);
    const [command, ...args] = npm();
    const code = await run(
      command,
      [...args, "ci", "--ignore-scripts", "--include=dev", "--include=optional", "--loglevel=error"],
      {
        env: { ONNXRUNTIME_NODE_INSTALL: "skip" },
        stdout: "stderr",
      },
    );
    if (code !== 0) throw new SetupError(`npm ci failed (exit code ${code}); its output is above`);
  });
}

/** The npm that runs this script, or the one on the path. */
function npm() {
  const caller = process.env.npm_execpath;
  return caller && basename(caller) === "npm-cli.js" ? [process.execPath, caller] : ["npm"];
}

function difference() {
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  let installed;
  try {
    installed = JSON.parse(readFileSync(join(root, "node_modules/.package-lock.json"), "utf8")).packages;
  } catch {
    return "none are installed";
  }
  return lockDifference(wanted, installed, process, (path) => existsSync(join(root, path, "package.json")));
}

/**
 * What stands in node_modules that the lockfile doesn't say, or the other way round?
 *
 * npm leaves out optional packages of other platforms, and with them what only those need: an optional package may be
 * missing unless it names this very platform.
 *
 * @param wanted - `packages` of package-lock.json, by path.
 * @param installed - `packages` of node_modules/.package-lock.json, which npm writes when it is done.
 * @param platform - `platform` and `arch`, as `process` has them.
 * @param present - Is there a package at this path?
 * @returns The first difference in words, or undefined.
 */
export function lockDifference(wanted, installed, platform, present) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const found = installed[path];
    if (!found) {
      if (entry.optional && !madeFor(entry, platform)) continue;
      return `${name(path)} is missing`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) return `${name(path)} has changed`;
    if (!present(path)) return `${name(path)} is missing`;
  }
  const extra = Object.keys(installed).find((path) => !(path in wanted));
  return extra && `${name(extra)} is no longer wanted`;
}

/** A package for another C library shares os and cpu with this one, so whoever names a C library is left to npm. */
function madeFor(entry, { platform, arch }) {
  return Boolean(entry.os?.includes(platform) && entry.cpu?.includes(arch) && !entry.libc);
}

function name(path) {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}
