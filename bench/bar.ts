/** A bar: what must be reached, and what was. It is met by the median of the rounds. */

import { type Spread, spreadOf } from "../loadtest/statistics.js";
import { figure, type Table } from "../loadtest/table.js";

export interface Bar {
  readonly what: string;
  readonly bound: number;
  /** Whether the value must reach the bound, stay within it, or stay under it. */
  readonly sense: "at least" | "at most" | "under";
  readonly unit: "" | "ms" | "MB";
  /** Undefined where it wasn't measured. */
  readonly reached: Spread | undefined;
}

/** @returns Undefined where it wasn't measured. */
export function isMet({ reached, sense, bound }: Bar): boolean | undefined {
  if (reached === undefined) return undefined;
  const { median } = reached;
  if (sense === "at least") return median >= bound;
  return sense === "under" ? median < bound : median <= bound;
}

export function bar(
  what: string,
  sense: Bar["sense"],
  bound: number,
  unit: Bar["unit"],
  values: readonly number[],
): Bar {
  return { what, sense, bound, unit, reached: values.length > 0 ? spreadOf(values) : undefined };
}

/** A line for each bar, with its spread and its verdict. */
export function barTable(bars: readonly Bar[]): Table {
  const lines = bars.map((bar) => [
    bar.what,
    `${bar.sense} ${bar.bound}${unitOf(bar)}`,
    ...(bar.reached ? spreadCells(bar.reached, unitOf(bar)) : ["not measured", "", ""]),
    verdict(bar),
  ]);
  return [["what", "bar", "median", "quartiles", "min to max", ""], ...lines];
}

/** Median, quartiles, extremes. */
export function spreadCells({ count, min, lowerQuartile, median, upperQuartile, max }: Spread, unit = ""): string[] {
  if (count === 1) return [`${figure(median)}${unit}`, "", ""];
  return [
    `${figure(median)}${unit}`,
    `${figure(lowerQuartile)} to ${figure(upperQuartile)}`,
    `${figure(min)} to ${figure(max)}`,
  ];
}

function verdict(bar: Bar): string {
  const met = isMet(bar);
  if (met === undefined) return "";
  return met ? "pass" : "MISS";
}

const unitOf = ({ unit }: Bar) => (unit === "" ? "" : ` ${unit}`);
