/**
 * How long an engine takes for a row, in calls of so many rows: processor time of this process, all its threads, which
 * other work on the machine doesn't lengthen by taking the processor away.
 */

import type { Block } from "../../preprocessing/index.js";
import type { EngineSession } from "../../server/inference/engine.js";

/** Rows between two looks at the clock: a look takes about a microsecond. */
const rowsPerLook = 512;

/** Milliseconds that this process has computed. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Rows cut into calls, each a block of its own. */
export function cutIntoCalls(rows: Block, width: number, rowCount: number): Block[] {
  const size = rowCount * width;
  return Array.from({ length: Math.floor(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
}

export interface Timing {
  readonly session: EngineSession;
  readonly calls: readonly Block[];
  readonly rowCount: number;
  /** Which call is the first; each takes the next rows, so that no row comes again soon. */
  readonly first: number;
  readonly leastMs: number;
  /** Milliseconds; {@link processorMs}. */
  readonly now: () => number;
}

/** @returns Microseconds a row. */
export function usPerRow({ session, calls, rowCount, first, leastMs, now }: Timing): number {
  const callsPerLook = Math.ceil(rowsPerLook / rowCount);
  let at = first % calls.length;
  let count = 0;
  const begun = now();
  for (;;) {
    for (let i = 0; i < callsPerLook; i++) {
      session.run([calls[at]!], rowCount);
      at = at + 1 < calls.length ? at + 1 : 0;
    }
    count += callsPerLook;
    const takenMs = now() - begun;
    if (takenMs >= leastMs) return (takenMs * 1000) / count / rowCount;
  }
}
