/** Memory that a version has from when it serves: rows of calls in the engine's own, and the cache of answers. */

import { Intake, intakeRowsMax } from "./inference/intake.js";
import { PredictionCache } from "./path/cache.js";
import type { Servable } from "./versions/servable.js";

/**
 * Not before it serves: the proof has to see runs.
 *
 * @param cacheBytes - 0 for no cache.
 */
export function giveMemory(servable: Servable, cacheBytes: number): void {
  const { runner, blockWidths } = servable.lane!;
  if (runner) servable.intake = new Intake(runner.room(intakeRowsMax), blockWidths);
  if (cacheBytes > 0) servable.cache = new PredictionCache(servable.contract, cacheBytes);
}
