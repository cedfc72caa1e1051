/**
 * `npm run test:image [-- VITEST FILTERS]`: the image's own files on the image's own platform, without a container engine.
 *
 * In a root of Debian 13 with Node 24 (see scripts/image/root.mjs): first the staged server alone, on a file system that nobody can write to; then
 * this checkout's tests under that Node, where every server that a test starts is the staged one.
 */

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureRoot, rootTarget, runInRoot } from "./image/root.mjs";
import { stage } from "./image/stage.mjs";
import { main, root, SetupError, say } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

/** They ask git and npm about the checkout, not the platform, which has neither. */
const ofTheCheckout = ["test/unit/house-rules.test.ts", "test/unit/docs.test.ts", "test/e2e/readme.test.ts"];

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
  const platform = await ensureRoot();
  const staged = mkdtempSync(join(tmpdir(), "plumb-image-"));
  process.on("exit", () => rmSync(staged, { recursive: true, force: true }));
  stage(staged, rootTarget);
  // A folder of `mkdtemp` is private to its owner, and the server isn't root.
  chmodSync(staged, 0o755);
  const mounts = { "/app": staged, "/checkout": root };

  say("plumb: the staged server on a read-only root");
  const inCheckout = ["env", "-C", "/checkout", "node"];
  if ((await runInRoot(platform, mounts, ["node", "/checkout/scripts/image/check-server.mjs", "/app", "/srv"])) !== 0) {
    throw new SetupError("the staged server doesn't serve there; why stands above");
  }
  say("plumb: the tests, against the staged server");
  const excluded = ofTheCheckout.flatMap((file) => ["--exclude", file]);
  const vitest = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--configLoader",
    "runner",
    "--cache=false",
    ...excluded,
    ...process.argv.slice(2),
  ];
  const env = { CI: "true", TEST_SERVER_PROGRAM: "/app/bin/plumb.js" };
  process.exitCode = await runInRoot(platform, mounts, [...inCheckout, ...vitest], { temporary: true, env });
});
