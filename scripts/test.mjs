/**
 * `npm test [-- VITEST ARGS]`: sets up what is missing, then runs every test of both languages; with arguments, vitest alone, with what is there.
 *
 * The last line counts both: `tests: N passed, N failed`, and `, N skipped` where there are any. Whatever goes wrong
 * outside a test counts as one failed test, so that the line never reads better than the run was.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { main, root, run, SetupError, say } from "./setup/project.mjs";
import { ensureBuild, ensureDebianPackages, ensureDependencies, ensureTestPython } from "./setup.mjs";
import { closingLine, countPytest, countVitest } from "./test-counts.mjs";

async function runVitest(folder, args) {
  const report = join(folder, "vitest.json");
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const code = await run(process.execPath, [vitest, "run", ...reporters, ...args]);
  return countVitest(read(report), code);
}

/**
 * A worker per processor, each with half of the files at first, so that a module's fixtures are mostly made once; who is done takes from the others.
 *
 * One thread per worker for BLAS and OpenMP. No answer depends on it: the trainer holds its libraries to one thread itself, whatever it finds.
 */
async function runPytest(folder) {
  const report = join(folder, "pytest.xml");
  try {
    const python = await ensureTestPython();
    const workers = ["-n", String(availableParallelism()), "--dist", "worksteal"];
    const code = await run(python, ["-m", "pytest", ...workers, "--durations=10", `--junitxml=${report}`], {
      cwd: join(root, "trainer"),
      env: { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
    });
    return countPytest(read(report), code);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`plumb: the trainer's tests did not run: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

await main(async () => {
  const args = process.argv.slice(2);
  await ensureDependencies();
  await ensureBuild();
  if (args.length === 0) await ensureDebianPackages();
  const folder = mkdtempSync(join(tmpdir(), "plumb-test-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const counts = [await runVitest(folder, args)];
  if (args.length === 0) counts.push(await runPytest(folder));
  const failed = counts.some((count) => count.failed > 0);
  console.log(closingLine(counts));
  process.exitCode = failed ? 1 : 0;
});
