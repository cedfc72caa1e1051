/** The demand model without its neighbours: a server that holds one model, as the peers do. */

import { cpSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../loadtest/project.js";
import { createScratchFolder } from "../loadtest/scratch.js";

let store: string | undefined;

/** @returns Flags of `plumb serve`. */
export function demandAlone(): readonly string[] {
  if (store === undefined) {
    store = createScratchFolder().path;
    cpSync(join(projectRoot, "models", "demand"), join(store, "demand"), { recursive: true });
  }
  return ["--models", store];
}
