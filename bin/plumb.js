#!/usr/bin/env node
// The command: everything is in dist/, which `npm run build` makes.
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  process.stderr.write("plumb: dist/ isn't built yet: run `npm run build` (or `npm start`, which does it by itself)\n");
  process.exit(2);
}
const { run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
