/**
 * `node scripts/with-build.mjs [FILE [ARGS]]`: sets up what is missing, then becomes the given program. Without one, it
 * only builds.
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { main } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
});
const [node, , file, ...args] = process.argv;
if (file) {
  process.argv = [node, resolve(file), ...args];
  await import(pathToFileURL(resolve(file)));
}
