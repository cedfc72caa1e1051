/**
 * `npm run stage:check`: stages what the image holds into a temporary folder, looks at every file of it, and serves
 * from it.
 *
 * The time from start to readiness is printed beside its bar, and asserted by nobody: it is a ratio of this machine at
 * this moment.
 */

import { spawnSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckError, checkServer, containerOptions, StagedServer } from "./image/check-server.mjs";
import { filesIn, stage, thisTarget } from "./image/stage.mjs";
import { main, SetupError } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

const packagesMbMax = 90;
/** From start to readiness, as a multiple of what Node needs to do nothing. */
const startRatioBar = 8;
const rounds = 5;

/** Every file of the image is one of these. */
const expectedFiles = [
  /^ui\/(docs|index)\/[\w.-]+$/,
  /^(LICENSE|package\.json|plumb\.config\.json|bin\/plumb\.js)$/,
  /^dist\/plumb\/(cli|server|chunks)\/[\w./-]+\.js$/,
  /^dist\/plumb\/(?:kernel|rows)\.wasm$/,
  /^models\/[\w.-]+\/\d+\/[\w.-]+\.(json|jsonl|md|onnx)$/,
  /^node_modules\/.+\/package\.json$/,
  /^node_modules\/.+\.(js|cjs|mjs|json|node|so\.1)$/,
  /^node_modules\/.+\/(LICEN[CS]E|NOTICE|COPYING|ThirdPartyNotices)[\w.-]*$/i,
];

const megabytes = (bytes) => bytes / 1e6;
const inMb = (bytes) => megabytes(bytes).toFixed(1).padStart(7);

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
  const folder = mkdtempSync(join(tmpdir(), "plumb-stage-"));
  process.on("exit", () => {
    setWritable(folder, true);
    rmSync(folder, { recursive: true });
  });
  const [staged, empty] = [join(folder, "app"), join(folder, "elsewhere")];
  mkdirSync(empty);
  await stage(staged, thisTarget());
  checkFiles(staged);
  // Others than its owner must get there: a folder of `mkdtemp` is private.
  chmodSync(folder, 0o755);
  setWritable(folder, false);
  try {
    await checkServer(staged, empty, (line) => console.log(`  ${line}`));
    await measureStart(staged, empty);
  } catch (error) {
    throw error instanceof CheckError ? new SetupError(error.message) : error;
  }
});

/** Prints what is there, by size, and refuses what isn't expected. */
function checkFiles(staged) {
  const entries = readdirSync(staged, { recursive: true, withFileTypes: true });
  const links = entries.filter((entry) => !entry.isFile() && !entry.isDirectory());
  if (links.length > 0)
    throw new SetupError(`the stage holds what is no file: ${links.map(({ name }) => name).join(", ")}`);
  const files = filesIn(staged).map((path) => ({ path, ...lstatSync(join(staged, path)) }));
  const strangers = files.filter(({ path }) => !expectedFiles.some((pattern) => pattern.test(path)));
  if (strangers.length > 0)
    throw new SetupError(`the stage holds what nobody expects: ${strangers.map(({ path }) => path).join(", ")}`);
  const hidden = files.filter(({ mode }) => (mode & 0o444) !== 0o444 || (mode & 0o7022) !== 0);
  if (hidden.length > 0)
    throw new SetupError(
      `the image's user can't read, or others can write: ${hidden.map(({ path }) => path).join(", ")}`,
    );

  const size = sumBy(files, ({ path }) =>
    path.startsWith("node_modules/") ? `node_modules/${scopeOf(path)}` : path.split("/")[0],
  );
  const packages = [...size]
    .filter(([name]) => name.startsWith("node_modules/"))
    .reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`  ${"MB".padStart(7)}  folder`);
  for (const [name, bytes] of [...size].sort(([, a], [, b]) => b - a)) console.log(`  ${inMb(bytes)}  ${name}`);
  console.log(`  ${inMb(packages)}  node_modules in all, of ${packagesMbMax} allowed`);
  console.log(`  ${inMb([...size.values()].reduce((a, b) => a + b, 0))}  in ${files.length} files`);
  if (megabytes(packages) > packagesMbMax)
    throw new SetupError(`node_modules has ${megabytes(packages).toFixed(0)} MB, ${packagesMbMax} is the most`);
}

/** `@opentelemetry` for all packages of that scope. */
function scopeOf(path) {
  return path.split("/")[1];
}

function sumBy(files, keyOf) {
  const sums = new Map();
  for (const file of files) sums.set(keyOf(file), (sums.get(keyOf(file)) ?? 0) + file.size);
  return sums;
}

function setWritable(folder, writable) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const path of [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))]) {
    const { mode } = lstatSync(path);
    chmodSync(path, writable ? mode | 0o200 : mode & ~0o222);
  }
}

/** In pairs, so that a moment in which the machine is busy slows both. */
async function measureStart(staged, empty) {
  const options = containerOptions(empty);
  const times = { nothing: [], ready: [] };
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    spawnSync(process.execPath, ["-e", "0"], options);
    times.nothing.push(performance.now() - start);
    const serverStart = performance.now();
    const server = new StagedServer(staged, options);
    await server.ready();
    times.ready.push(performance.now() - serverStart);
    await server.end();
  }
  const [nothing, ready] = [median(times.nothing), median(times.ready)];
  const ratio = (ready / nothing).toFixed(1);
  console.log(
    `  start to ready: ${ready.toFixed(0)} ms, ${ratio} times \`node -e 0\` (${nothing.toFixed(0)} ms; medians of ${rounds} pairs); the bar is ${startRatioBar}`,
  );
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
