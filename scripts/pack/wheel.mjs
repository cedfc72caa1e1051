/** The trainer's wheel, made from a copy of its sources: a build leaves files where it runs. */

import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run, SetupError } from "../setup/project.mjs";
import { findPython } from "../setup/python.mjs";

/**
 * Builds with the build backend that pyproject.toml names, which pip fetches.
 *
 * @param out - The folder for the wheel.
 * @returns The wheel's path.
 */
export async function packWheel(out) {
  const folder = mkdtempSync(join(tmpdir(), "plumb-wheel-"));
  try {
    const trainer = join(root, "trainer");
    const isSource = (path) => !path.includes("__pycache__");
    cpSync(join(trainer, "plumb_trainer"), join(folder, "plumb_trainer"), { recursive: true, filter: isSource });
    copyFileSync(join(trainer, "pyproject.toml"), join(folder, "pyproject.toml"));
    copyFileSync(join(root, "scripts/pack/trainer-README.md"), join(folder, "README.md"));
    copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
    const made = join(folder, "made");
    const pip = ["-m", "pip", "wheel", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"];
    const python = findPython("the trainer's wheel");
    const code = await run(python, [...pip, "--wheel-dir", made, folder], { stdout: "stderr" });
    if (code !== 0) throw new SetupError(`pip wheel failed (exit code ${code}); its output is above`);
    const [wheel] = readdirSync(made);
    mkdirSync(out, { recursive: true });
    copyFileSync(join(made, wheel), join(out, wheel));
    return join(out, wheel);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
