/**
 * Is one session faster than another, here and now?
 *
 * Asked once, at load, of two that give the same bits. Each runs batches of several sizes in turns, and its best time
 * of each size counts: a machine's bad moment makes a time longer, never shorter. Whoever is ahead over all sizes (by
 * the mean of the ratios' logarithms) is the faster.
 */

import type { Block } from "../../preprocessing/index.js";
import type { EngineSession } from "./engine.js";

export interface Comparison {
  readonly faster: boolean;
  /** Microseconds a row, by size of batch, of both. */
  readonly times: readonly { readonly rows: number; readonly us: number; readonly usOther: number }[];
}

/** A single row, what a busy moment gathers, and a full tile. */
const batchRows = [1, 16, 64];
/** Code that has just been compiled is still slow: before the session is judged slower it gets so many rounds. */
const roundsMax = 12;
const roundsMin = 2;

/**
 * @param rows - Row-major, `width` values a row; best such as will come, since a tree ensemble's cost depends on them.
 * @param now - Monotonic clock, milliseconds.
 */
export function compareSpeed(
  session: EngineSession,
  other: EngineSession,
  rows: Block,
  width: number,
  now: () => number,
): Comparison {
  const rowCount = rows.length / width;
  const batches = batchRows.map((size) => {
    const count = Math.min(size, rowCount);
    return {
      count,
      block: rows.slice(0, count * width),
      us: Number.POSITIVE_INFINITY,
      usOther: Number.POSITIVE_INFINITY,
    };
  });
  const ahead = () => batches.reduce((sum, { us, usOther }) => sum + Math.log(usOther / us), 0) > 0;
  for (let round = 0; round < roundsMin || (round < roundsMax && !ahead()); round++) {
    for (const batch of batches) {
      batch.us = Math.min(batch.us, time(session, batch.block, batch.count, now));
      batch.usOther = Math.min(batch.usOther, time(other, batch.block, batch.count, now));
    }
  }
  return { faster: ahead(), times: batches.map(({ count, us, usOther }) => ({ rows: count, us, usOther })) };
}

/** Microseconds a row. A clock may be too coarse for one small batch, so there are 64 rows in each measurement. */
function time(session: EngineSession, block: Block, count: number, now: () => number): number {
  const runs = Math.ceil(64 / count);
  const begun = now();
  for (let run = 0; run < runs; run++) session.run([block], count);
  return Math.max(1e-3, ((now() - begun) * 1000) / (runs * count));
}
