/**
 * `npm run test:image [-- --container | --platform [VITEST FILTERS]]`: the image as it is built and run, then the tests
 * on its platform. By default both, one after the other.
 *
 * The container: builds the Dockerfile unchanged with buildah, on a base of Debian 13 and Node 24
 * (scripts/image/root.mjs) that stands for the one it names; runs it with podman as docs/operations.md says, and from
 * the manifest for Kubernetes (scripts/image/check-container.mjs).
 *
 * The platform: in that base, without a container, stages from what .dockerignore lets in, as the Dockerfile does; asks
 * the staged server alone, on a file system that nobody can write to; then runs this checkout's tests under that Node,
 * where every server that a test starts is the staged one.
 */

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureEngine, ensureEngine, removeEngine, runWithEngine } from "./image/engine.mjs";
import { ensureRoot, runInRoot } from "./image/root.mjs";
import { main, root, SetupError, say } from "./setup/project.mjs";
import { ensureBuild, ensureDependencies } from "./setup.mjs";

/** They ask git and npm about the checkout, not the platform, which has neither. */
const ofTheCheckout = ["test/unit/house-rules.test.ts", "test/unit/docs.test.ts", "test/e2e/readme.test.ts"];

await main(async () => {
  const [first, ...filters] = process.argv.slice(2);
  const halves = { "--container": ["container"], "--platform": ["platform"] };
  const wanted = first === undefined ? ["container", "platform"] : halves[first];
  if (wanted === undefined || (first === "--container" && filters.length > 0))
    throw new SetupError("expected nothing, --container, or --platform with filters of vitest");
  await ensureDependencies();
  await ensureBuild();
  const platform = await ensureRoot();
  if (wanted.includes("container")) await tryContainer(platform);
  if (wanted.includes("platform")) await tryPlatform(platform, filters);
});

async function tryContainer(platform) {
  await ensureEngine();
  // On the checkout's own file system: an overlay doesn't lie on another one, which /tmp may be.
  const folder = mkdtempSync(join(root, ".cache/engine-"));
  process.on("exit", () => removeEngine(folder));
  configureEngine(folder);
  const base = join(folder, "base");
  mkdirSync(base);

  say("plumb: building the Dockerfile");
  const output = (command, ...args) => execFileSync(command, args, { encoding: "utf8", cwd: root }).trim();
  const npm = join(output("npm", "root", "--global"), "npm");
  const env = { root: platform, base, npm, context: root, revision: output("git", "rev-parse", "HEAD") };
  must(
    await runWithEngine(folder, ["sh", join(root, "scripts/image/build-container.sh")], { env }),
    "the image can't be built",
  );

  say("plumb: the image as a container");
  const check = [process.execPath, join(root, "scripts/image/check-container.mjs"), "localhost/plumb:test"];
  const files = [join(root, "models"), join(root, "deploy/kubernetes/plumb.yaml")];
  must(
    await runWithEngine(folder, [...check, ...files], { isolated: true }),
    "the image doesn't keep its promises as a container",
  );
}

async function tryPlatform(platform, filters) {
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
    ...filters,
  ];
  const env = { CI: "true", TEST_SERVER_PROGRAM: "/app/bin/plumb.js" };
  process.exitCode = await runInRoot(platform, mounts, ["env", "-C", "/checkout", "node", ...vitest], {
    temporary: true,
    env,
  });
}

function must(code, sentence) {
  if (code !== 0) throw new SetupError(`${sentence}; why stands above`);
}

/**
 * What a container engine would be given. The packages are those of the checkout: `npm ci` would make the same of the
 * same lockfile.
 */
function copyContext(context) {
  const lines = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  for (const line of lines)
    if (line.startsWith("!")) cpSync(join(root, line.slice(1)), join(context, line.slice(1)), { recursive: true });
  mkdirSync(join(context, "node_modules"));
}
