/**
 * dist/: the compiled sources, and in dist/plumb/ what the command runs: the same as a few files, with the kernels. Made
 * again only when a source has changed.
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isBundled } from "../image/contents.mjs";
import { alone, root, run, SetupError, say } from "./project.mjs";

const dist = join(root, "dist");
const stampFile = join(dist, ".stamp");
/** The command's own folder in dist/: all that an image needs of it. */
const product = join(dist, "plumb");

/** Where a process or a thread of the command begins; package.json and bin/ name them by these paths. */
const entries = [
  "cli/main",
  "server/planes/serving",
  "server/inference/process-worker",
  "server/inference/worker",
  "server/versions/prover-process",
];

/** What is compiled from which source of kernel/. */
const kernels = new Map([
  ["plumb/kernel.wasm", "kernel.ts"],
  ["plumb/rows.wasm", "rows.ts"],
]);

/** Compiles where a source, the compiler or its settings have changed, and removes what no source accounts for. */
export async function ensureBuild() {
  if (isCurrent(readSources())) return;
  await alone(async () => {
    const sources = readSources();
    if (isCurrent(sources)) return;
    say("plumb: building dist/");
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const code = await run(process.execPath, [tsc, "-p", "tsconfig.json", "--noEmitOnError"], { stdout: "stderr" });
    if (code !== 0) throw new SetupError("the build failed; the compiler's output is above");
    await bundle();
    for (const [output, source] of kernels) await compileKernel(output, source);
    removeStrangers(sources);
    writeFileSync(stampFile, sources.stamp);
  });
}

/**
 * A few files in place of some three hundred modules, of which Node would look for each at every start, in every
 * thread: a fifth of the time from start to readiness. What a package can't be without its own files (a native addon, a
 * worker) or what is loaded only with some setting stays outside.
 */
async function bundle() {
  // Not at the top: scripts are loaded before packages are installed.
  const { rolldown } = await import("rolldown");
  rmSync(product, { recursive: true, force: true });
  const input = Object.fromEntries(entries.map((entry) => [entry, join(dist, `${entry}.js`)]));
  const isOutside = (id) => !/^[./]/.test(id) && !isBundled(id);
  const build = await rolldown({ input, platform: "node", external: isOutside });
  await build.write({ dir: product, format: "esm", chunkFileNames: "chunks/[name]-[hash].js" });
  await build.close();
}

/** WebAssembly from kernel/, which is written in AssemblyScript. */
async function compileKernel(output, source) {
  const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
  const code = await run(
    process.execPath,
    [asc, source, "--config", "asconfig.json", "--outFile", join(dist, output)],
    {
      cwd: join(root, "kernel"),
      stdout: "stderr",
    },
  );
  if (code !== 0) throw new SetupError(`the build of ${source} failed; the compiler's output is above`);
}

/** A digest of contents, not times: a checkout, a copy and a touched file don't change it. */
function readSources() {
  const folders = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")).include;
  const files = folders.flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true }).map((file) => `${folder}/${file}`)
      : [],
  );
  const sources = files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts")).sort();
  const ofKernel = readdirSync(join(root, "kernel")).map((file) => `kernel/${file}`);
  const hash = createHash("sha256");
  for (const file of [
    "tsconfig.json",
    "package-lock.json",
    "scripts/setup/build.mjs",
    "scripts/image/contents.mjs",
    ...ofKernel.sort(),
    ...sources,
  ]) {
    const content = readFileSync(join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  const products = entries.map((entry) => `plumb/${entry}.js`);
  return {
    outputs: [...kernels.keys(), ...products, ...sources.map((file) => file.replace(/\.ts$/, ".js"))],
    stamp: hash.digest("hex"),
  };
}

function isCurrent({ outputs, stamp }) {
  try {
    return readFileSync(stampFile, "utf8") === stamp && outputs.every((file) => existsSync(join(dist, file)));
  } catch {
    return false;
  }
}

/** An output whose source is gone would still be importable. */
function removeStrangers({ outputs }) {
  const known = new Set(outputs.flatMap((file) => [file, `${file}.map`]));
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !path.startsWith(product) && !known.has(path.slice(dist.length + 1).replaceAll("\\", "/")))
      rmSync(path);
  }
}
