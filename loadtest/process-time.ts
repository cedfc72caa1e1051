/** How much processor time a process has taken, read from /proc. */

import { readFileSync } from "node:fs";

// Linux reports times in hundredths of a second, whatever its own clock (USER_HZ).
const ticksPerSecond = 100;

/** @returns Seconds, of all its threads, in user and kernel together; undefined where the system doesn't report it. */
export function processorSeconds(pid: number): number | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** @param stat - A line as proc(5) describes it; the name in brackets may hold blanks and brackets. */
export function parseStat(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return (user + system) / ticksPerSecond;
}
