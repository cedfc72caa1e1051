/** The server's own metrics of the run: batch sizes, and the time of each stage. */

import { type Histogram, histogramQuantile, type ServerSaid, type ServerView } from "../server-metrics.js";
import { figure } from "../table.js";
import { type BarSeries, type Chart, chartFigure, type Tone } from "./chart.js";
import { type Child, element } from "./markup.js";
import { linearScale, type Scale } from "./scale.js";
import { count, counted, percent, shortTime } from "./units.js";

export function batchFigure(said: ServerSaid): Child {
  if ("why" in said) return missing("Batch sizes", said.why);
  const chart = batchChart(said.view);
  return chart ? chartFigure(chart) : missing("Batch sizes", "the server ran no batch during the run");
}

export function stageSection(said: ServerSaid): Child {
  if ("why" in said) return missing("Where the time goes", said.why);
  const { view, admin } = said;
  const ran = view.stages.filter(({ histogram }) => histogram.count > 0);
  if (ran.length === 0) return missing("Where the time goes", "the server counted no answered call during the run");
  const means = ran.map(({ histogram }) => histogram.sum / histogram.count);
  const whole = means.reduce((sum, mean) => sum + mean, 0);
  const rows = ran.map(({ stage, histogram }, i) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, stage),
      element("td", {}, shortTime(means[i]!)),
      element("td", { class: "share" }, shareBar(means[i]! / whole)),
      element("td", {}, percent(means[i]! / whole)),
      element("td", {}, quantileText(histogram, 0.5)),
      element("td", {}, quantileText(histogram, 0.99)),
    ),
  );
  const heads = ["stage", "mean", "", "of all stages", "P50", "P99"].map((text) =>
    element("th", { scope: "col" }, text),
  );
  return element(
    "section",
    { class: "card", id: "stages" },
    element("h2", {}, "Where the time goes in the server"),
    element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "time of each stage" },
      element("table", {}, element("thead", {}, element("tr", {}, heads)), element("tbody", {}, rows)),
    ),
    element(
      "p",
      { class: "note" },
      `Of ${counted(ran[0]!.histogram.count, "answered call")}, large requests included, by the server's metrics (plumb_stage_seconds) before and after the run at ${admin}. ` +
        `Percentiles are read out of its buckets, so they are estimates. The server counted ${counted(view.calls, "call")} in this time.`,
    ),
  );
}

const executorTones: Readonly<Record<string, Tone>> = { inline: "a", pool: "b" };
const executorNames: Readonly<Record<string, string>> = { inline: "on the event loop", pool: "in the pool" };

function batchChart({ batchRows }: ServerView): Chart | undefined {
  const ran = batchRows.filter(({ histogram }) => histogram.count > 0);
  if (ran.length === 0) return undefined;
  const { bounds } = ran[0]!.histogram;
  const filled = bounds.map((_, i) => ran.some(({ histogram }) => histogram.counts[i]! > 0));
  const shown = bounds.slice(0, filled.lastIndexOf(true) + 1);
  const width = 1 / shown.length;
  const bars = ran.map(
    ({ executor, histogram }): BarSeries => ({
      name: executorNames[executor] ?? executor,
      tone: executorTones[executor] ?? "c",
      values: shown.map((_, i) => histogram.counts[i]!),
    }),
  );
  const highest = Math.max(...shown.map((_, i) => bars.reduce((sum, { values }) => sum + values[i]!, 0)));
  const [batches, rows] = [
    ran.reduce((sum, { histogram }) => sum + histogram.count, 0),
    ran.reduce((sum, { histogram }) => sum + histogram.sum, 0),
  ];
  return {
    id: "batch-sizes",
    title: "Batch sizes",
    xLabel: "rows in a batch",
    yLabel: "batches that ran",
    x: bandScale(shown.map((_, i) => bandName(bounds, i))),
    y: linearScale(highest),
    note: `${counted(batches, "batch", "batches")} of ${figure(rows / batches)} rows on average, by the server's metrics (plumb_batch_rows).`,
    bars,
    zones: shown.map((_, i) => ({
      start: i * width,
      width,
      text: [`${bandName(bounds, i)} rows`, ...bars.map(({ name, values }) => `${name}: ${count(values[i]!)}`)].join(
        "\n",
      ),
    })),
  };
}

/** Bands of equal width; a name stands in the middle of its band. */
export function bandScale(names: readonly string[]): Scale {
  const share = (band: number) => (band + 0.5) / names.length;
  return { share, ticks: names.map((label, band) => ({ share: share(band), label })) };
}

function bandName(bounds: readonly number[], index: number): string {
  const [below, bound] = [bounds[index - 1] ?? 0, bounds[index]!];
  if (!Number.isFinite(bound)) return `> ${below}`;
  return bound - below === 1 ? String(bound) : `${below + 1}–${bound}`;
}

function shareBar(share: number): Child {
  return element(
    "svg",
    { "aria-hidden": "true" },
    element("rect", { class: "bar tone-a", width: `${(100 * share).toFixed(1)}%`, height: "100%" }),
  );
}

function quantileText(histogram: Histogram, share: number): string {
  const seconds = histogramQuantile(histogram, share);
  return seconds === undefined ? "" : shortTime(seconds);
}

function missing(title: string, why: string): Child {
  return element(
    "section",
    { class: "card" },
    element("h2", {}, title),
    element("p", { class: "note" }, `Not known: ${why}.`),
  );
}
