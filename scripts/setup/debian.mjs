/**
 * Programs of other makers that some tests work with for real: a Prometheus, a browser. They come from Debian's
 * packages.
 *
 * Where they can't be installed (no Debian, not root, no network) one line says so, and the tests that need them are
 * skipped, each with a line of its own.
 */

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run, say } from "./project.mjs";

/** Program to package. */
const packages = { promtool: "prometheus", chromium: "chromium" };

const policyFile = "/usr/sbin/policy-rc.d";

export function isThere(program) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** @param programs - Keys of the list above, or `{program: package}` of the caller's own. */
export async function ensureDebianPackages(programs = packages) {
  const missing = Object.keys(programs).filter((program) => !isThere(program));
  if (missing.length === 0) return;
  const names = missing.map((program) => programs[program]);
  if (process.getuid?.() !== 0 || !isThere("apt-get")) {
    say(
      `plumb: ${missing.join(", ")} not found: what needs them is skipped (on Debian, as root: apt-get install ${names.join(" ")})`,
    );
    return;
  }
  say(`plumb: installing Debian's packages for the tests that need them: ${names.join(", ")}`);
  // The tests start their own servers; a package's service would take ports and outlive them.
  const ownPolicy = !existsSync(policyFile);
  if (ownPolicy) writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const patience = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=2"];
    const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, stdout: "stderr" };
    await run("apt-get", ["update", "-qq", ...patience], options);
    const code = await run(
      "apt-get",
      ["install", "-y", "-qq", "--no-install-recommends", ...patience, ...names],
      options,
    );
    if (code !== 0)
      say(`plumb: Debian's packages could not be installed (apt-get ended with ${code}): what needs them is skipped`);
  } finally {
    if (ownPolicy) rmSync(policyFile, { force: true });
  }
}
