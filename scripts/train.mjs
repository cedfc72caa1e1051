/**
 * `npm run train -- CONFIG [--out DIR]`: sets up both languages, since a bundle is proved by the code that will serve
 * it, then trains.
 */

import { delimiter, join } from "node:path";
import { main, root, run } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies, ensurePython } from "./setup.mjs";

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
  const python = await ensurePython();
  const paths = [join(root, "trainer"), process.env.PYTHONPATH].filter(Boolean);
  process.exitCode = await run(python, ["-m", "plumb_trainer", "train", ...process.argv.slice(2)], {
    env: { PYTHONPATH: paths.join(delimiter) },
  });
});
