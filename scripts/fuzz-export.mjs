/**
 * `npm run fuzz:export`: random pipelines, exported, and held to their own answers on rows that they never saw.
 * FUZZ_SEEDS says how many (100), FUZZ_FIRST from which on (0), FUZZ_SECONDS how long at most; FUZZ_TELL=1 also prints
 * why the others weren't compared.
 */

import { join } from "node:path";
import { main, root, run } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies, ensureTestPython } from "./setup.mjs";

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
  const python = await ensureTestPython();
  process.exitCode = await run(python, ["-m", "fuzz", ...process.argv.slice(2)], {
    cwd: join(root, "trainer"),
    env: { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
  });
});
