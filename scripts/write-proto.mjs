/**
 * `node scripts/write-proto.mjs`: writes the JSON Schemas of a bundle's files and of routes.json to proto/, from the
 * schemas that the reader itself uses.
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
const { routesJsonSchema } = await import(new URL("dist/server/routing/route.js", root));
const schemas = { ...formatSchemas(), "routes.schema.json": routesJsonSchema() };
for (const [file, text] of Object.entries(schemas)) writeFileSync(new URL(`proto/${file}`, root), text);
