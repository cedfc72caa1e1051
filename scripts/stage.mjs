/**
 * `npm run stage -- DIR [--node-abi N] [--platform P] [--arch A]`: puts what the image holds into DIR, by default for
 * the Node that runs this.
 *
 * `node DIR/bin/plumb.js serve` then serves from there: nothing else is needed, and nothing in DIR is ever written to.
 */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { stage, thisTarget } from "./image/stage.mjs";
import { main, SetupError, say } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

await main(async () => {
  const { folder, target } = readArguments();
  await ensureDependencies();
  await ensureBuild();
  await stage(resolve(process.env.INIT_CWD ?? process.cwd(), folder), target);
  say(`plumb: staged for Node's ABI ${target.abi} on ${target.platform} ${target.arch} in ${folder}`);
});

function readArguments() {
  const options = { "node-abi": { type: "string" }, platform: { type: "string" }, arch: { type: "string" } };
  let parsed;
  try {
    parsed = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new SetupError(error.message);
  }
  const { positionals, values } = parsed;
  if (positionals.length !== 1) throw new SetupError("expected one folder, as in `npm run stage -- out/stage`");
  const here = thisTarget();
  return {
    folder: positionals[0],
    target: {
      platform: values.platform ?? here.platform,
      arch: values.arch ?? here.arch,
      abi: values["node-abi"] ?? here.abi,
    },
  };
}
