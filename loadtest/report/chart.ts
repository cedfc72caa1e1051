/**
 * Charts as inline SVG. A chart has no size of its own: places are shares of its box (percentages; the curves are in a
 * box of 1000 by 1000 that is stretched), so that it fills a phone and a wide screen alike while text and lines keep
 * theirs.
 *
 * Each place along the x axis has a zone from top to bottom whose title says every value there: what a pointer shows,
 * what the arrow keys step through (script.ts), and what is there without a script.
 */

import { type Child, element, type Markup } from "./markup.js";
import type { Scale } from "./scale.js";

/** Colour and dash of a series, so that neither alone has to tell them apart; the classes are in style.ts. */
export type Tone = "a" | "b" | "c" | "d" | "e" | "f" | "ghost";

export interface LineSeries {
  readonly name: string;
  readonly tone: Tone;
  /** One per place; undefined leaves a gap. */
  readonly points: readonly ({ readonly x: number; readonly y: number } | undefined)[];
}

export interface BarSeries {
  readonly name: string;
  readonly tone: Tone;
  /** One per band, stacked on the series before. */
  readonly values: readonly number[];
}

export interface Zone {
  /** Where it begins and how wide it is, as shares of the x axis. */
  readonly start: number;
  readonly width: number;
  /** The values there, in words: "second 3: P50 1.2 ms, P95 3.4 ms". */
  readonly text: string;
}

export interface Chart {
  /** Letters and hyphens; unique on the page. */
  readonly id: string;
  readonly title: string;
  /** Names of the axes, with their units. */
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: Scale;
  readonly y: Scale;
  /** How the figure was made, for the reader. */
  readonly note?: string;
  readonly lines?: readonly LineSeries[];
  readonly bars?: readonly BarSeries[];
  /** Levels across the whole chart, each with its words. */
  readonly levels?: readonly { readonly y: number; readonly label: string }[];
  /** Moments across the whole chart, from top to bottom. */
  readonly verticals?: readonly { readonly x: number }[];
  readonly zones: readonly Zone[];
}

export function chartFigure(chart: Chart): Markup {
  const { id, title, xLabel, yLabel, note, lines = [], bars = [] } = chart;
  const keys = [...lines, ...bars].map(({ name, tone }) => element("li", {}, keySample(tone, bars.length > 0), name));
  return element(
    "figure",
    { id, class: "chart" },
    element(
      "figcaption",
      {},
      element("h2", { id: `${id}-title` }, title),
      keys.length > 1 ? element("ul", { class: "keys" }, keys) : undefined,
    ),
    element("p", { class: "axis-name" }, yLabel),
    element("div", { class: "plot" }, plot(chart)),
    element("p", { class: "axis-name axis-name-x" }, xLabel),
    note === undefined ? undefined : element("p", { class: "note" }, note),
  );
}

/** Axes and marks, in a box that fills what it stands in. */
export function plot({ id, x, y, lines = [], bars = [], levels = [], verticals = [], zones }: Chart): Markup {
  return element(
    "svg",
    { role: "group", tabindex: 0, "aria-labelledby": `${id}-title`, "aria-roledescription": "chart" },
    y.ticks.map(({ share, label }) => [
      element("line", { class: "rule", x1: "0", x2: "100%", y1: fromTop(share), y2: fromTop(share) }),
      element("text", { class: "tick tick-y", x: "-8", y: fromTop(share), dy: "0.32em" }, label),
    ]),
    // On a narrow screen there's room for every other one.
    x.ticks.map(({ share, label }, i) =>
      element(
        "text",
        {
          class: x.ticks.length > 7 && i % 2 === 1 ? "tick tick-x spare" : "tick tick-x",
          x: percentage(share),
          y: "100%",
          dy: "1.5em",
        },
        label,
      ),
    ),
    barMarks(bars, zones, y),
    element(
      "svg",
      { class: "curves", viewBox: "0 0 1000 1000", preserveAspectRatio: "none", width: "100%", height: "100%" },
      lines.map(({ name, tone, points }) =>
        element("path", { class: `line tone-${tone}`, d: pathOf(points, x, y), "data-series": name }),
      ),
    ),
    levels.map((level) => levelMark(level, y)),
    verticals.map((vertical) => {
      const place = percentage(x.share(vertical.x));
      return element("line", { class: "level", x1: place, x2: place, y1: "0", y2: "100%" });
    }),
    zones.map(({ start, width, text }) =>
      element(
        "rect",
        { class: "zone", x: percentage(start), width: percentage(width), y: "0", height: "100%" },
        element("title", {}, text),
      ),
    ),
  );
}

/** A point without neighbours becomes a dot: a line of no length with round ends. */
export function pathOf(points: LineSeries["points"], x: Scale, y: Scale): string {
  let path = "";
  for (const [index, point] of points.entries()) {
    if (point === undefined) continue;
    const place = `${coordinate(x.share(point.x))} ${coordinate(1 - y.share(point.y))}`;
    if (points[index - 1] !== undefined) path += `L${place}`;
    else path += points[index + 1] === undefined ? `M${place}h0` : `M${place}`;
  }
  return path;
}

/** One error among thousands of bars' worth must still be seen. */
const leastBar = 0.006;

function barMarks(bars: readonly BarSeries[], zones: readonly Zone[], y: Scale): Child {
  const gap = zones.length > 60 ? 0 : 0.12; // of a band's width, on each side
  return zones.map(({ start, width }, band) => {
    let below = 0;
    return bars.map(({ tone, values }) => {
      const from = y.share(below);
      below += values[band]!;
      if (values[band] === 0) return undefined;
      const height = Math.max(leastBar, y.share(below) - from);
      const place = { x: percentage(start + gap * width), width: percentage(width * (1 - 2 * gap)) };
      return element("rect", {
        class: `bar tone-${tone}`,
        ...place,
        y: fromTop(from + height),
        height: percentage(height),
      });
    });
  });
}

function levelMark({ y, label }: { y: number; label: string }, scale: Scale): Child {
  const share = scale.share(y);
  const place = fromTop(share);
  // Above the line where there is room, else below it.
  const words = { class: "level-words", x: "0", y: place, dx: "6", dy: share > 0.92 ? "1.2em" : "-0.4em" };
  return [
    element("line", { class: "level", x1: "0", x2: "100%", y1: place, y2: place }),
    element("text", words, label),
  ];
}

export function keySample(tone: Tone, isBar: boolean): Markup {
  const mark = isBar
    ? element("rect", { class: `bar tone-${tone}`, x: 6, y: 1, width: 12, height: 10 })
    : element("path", { class: `line tone-${tone}`, d: "M1 6H23" });
  return element("svg", { class: "key", viewBox: "0 0 24 12", width: 24, height: 12, "aria-hidden": "true" }, mark);
}

const coordinate = (share: number) => String(Number((share * 1000).toFixed(1)));
const percentage = (share: number) => `${Number((share * 100).toFixed(3))}%`;
const fromTop = (share: number) => percentage(1 - share);
