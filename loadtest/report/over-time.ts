/** Shared by all charts over time: the name of an interval and its place. */

import { figure } from "../table.js";
import type { Interval } from "../timeline.js";

export function intervalName({ startS, lengthS }: Pick<Interval, "startS" | "lengthS">): string {
  return `${figure(startS)} to ${figure(startS + lengthS)} s`;
}

export function intervalZone(
  { startS, lengthS }: Pick<Interval, "startS" | "lengthS">,
  endS: number,
): { start: number; width: number } {
  return { start: startS / endS, width: lengthS / endS };
}
