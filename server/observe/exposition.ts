/**
 * Prometheus' text format 0.0.4: families of samples, written piece by piece so that whoever writes them can rest
 * between two pieces.
 */

import type { Histogram } from "./histogram.js";

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/**
 * How a family of several processes becomes one: counters and histograms add up. `max` and `min` are over processes that
 * are in service; `each` keeps a sample per process, with its label `process`.
 */
export type Merge = "sum" | "max" | "min" | "each";

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly merge: Merge;
  /** Its samples as text, a few lines a piece. */
  readonly pieces: () => Iterable<string>;
}

export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** The whole of a family: what it is, then its samples. */
export function* familyText({ name, help, type, pieces }: Omit<Family, "merge">): Generator<string, void> {
  yield `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
  yield* pieces();
}

/** `model="demand",version="1"` */
export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(
      ([label, value]) => `${label}="${value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')}"`,
    )
    .join(",");
}

export function joinLabels(...texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join(",");
}

/** @param labels - As {@link labelText} gives them. */
export function sampleText(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${numberText(value)}\n` : `${name}{${labels}} ${numberText(value)}\n`;
}

export function samplesText(name: string, labels: string, samples: readonly Sample[]): string {
  let text = "";
  for (const sample of samples) {
    text += sampleText(
      name,
      sample.labels === undefined ? labels : joinLabels(labels, labelText(sample.labels)),
      sample.value,
    );
  }
  return text;
}

/** Nothing for a histogram without an observation: it is two dozen series. */
export function histogramText(name: string, labels: string, histogram: Histogram): string {
  if (histogram.count === 0) return "";
  const before = labels === "" ? "" : `${labels},`;
  const { bounds } = histogram;
  let text = "";
  for (const [i, count] of histogram.cumulative().entries()) {
    text += sampleText(`${name}_bucket`, `${before}le="${i < bounds.length ? bounds[i] : "+Inf"}"`, count);
  }
  return text + sampleText(`${name}_sum`, labels, histogram.sum) + sampleText(`${name}_count`, labels, histogram.count);
}

export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
