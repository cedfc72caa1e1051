/** Charts as one SVG file that stands alone, in light or in dark: for a page that only takes images. */

import { type Chart, keySample, plot } from "./chart.js";
import { type Child, element, rawElement } from "./markup.js";
import { imageStyle, type Theme } from "./style.js";

export interface ChartImage {
  /** Read by those who don't see it. */
  readonly title: string;
  readonly charts: readonly Chart[];
  readonly columns: number;
  readonly theme: Theme;
}

/** In pixels of the image. */
const panel = { width: 500, height: 310 };
const box = { x: 60, y: 80, width: 412, height: 178 };
const keyGap = 14;
/** A line's sample and the room behind it; a letter of the key's text, about. */
const sample = { width: 30, letter: 7.4 };

/** @returns The text of an SVG file. */
export function chartImage({ title, charts, columns, theme }: ChartImage): string {
  const width = panel.width * columns;
  const height = panel.height * Math.ceil(charts.length / columns);
  const image = element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img" },
    element("title", {}, title),
    rawElement("style", {}, imageStyle(theme)),
    element("rect", { class: "page", width, height, rx: 10 }),
    charts.map((chart, i) =>
      panelOf(chart, { x: (i % columns) * panel.width, y: Math.floor(i / columns) * panel.height }),
    ),
  );
  return `${image.html}\n`;
}

function panelOf(chart: Chart, { x, y }: { x: number; y: number }): Child {
  return element(
    "g",
    { transform: `translate(${x} ${y})` },
    element("text", { class: "title", id: `${chart.id}-title`, x: 16, y: 28 }, chart.title),
    keys(chart),
    element("text", { x: 16, y: box.y - 12 }, chart.yLabel),
    element("svg", { ...box }, plot(chart)),
    element("text", { class: "end", x: box.x + box.width, y: box.y + box.height + 38 }, chart.xLabel),
  );
}

function keys({ lines = [], bars = [] }: Chart): Child {
  let x = 16;
  return [...lines, ...bars].map(({ name, tone }) => {
    const at = x;
    x += sample.width + name.length * sample.letter + keyGap;
    return element(
      "g",
      { transform: `translate(${at} 40)` },
      keySample(tone, bars.length > 0),
      element("text", { x: sample.width, y: 10 }, name),
    );
  });
}
