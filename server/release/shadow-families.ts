/** Shadows and their comparisons as metrics. */

import { type Family, histogramText, labelText, samplesText } from "../observe/exposition.js";
import type { ShadowPair } from "./shadows.js";

/** @param pairs - Read when a scrape comes. */
export function shadowFamilies(pairs: () => readonly ShadowPair[]): readonly Family[] {
  const family = (
    name: string,
    type: Family["type"],
    help: string,
    write: (labels: string, pair: ShadowPair) => string,
  ): Family => ({
    name,
    type,
    help,
    merge: "sum",
    *pieces() {
      for (const pair of pairs()) yield write(labelsOf(pair), pair);
    },
  });
  return [
    family(
      "plumb_shadow_calls_total",
      "counter",
      "Calls that a shadow was to answer too, by what became of it.",
      (labels, { comparison: { results } }) =>
        samplesText(
          "plumb_shadow_calls_total",
          labels,
          [...results].map(([result, value]) => ({ labels: { result }, value })),
        ),
    ),
    family(
      "plumb_shadow_flips_total",
      "counter",
      "Rows of which a shadow answered another label than the champion.",
      (labels, { comparison: { flips } }) => samplesText("plumb_shadow_flips_total", labels, [{ value: flips }]),
    ),
    family(
      "plumb_shadow_difference",
      "histogram",
      "How far a shadow's answer is from the champion's, by row, without the sign.",
      (labels, { comparison: { histogram } }) => histogramText("plumb_shadow_difference", labels, histogram),
    ),
  ];
}

function labelsOf({ champion, versionName }: ShadowPair): string {
  return labelText({ model: champion.name, version: versionName, champion: String(champion.number) });
}
