/** The reference bundles, made by trainer/reference_overload.py on demand, and kept under .cache. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { projectRoot } from "../project.js";

export const references = ["spin", "forest"] as const;
export type Reference = (typeof references)[number];

export interface ReferenceBundle {
  /** A model store that holds this bundle alone. */
  readonly models: string;
  /** JSON lines. */
  readonly rowsFile: string;
}

/** These files determine a bundle: when one changes, the bundle is made again. */
const madeBy = ["trainer/reference_overload.py", "trainer/requirements.txt"];

export async function referenceBundle(kind: Reference, progress: (line: string) => void): Promise<ReferenceBundle> {
  const hash = createHash("sha256");
  for (const file of madeBy) hash.update(readFileSync(join(projectRoot, file)));
  const models = join(projectRoot, ".cache", "overload", `${kind}-${hash.digest("hex").slice(0, 8)}`);
  if (!existsSync(models)) {
    progress(`making the reference bundle ${kind} in ${models}`);
    const unfinished = `${models}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    const script = join(projectRoot, "trainer", "reference_overload.py");
    await promisify(execFile)(await trainersPython(), [script, kind, unfinished], {
      cwd: join(projectRoot, "trainer"),
    });
    renameSync(unfinished, models);
  }
  return { models, rowsFile: join(models, `${kind}.jsonl`) };
}

async function trainersPython(): Promise<string> {
  const setup = (await import(pathToFileURL(join(projectRoot, "scripts", "setup.mjs")).href)) as {
    ensurePython(): Promise<string>;
  };
  return await setup.ensurePython();
}
