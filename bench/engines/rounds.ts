/**
 * Paired rounds of engines: one after the other, each with the same rows, so that what slows the machine slows them
 * all.
 */

import { rotated } from "../paired.js";

export const contenders = ["tree", "onnxruntime", "tl2cgen", "lleaves"] as const;
export type ContenderName = (typeof contenders)[number];

/** @returns Microseconds a row, in calls of `rowCount` rows. */
export type Timer = (ask: {
  readonly rowCount: number;
  readonly first: number;
  readonly leastMs: number;
}) => number | Promise<number>;

/** Microseconds a row of those who can run the model. */
export type Round = Readonly<Partial<Record<ContenderName, number>>>;

export interface RoundsByRows {
  readonly rowCount: number;
  readonly rounds: readonly Round[];
}

export interface RoundsSettings {
  readonly rowCounts: readonly number[];
  readonly rounds: number;
  readonly leastMs: number;
}

/** Untimed: code that has just been compiled is slow, and so is memory that nobody has touched. */
const warmUpRounds = 2;

export async function timeInRounds(
  timers: ReadonlyMap<ContenderName, Timer>,
  { rowCounts, rounds, leastMs }: RoundsSettings,
): Promise<RoundsByRows[]> {
  const byRows = rowCounts.map((rowCount) => ({ rowCount, rounds: [] as Round[] }));
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const { rowCount, rounds: timed } of byRows) {
      const times: Partial<Record<ContenderName, number>> = {};
      // Each round begins elsewhere among the rows.
      for (const [name, timer] of rotated([...timers], Math.max(0, round)))
        times[name] = await timer({ rowCount, first: (round + warmUpRounds) * 997, leastMs });
      if (round >= 0) timed.push(times);
    }
  }
  return byRows;
}
