/**
 * `npm run pack [-- --out DIR] [--platform P --arch A]`: what is installed where there is no checkout: the npm package,
 * by default for this platform, and the trainer's wheel. DIR is .cache/packages unless it is said.
 */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { thisTarget } from "./image/stage.mjs";
import { packForNpm } from "./pack/npm-package.mjs";
import { packWheel } from "./pack/wheel.mjs";
import { main, root, SetupError } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

await main(async () => {
  const { out, target } = readArguments();
  await ensureDependencies();
  await ensureBuild();
  console.log(await packForNpm(out, target));
  console.log(await packWheel(out));
});

function readArguments() {
  const options = { out: { type: "string" }, platform: { type: "string" }, arch: { type: "string" } };
  try {
    const { values } = parseArgs({ options });
    const here = thisTarget();
    return {
      out: resolve(process.env.INIT_CWD ?? process.cwd(), values.out ?? resolve(root, ".cache/packages")),
      target: { platform: values.platform ?? here.platform, arch: values.arch ?? here.arch },
    };
  } catch (error) {
    throw new SetupError(error.message);
  }
}
