/**
 * Metrics of several processes as those of one. Pure.
 *
 * Counters and histograms add up, those of processes that have ended among them, so none of them falls when a process is
 * replaced. Each gauge says how it merges where it is made (observe/gauges.ts). A series is named by its text: every
 * process writes its labels in the same order.
 */

import { type Merge, numberText } from "../observe/exposition.js";
import type { MetricsText } from "./messages.js";

/** What a process gave, as it is merged. */
export interface ProcessMetrics {
  /** The value of the label `process`. */
  readonly process: string;
  /** Whether it counts for gauges that have the greatest or the least of all processes. */
  readonly inService: boolean;
  readonly families: Families;
}

interface FamilyOf {
  /** HELP and TYPE, as lines. */
  readonly head: string;
  readonly type: string;
  readonly merge: Merge;
  /** By name and labels, as they are written. */
  readonly series: Map<string, number>;
}

export type Families = ReadonlyMap<string, FamilyOf>;

/** Labels of a version, which stand before others (metrics.ts, gauges.ts). */
const versionLabels = /\{(model="(?:[^"\\]|\\.)*",version="[^"]+")/;

/** Reads what a process wrote of itself: our own text, so nothing in it is checked. */
export function readMetrics({ text, merges }: MetricsText): Families {
  const families = new Map<string, FamilyOf>();
  let current: FamilyOf | undefined;
  let help = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("# HELP ")) help = line;
    else if (line.startsWith("# TYPE ")) {
      const [, , name, type] = line.split(" ") as [string, string, string, string];
      const merge = merges[name] ?? (type === "gauge" ? "each" : "sum");
      current = { head: `${help}\n${line}\n`, type, merge, series: new Map() };
      families.set(name, current);
    } else if (line !== "") {
      const space = line.lastIndexOf(" ");
      current!.series.set(line.slice(0, space), parseNumber(line.slice(space + 1)));
    }
  }
  return families;
}

/**
 * @param ended - What {@link addEnded} kept of processes that are gone.
 * @returns Families whose series are all merged.
 */
export function mergeMetrics(processes: readonly ProcessMetrics[], ended: Families = new Map()): Families {
  const merged = new Map<string, FamilyOf>();
  const anyInService = processes.some(({ inService }) => inService);
  for (const { process, inService, families } of processes) {
    for (const [name, family] of families) {
      const { series } = familyIn(merged, name, family);
      if (family.merge === "each") {
        for (const [key, value] of family.series) series.set(withLabel(key, process), value);
      } else if (family.merge === "sum" || inService || !anyInService) {
        for (const [key, value] of family.series) series.set(key, join(family.merge, series.get(key), value));
      }
    }
  }
  addLivingSeries(merged, ended, processes);
  return merged;
}

/** Of a version that no process has any more, all series end. */
function addLivingSeries(merged: Map<string, FamilyOf>, ended: Families, processes: readonly ProcessMetrics[]): void {
  const versions = new Set<string>();
  for (const { families } of processes)
    for (const { series } of families.values())
      for (const key of series.keys()) {
        const version = versionLabels.exec(key)?.[1];
        if (version !== undefined) versions.add(version);
      }
  for (const [name, family] of ended) {
    for (const [key, value] of family.series) {
      const version = versionLabels.exec(key)?.[1];
      if (version !== undefined && !versions.has(version)) continue;
      const { series } = familyIn(merged, name, family);
      series.set(key, (series.get(key) ?? 0) + value);
    }
  }
}

/** Adds what adds up of a process that has ended, as it was when it was last asked. */
export function addEnded(ended: Families, families: Families): Families {
  const sum = new Map([...ended].map(([name, family]) => [name, { ...family, series: new Map(family.series) }]));
  for (const [name, family] of families) {
    if (family.merge !== "sum" || family.type === "gauge") continue;
    const { series } = familyIn(sum, name, family);
    for (const [key, value] of family.series) series.set(key, (series.get(key) ?? 0) + value);
  }
  return sum;
}

export function writeMetrics(families: Families): string {
  let text = "";
  for (const { head, series } of families.values()) {
    text += head;
    for (const [key, value] of series) text += `${key} ${numberText(value)}\n`;
  }
  return text;
}

function familyIn(families: Map<string, FamilyOf>, name: string, like: FamilyOf): FamilyOf {
  let family = families.get(name);
  if (family === undefined) {
    family = { ...like, series: new Map() };
    families.set(name, family);
  }
  return family;
}

function join(merge: Merge, value: number | undefined, other: number): number {
  if (value === undefined) return other;
  return merge === "max" ? Math.max(value, other) : merge === "min" ? Math.min(value, other) : value + other;
}

function withLabel(key: string, process: string): string {
  const label = `process="${process}"`;
  return key.endsWith("}") ? `${key.slice(0, -1)},${label}}` : `${key}{${label}}`;
}

function parseNumber(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}
