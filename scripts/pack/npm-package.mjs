/**
 * The npm package: a tarball that npm installs without asking a registry, and without running any package's script.
 *
 * All packages of production lie in it (`bundleDependencies`), each with a package.json that names no script and only
 * what lies beside it: onnxruntime-node's own would fetch CUDA libraries at install, and end the installation where
 * there is no network. A tarball is for one platform, because ONNX Runtime for all of them is a third of a gigabyte.
 */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isBundled, packageName } from "../image/contents.mjs";
import { copy, copyPackages, filesIn } from "../image/stage.mjs";
import { root, run, SetupError } from "../setup/project.mjs";

/** `process.versions.modules` of Node 20, 22, 24 and 25. Beside others HTTP is served by node:http. */
const abis = ["115", "127", "137", "141"];
const own = ["bin", "dist/plumb", "LICENSE", "ui/docs", "ui/index"];
const pages = join(root, "scripts/pack");
/** Of the checkout's package.json; the rest is about making it. */
const keptFields = ["name", "version", "description", "license", "type", "engines", "bin"];
const keptOfPackages = ["name", "version", "license", "type", "main", "module", "exports", "imports", "os", "cpu"];

/**
 * @param out - The folder for the tarball.
 * @param {{ platform: string, arch: string }} target
 * @returns The tarball's path.
 */
export async function packForNpm(out, target) {
  const folder = mkdtempSync(join(tmpdir(), "plumb-pack-"));
  try {
    fill(folder, target);
    const { name, version } = readJson(join(folder, "package.json"));
    const args = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
    const code = await run("npm", args, { cwd: folder, stdout: "stderr" });
    if (code !== 0) throw new SetupError(`npm pack failed (exit code ${code}); its output is above`);
    const tarball = join(out, `${name}-${version}-${target.platform}-${target.arch}.tgz`);
    mkdirSync(out, { recursive: true });
    // By copy: the temporary folder may be on another file system.
    copyFileSync(join(folder, `${name}-${version}.tgz`), tarball);
    return tarball;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fill(folder, { platform, arch }) {
  for (const path of own) copy(path, folder);
  copyFileSync(join(pages, "README.md"), join(folder, "README.md"));
  copyFileSync(join(pages, "plumb.d.ts"), join(folder, "plumb.d.ts"));
  copyPackages(
    folder,
    abis.map((abi) => ({ platform, arch, abi })),
  );
  passOnLicences(folder);
  const inside = packagesIn(folder);
  for (const path of inside) writeJson(join(folder, path, "package.json"), declared(folder, path, inside));
  writeJson(join(folder, "package.json"), manifest(folder, inside, { platform, arch }));
}

/** What is part of the command's own files is no package any more, but its licence goes along. */
function passOnLicences(folder) {
  for (const path of filesIn(folder)) {
    const [, name, file] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\/(.+)$/.exec(path) ?? [];
    if (name === undefined || !isBundled(name)) continue;
    const target = join(folder, "licences", name);
    mkdirSync(target, { recursive: true });
    renameSync(join(folder, path), join(target, file.replaceAll("/", "-")));
  }
}

/** @returns Paths such as `node_modules/@napi-rs/nice`, inner ones too. */
function packagesIn(folder) {
  const isRoot = /^(?:(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*)+$/;
  return filesIn(folder)
    .filter((file) => file.endsWith("/package.json"))
    .map((file) => file.slice(0, -"/package.json".length))
    .filter((path) => isRoot.test(path));
}

/** The package.json of a package inside: what Node reads, and as dependencies only what lies in the tarball too. */
function declared(folder, path, inside) {
  const read = readJson(join(folder, path, "package.json"));
  const names = new Set(inside.map(packageName));
  const wanted = { ...read.peerDependencies, ...read.optionalDependencies, ...read.dependencies };
  const dependencies = Object.fromEntries(Object.entries(wanted).filter(([name]) => names.has(name)));
  return { ...picked(read, keptOfPackages), dependencies };
}

function manifest(folder, inside, { platform, arch }) {
  const read = readJson(join(root, "package.json"));
  const outer = inside.filter((path) => path.lastIndexOf("node_modules/") === 0);
  const versionOf = (path) => readJson(join(folder, path, "package.json")).version;
  const dependencies = Object.fromEntries(
    outer.map((path) => [packageName(path), read.dependencies[packageName(path)] ?? versionOf(path)]),
  );
  const imports = Object.entries(read.imports).filter(
    ([, path]) => path.includes("*") || path === "./package.json" || existsSync(join(folder, path)),
  );
  return {
    ...picked(read, keptFields),
    os: [platform],
    cpu: [arch],
    ...(platform === "linux" && { libc: ["glibc"] }),
    exports: {
      ".": { types: "./plumb.d.ts", default: "./dist/plumb/cli/main.js" },
      "./package.json": "./package.json",
    },
    imports: Object.fromEntries(imports),
    dependencies,
    bundleDependencies: Object.keys(dependencies),
  };
}

function picked(object, names) {
  return Object.fromEntries(names.filter((name) => name in object).map((name) => [name, object[name]]));
}

function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
