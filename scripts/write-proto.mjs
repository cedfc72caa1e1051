/**
 * `node scripts/write-proto.mjs`: writes the JSON Schemas of a bundle's files to proto/, from the schemas that the
 * reader itself uses.
 */

import { writeFileSync } from "node:fs";
import { main } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
});
const root = new URL("../", import.meta.url);
const { formatSchemas } = await import(new URL("dist/bundle/formats.js", root));
for (const [file, text] of Object.entries(formatSchemas())) writeFileSync(new URL(`proto/${file}`, root), text);
