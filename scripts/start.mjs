/** `npm start [-- SETTINGS]`: sets up what is missing, then becomes the server, so that signals reach it directly. */

import { fileURLToPath, pathToFileURL } from "node:url";
import { main } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
});
const program = fileURLToPath(new URL("../bin/plumb.js", import.meta.url));
process.argv = [process.argv[0], program, "serve", ...process.argv.slice(2)];
await import(pathToFileURL(program));
