/**
 * A container engine for one run: buildah and podman with runc, from Debian's packages.
 *
 * Images and containers lie in a folder of the caller's. What is mounted and started is in namespaces of its own and
 * gone with them, however the run ends; the machine's own containers aren't touched.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureDebianPackages, isThere } from "../setup/debian.mjs";
import { run, SetupError } from "../setup/project.mjs";

/** Program to package. `catatonit` is what podman starts a pod with. */
const packages = {
  buildah: "buildah",
  podman: "podman",
  runc: "runc",
  iptables: "iptables",
  catatonit: "catatonit",
  ip: "iproute2",
  unshare: "util-linux",
};
const controlGroups = "/sys/fs/cgroup";
const netavark = "/usr/lib/podman/netavark";

/** @throws SetupError with one line where there can be no engine. */
export async function ensureEngine() {
  if (process.platform !== "linux" || process.getuid() !== 0)
    throw new SetupError("the image is built and run by buildah and podman: on Linux, as root");
  await ensureDebianPackages({ ...packages, ...(existsSync(netavark) ? {} : { [netavark]: "netavark" }) });
  const missing = Object.keys(packages).filter((program) => !isThere(program));
  if (missing.length > 0)
    throw new SetupError(`the image can't be built and run here: ${missing.join(", ")} not found`);
}

/** @param folder - Empty, on a file system that overlays can lie on. */
export function configureEngine(folder) {
  const at = (name) => JSON.stringify(join(folder, name));
  for (const name of ["images", "state", "networks", "tmp"]) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, "storage.conf"),
    `[storage]\ndriver = "overlay"\ngraphroot = ${at("images")}\nrunroot = ${at("state")}\n`,
  );
  // The limits are lower than the engine's own, which root without CAP_SYS_RESOURCE may not set. runc: crun refuses
  // machines whose control groups are of both versions.
  const config = `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=16384:16384"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = ${at("tmp")}
[network]
network_backend = "netavark"
network_config_dir = ${at("networks")}
`;
  writeFileSync(join(folder, "containers.conf"), config);
}

/**
 * Runs a program that uses the engine.
 *
 * @param folder - Configured by {@link configureEngine}.
 * @param command - Program and arguments.
 * @param options.isolated - Whether it has a network of its own: a loopback and what the engine makes, no way out.
 * @returns Its exit code.
 */
export async function runWithEngine(folder, command, { isolated = false, env = {} } = {}) {
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"];
  // The shell stays, as the first process of the namespace: what outlives the program ends with the shell.
  const script = `${isolated ? "ip link set lo up; " : ""}"$@"; exit $?`;
  const engine = {
    CONTAINERS_CONF: join(folder, "containers.conf"),
    CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
  };
  const args = [...namespaces, ...(isolated ? ["--net"] : []), "/bin/sh", "-c", script, "sh", ...command];
  return await run("unshare", args, { env: { ...engine, ...env } });
}

/**
 * Removes the folder, and the control groups that runc leaves empty.
 *
 * @throws Error where something is still mounted in it: it belongs to nobody then.
 */
export function removeEngine(folder) {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const left = mounts.filter((line) => line.split(" ")[1]?.startsWith(folder));
  if (left.length > 0) throw new Error(`still mounted: ${left.join(", ")}`);
  rmSync(folder, { recursive: true, force: true });
  const hierarchies = existsSync(controlGroups) ? readdirSync(controlGroups) : [];
  for (const hierarchy of ["", ...hierarchies]) removeControlGroup(join(controlGroups, hierarchy, "libpod_parent"));
}

/** The kernel removes a group only if no process is in it: those of another engine stay. */
function removeControlGroup(folder) {
  try {
    const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of inner) removeControlGroup(join(folder, name));
    rmdirSync(folder);
  } catch {
    // It isn't there, or in use.
  }
}
