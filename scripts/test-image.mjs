/**
 * `npm run test:image [-- VITEST FILTERS]`: the image's own files on the image's own platform, without a container engine.
 *
 * In a root of Debian 13 with Node 24 (see scripts/image/root.mjs): builds and stages there, from what .dockerignore lets in, as the Dockerfile
 * does; asks the staged server alone, on a file system that nobody can write to; then runs this checkout's tests under that Node, where every
 * server that a test starts is the staged one.
 */

import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureRoot, runInRoot } from "./image/root.mjs";
import { main, root, SetupError, say } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

/** They ask git and npm about the checkout, not the platform, which has neither. */
const ofTheCheckout = ["test/unit/house-rules.test.ts", "test/unit/docs.test.ts", "test/e2e/readme.test.ts"];

await main(async () => {
  await ensureDependencies();
  await ensureBuild();
  const platform = await ensureRoot();
  const folder = mkdtempSync(join(tmpdir(), "plumb-image-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [context, staged] = [join(folder, "context"), join(folder, "app")];
  mkdirSync(staged);
  copyContext(context);
  // A folder of `mkdtemp` is private to its owner, and the server isn't root.
  chmodSync(folder, 0o755);

  say("plumb: building and staging as the Dockerfile does");
  const building = { "/context": context, "/context/node_modules": join(root, "node_modules"), "/app": staged };
  const build = ["env", "-C", "/context", "node", "scripts/stage.mjs", "/app"];
  must(await runInRoot(platform, building, build, { written: ["/context", "/app"] }), "the image's build fails");

  say("plumb: the staged server on a read-only root");
  const mounts = { "/app": staged, "/checkout": root };
  const check = ["node", "/checkout/scripts/image/check-server.mjs", "/app", "/srv"];
  must(await runInRoot(platform, mounts, check), "the staged server doesn't serve there");

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
  process.exitCode = await runInRoot(platform, mounts, ["env", "-C", "/checkout", "node", ...vitest], { temporary: true, env });
});

function must(code, sentence) {
  if (code !== 0) throw new SetupError(`${sentence}; why stands above`);
}

/** What a container engine would be given. The packages are those of the checkout: `npm ci` would make the same of the same lockfile. */
function copyContext(context) {
  const lines = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  for (const line of lines) if (line.startsWith("!")) cpSync(join(root, line.slice(1)), join(context, line.slice(1)), { recursive: true });
  mkdirSync(join(context, "node_modules"));
}
