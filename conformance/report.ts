/** The results of a run, for people and for programs. */

import { type Table, textTable } from "../loadtest/table.js";
import type { Result, ServerFacts, Verdict } from "./suite.js";

/** `http.infer`, of `http.infer.id` */
export function areaOf(id: string): string {
  return id.split(".").slice(0, 2).join(".");
}

export type Counts = Readonly<Record<Verdict, number>>;

export function countByArea(results: readonly Result[]): ReadonlyMap<string, Counts> {
  const areas = new Map<string, Counts>();
  for (const { id, verdict } of results) {
    const counts = areas.get(areaOf(id)) ?? { pass: 0, fail: 0, skipped: 0 };
    areas.set(areaOf(id), { ...counts, [verdict]: counts[verdict] + 1 });
  }
  return areas;
}

export function countAll(results: readonly Result[]): Counts {
  const count = (verdict: Verdict) => results.filter((result) => result.verdict === verdict).length;
  return { pass: count("pass"), fail: count("fail"), skipped: count("skipped") };
}

/** Counts by area, then each failure with its rule, and why cases were skipped. */
export function reportText(server: ServerFacts, results: readonly Result[]): string {
  const line = (area: string, { pass, fail, skipped }: Counts) => [area, String(pass), String(fail), String(skipped)];
  const table: Table = [
    ["area", "pass", "fail", "skipped"],
    ...[...countByArea(results)].map(([area, counts]) => line(area, counts)),
    line("all", countAll(results)),
  ];
  const failed = results.filter(({ verdict }) => verdict === "fail");
  const failures = failed.map(
    ({ id, rule, source, expected, came }) =>
      `fail ${id}\n  ${rule}\n  expected: ${expected}\n  came:     ${came}\n  ${source}`,
  );
  return [`${server.name} ${server.version}`, textTable(table), ...failures, ...skippedTexts(results)].join("\n\n");
}

function skippedTexts(results: readonly Result[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { verdict, reason, id } of results)
    if (verdict === "skipped") byReason.set(reason!, [...(byReason.get(reason!) ?? []), id]);
  if (byReason.size === 0) return [];
  return [[...byReason].map(([reason, ids]) => `skipped, ${reason}: ${ids.join(" ")}`).join("\n")];
}

export function reportJson(server: ServerFacts, results: readonly Result[]): string {
  return `${JSON.stringify({ server, counts: countAll(results), results }, undefined, 2)}\n`;
}
