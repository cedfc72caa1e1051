/**
 * Learns what a version's runs cost on each executor before it serves, from golden rows in batches of several sizes:
 * real rows, not zeros.
 */

import { noPause, type Pause } from "../../bundle/index.js";
import type { Lane } from "../inference/lane.js";
import { runLimitMs } from "../inference/run-limit.js";
import { median, warmUpRows, warmUpSteps } from "../inference/runner.js";
import { repeatGoldenRows } from "./golden-blocks.js";
import type { Servable } from "./servable.js";

const poolRounds = 4;
/** A size is tried again while its runs took less together, milliseconds. */
const roundsMs = 50;
/** A run so many times as long as smaller ones promise was interrupted, perhaps: its size is tried again all the same. */
const surprising = 3;
/** A run that is known to take longer isn't tried on the event loop, microseconds. */
const longStepUs = 500;
/** As many runs as the warming of a size times. */
const knownWeight = 7;
/** A size isn't tried if its run might take longer, milliseconds: a start shouldn't wait for a slow model. */
const longRunMs = 250;

/**
 * @param now - Monotonic clock, milliseconds.
 * @param known - What a worker measured of runs, by rows: of sizes that would hold the event loop this is believed,
 *   without a try.
 * @throws What a worker that dies rejects with.
 */
export async function learnCost(
  { contract, key, sloMs }: Servable,
  lane: Lane,
  now: () => number,
  known: readonly (readonly [rowCount: number, us: number])[] = [],
  pause: Pause = noPause,
): Promise<void> {
  const blocks = new Map(warmUpRows.map((rowCount) => [rowCount, repeatGoldenRows(contract, rowCount)]));
  await pause();
  if (lane.runner) {
    const observe = (rowCount: number, us: number) => lane.inlineCost.observe(rowCount, us);
    const isLong = (rowCount: number) => known.some(([rows, us]) => rows === rowCount && us > longStepUs);
    for (const [rowCount, us] of known)
      if (isLong(rowCount)) for (let i = 0; i < knownWeight; i++) observe(rowCount, us);
    const sizes = warmUpRows.filter((rowCount) => !isLong(rowCount));
    for (const _ of warmUpSteps(lane.runner, sizes, observe, (rowCount) => blocks.get(rowCount)!)) await pause();
  }
  if (lane.pool === undefined) return;
  let runMs = Number.NaN;
  let lastRows = 1;
  for (const rowCount of warmUpRows) {
    if ((runMs * rowCount) / lastRows > longRunMs) return;
    lastRows = rowCount;
    const took: number[] = [];
    const promisedMs = Number.isNaN(runMs) ? Number.POSITIVE_INFINITY : lane.poolCost.of(rowCount) / 1000;
    const isSurprising = () => median(took) > surprising * promisedMs;
    for (let tookMs = 0; took.length < poolRounds && (tookMs < roundsMs || isSurprising()); tookMs += runMs) {
      const startedMs = now();
      // What is handed over is gone.
      const own = blocks.get(rowCount)!.map((block) => block.slice());
      const known = { objectiveMs: sloMs, expectedMs: 0, longestMs: lane.longestRunMs };
      await lane.pool.run(key, own, rowCount, runLimitMs(known));
      runMs = now() - startedMs;
      took.push(runMs);
    }
    runMs = median(took);
    for (const _ of took) lane.tookMs(rowCount, runMs);
  }
}
