/**
 * What a loaded version holds, by its manifest: an estimate, so that it is known before the version is read.
 *
 * Engines hold a model once for each place where it runs, and the pool keeps its bytes for a worker that takes another's
 * place. The constants are on the safe side, not measured for each model; what the executable, the libraries and the
 * calls in flight hold isn't a version's, and isn't in it.
 */

import type { Manifest } from "../../bundle/index.js";

/** Where a version's models are held. */
export interface HeldWhere {
  /** Workers of the pool. */
  readonly workers: number;
  /** Whether the event loop has sessions too. */
  readonly onLoop: boolean;
  readonly cacheBytes: number;
}

/** Contract, plans, lane, metrics; and the arena of each engine beside the model's own size. */
const contractBytes = 300_000;
const arenaBytes = 192_000;
/** An engine's form of a model, beside the file's size. */
const enginePerFile = 1.5;

export function estimateBytes({ models, files }: Pick<Manifest, "models" | "files">, where: HeldWhere): number {
  const fileBytes = models.reduce((sum, { file }) => sum + (files[file]?.bytes ?? 0), 0);
  const places = where.workers + (where.onLoop ? 1 : 0);
  const engines = places * (arenaBytes * models.length + enginePerFile * fileBytes);
  return Math.round(contractBytes + where.cacheBytes + fileBytes + engines);
}
