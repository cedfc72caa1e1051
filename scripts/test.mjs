/**
 * `npm test [-- VITEST ARGS]`: sets up what is missing, then runs every test of both languages; with arguments, vitest
 * alone, with what is there.
 *
 * The last line counts both: `tests: N passed, N failed`, and `, N skipped` where there are any. Whatever goes wrong
 * outside a test counts as one failed test, so that the line never reads better than the run was. What failed is named
 * once more before it: a log may be cut.
 */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { runVitest, withReport } from "./run-vitest.mjs";
import { main, root, run, SetupError, say } from "./setup/project.mjs";
import { ensureBuild, ensureDebianPackages, ensureDependencies, ensureTestPython } from "./setup.mjs";
import { closingLine, countPytest, namePytestFailures } from "./test-counts.mjs";

/**
 * A worker per processor, each with half of the files at first, so that a module's fixtures are mostly made once; who
 * is done takes from the others.
 *
 * One thread per worker for BLAS and OpenMP. No answer depends on it: the trainer holds its libraries to one thread
 * itself, whatever it finds.
 */
async function runPytest() {
  try {
    const python = await ensureTestPython();
    const workers = ["-n", String(availableParallelism()), "--dist", "worksteal"];
    return await withReport("pytest.xml", async (report) => {
      const code = await run(python, ["-m", "pytest", ...workers, "--durations=10", `--junitxml=${report.file}`], {
        cwd: join(root, "trainer"),
        env: { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
      });
      const text = report.read();
      return { ...countPytest(text, code), failures: namePytestFailures(text) };
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`plumb: the trainer's tests did not run: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0, failures: [] };
  }
}

await main(async () => {
  const args = process.argv.slice(2);
  await ensureDependencies();
  await ensureBuild();
  if (args.length === 0) await ensureDebianPackages();
  const counts = [await runVitest(args)];
  if (args.length === 0) counts.push(await runPytest());
  for (const failure of counts.flatMap((count) => count.failures)) say(`failed: ${failure}`);
  console.log(closingLine(counts));
  process.exitCode = counts.some((count) => count.failed > 0) ? 1 : 0;
});
