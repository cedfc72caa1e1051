/** Shadows and their comparisons as metrics. */

import { type Family, histogramText, labelText, samplesText } from "../observe/exposition.js";
import type { ShadowPair, Shadows } from "./shadows.js";

/** @param shadows - Read when a scrape comes. */
export function shadowFamilies(shadows: Pick<Shadows, "pairs" | "mirrorFigures">): readonly Family[] {
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
      for (const pair of shadows.pairs) yield write(labelsOf(pair), pair);
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
    family(
      "plumb_mirror_failures_total",
      "counter",
      "Calls that a shadow behind a URL gave no answer for, by why.",
      (labels, pair) => {
        const failures = Object.entries(shadows.mirrorFigures(pair)?.failures ?? {});
        const samples = failures.map(([why, value]) => ({ labels: { why }, value }));
        return samplesText("plumb_mirror_failures_total", labels, samples);
      },
    ),
    family(
      "plumb_mirror_open",
      "gauge",
      "Processes that don't ask a shadow behind a URL for now, because it failed too often.",
      (labels, pair) => {
        const figures = shadows.mirrorFigures(pair);
        return figures === undefined ? "" : samplesText("plumb_mirror_open", labels, [{ value: figures.open }]);
      },
    ),
  ];
}

function labelsOf({ champion, shadow }: ShadowPair): string {
  return labelText({ model: champion.name, version: shadow.name, champion: String(champion.number) });
}
