/**
 * The image's platform without a container engine: a folder with Debian 13's minimal system and Node 24, to `chroot`
 * into.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDebianPackages } from "../setup/debian.mjs";
import { root, run, SetupError, say } from "../setup/project.mjs";

const suite = "trixie";
/** npm's package of Node's own binary, pinned by hash as package-lock.json pins the rest. */
const node = {
  version: "24.21.0",
  integrity: {
    x64: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    arm64: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
};

/**
 * The root's folder; made where it isn't there yet, and kept for the next run.
 *
 * @throws SetupError where it can't be made: that takes Linux, root's rights and debootstrap.
 */
export async function ensureRoot() {
  if (process.platform !== "linux" || process.getuid() !== 0)
    throw new SetupError("the image's platform is made by debootstrap: on Linux, as root");
  const integrity = node.integrity[process.arch];
  if (integrity === undefined)
    throw new SetupError(`the image's platform is made for x64 and arm64, not for ${process.arch}`);
  const folder = join(root, ".cache", `${suite}-node-${node.version}-${process.arch}`);
  if (existsSync(folder)) return folder;
  await ensureDebianPackages({ debootstrap: "debootstrap" });
  // Only a root that is complete gets the name.
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  say(`plumb: making a root of Debian ${suite} with Node ${node.version}`);
  const code = await run("debootstrap", ["--variant=minbase", suite, part, debianMirror()], { stdout: "stderr" });
  if (code !== 0) throw new SetupError(`debootstrap ended with ${code}; its output is above`);
  writeFileSync(join(part, "etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n");
  installNode(part, integrity);
  renameSync(part, folder);
  return folder;
}

/** From where this machine itself gets Debian's packages. */
function debianMirror() {
  const asked = [
    "indextargets",
    "--format",
    "$(REPO_URI)",
    "Created-By: Packages",
    "Origin: Debian",
    "Label: Debian",
    "Component: main",
  ];
  const { stdout } = spawnSync("apt-get", asked, { encoding: "utf8" });
  const [mirror] = stdout?.split("\n") ?? [];
  if (!mirror)
    throw new SetupError("apt's sources name no mirror of Debian (is its list of packages there? apt-get update)");
  return mirror;
}

function installNode(folder, integrity) {
  const download = mkdtempSync(join(tmpdir(), "plumb-node-"));
  try {
    const name = `node-linux-${process.arch}@${node.version}`;
    const [{ filename }] = JSON.parse(
      execFileSync("npm", ["pack", name, "--json", "--pack-destination", download], { encoding: "utf8" }),
    );
    const archive = join(download, filename);
    const digest = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (digest !== integrity)
      throw new SetupError(`${name} isn't the package that it was: expected ${integrity}, got ${digest}`);
    execFileSync("tar", ["-xzf", archive, "-C", join(folder, "usr"), "--strip-components=1", "package/bin/node"]);
  } finally {
    rmSync(download, { recursive: true });
  }
}

/**
 * Runs a program in the root, which it can only read, but for what is mounted to be written. What is mounted for it is
 * seen by it alone, and gone when it has ended, however it ends.
 *
 * @param folder - The root.
 * @param mounts - Folders of this machine by their paths in the root, each after those around it: to be read there.
 * @param options.written - Those of the paths that may be written to.
 * @param options.temporary - Whether it has a writable /tmp.
 * @returns The program's exit code.
 */
export async function runInRoot(folder, mounts, command, { written = [], temporary = false, env = {} } = {}) {
  const script = ["set -e", 'mount --bind "$root" "$root"'];
  for (const [inside, outside] of Object.entries(mounts)) {
    mkdirSync(join(folder, inside), { recursive: true });
    script.push(`mount --bind ${quoted(outside)} "$root${inside}"`);
    if (!written.includes(inside)) script.push(`mount -o remount,bind,ro "$root${inside}"`);
  }
  script.push('mount -t proc proc "$root/proc"', 'mount --rbind /dev "$root/dev"');
  if (temporary) script.push('mount -t tmpfs tmpfs "$root/tmp"');
  script.push('mount -o remount,bind,ro "$root"');
  const variables = Object.entries({ PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env }).map(([name, value]) =>
    quoted(`${name}=${value}`),
  );
  // The shell stays, as the first process of the namespace: what outlives the program ends with the shell.
  script.push(
    `code=0; chroot "$root" /usr/bin/env -i ${variables.join(" ")} ${command.map(quoted).join(" ")} || code=$?; exit $code`,
  );
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
  return await run("unshare", [...namespaces, "/bin/sh", "-c", script.join("\n")], { env: { root: folder } });
}

function quoted(word) {
  return `'${String(word).replaceAll("'", "'\\''")}'`;
}
