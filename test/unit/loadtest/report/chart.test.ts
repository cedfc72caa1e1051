/**
 * Goal: what is drawn is what was measured: each point in its place, gaps as gaps, bars as high as they count, every
 * value in words.
 */

import { describe, expect, test } from "vitest";
import { chartFigure, pathOf } from "../../../../loadtest/report/chart.js";
import { latencyOverTimeChart, percentileChart } from "../../../../loadtest/report/latency-charts.js";
import { errorsChart, throughputChart } from "../../../../loadtest/report/rate-charts.js";
import { linearScale, timeScale } from "../../../../loadtest/report/scale.js";
import { batchFigure } from "../../../../loadtest/report/server-section.js";
import type { Interval } from "../../../../loadtest/timeline.js";

const interval = (startS: number, more: Partial<Interval> = {}): Interval => ({
  startS,
  lengthS: 1,
  sent: 200,
  answered: 200,
  errors: {},
  latencyMs: { p50: 1, p95: 2, p99: 3, max: 4 },
  ...more,
});

const zones = (html: string) => html.match(/class="zone"/g)?.length;
const titles = (html: string) => [...html.matchAll(/<title>([^<]*)<\/title>/g)].map(([, text]) => text);

describe("a path", () => {
  const [x, y] = [timeScale(10), linearScale(100)];
  test("goes through its points, from the top left of a box of 1000", () => {
    const points = [
      { x: 0, y: 0 },
      { x: 5, y: 100 },
      { x: 10, y: 25 },
    ];
    expect(pathOf(points, x, y)).toBe("M0 1000L500 0L1000 750");
  });
  test("leaves a gap, and makes a dot of a lonely point", () => {
    const points = [{ x: 0, y: 0 }, { x: 1, y: 0 }, undefined, { x: 5, y: 50 }, undefined];
    expect(pathOf(points, x, y)).toBe("M0 1000L100 1000M500 500h0");
  });
});

describe("latency over time", () => {
  const { html } = chartFigure(
    latencyOverTimeChart([interval(0), interval(1, { latencyMs: undefined }), interval(2)], 200),
  );
  test("has four series with the objective, and a zone for each interval that says its values", () => {
    expect([...html.matchAll(/data-series="(\w+)"/g)].map(([, name]) => name)).toEqual(["P50", "P95", "P99", "max"]);
    expect(html).toContain(">P95 objective 200 ms</text>");
    expect(zones(html)).toBe(3);
    expect(titles(html)).toEqual([
      "0 to 1 s\nP50 1 ms, P95 2 ms\nP99 3 ms, max 4 ms",
      "1 to 2 s\nno request with a latency",
      "2 to 3 s\nP50 1 ms, P95 2 ms\nP99 3 ms, max 4 ms",
    ]);
  });
  test("draws what has no latency as a gap", () => expect(html.match(/ d="M[^"L]*h0M[^"L]*h0"/g)).toHaveLength(4));
});

describe("latency by percentile", () => {
  const points = [50, 90, 99].map((percentile, i) => ({ percentile, ms: i + 1 }));
  test("has a zone a point, within the chart", () => {
    const chart = percentileChart([{ name: "rows", tone: "a", points }], { p95MsMax: 200, note: "" });
    expect(chart.zones.map(({ text }) => text)).toEqual([
      "percentile 50\nrows: 1 ms",
      "percentile 90\nrows: 2 ms",
      "percentile 99\nrows: 3 ms",
    ]);
    for (const { start, width } of chart.zones) expect(start >= 0 && width > 0 && start + width <= 1 + 1e-9).toBe(true);
  });
  test("lays another run over it, at the same percentile", () => {
    const other = [
      { percentile: 50, ms: 10 },
      { percentile: 95, ms: 20 },
    ];
    const curves = [
      { name: "this", tone: "a" as const, points },
      { name: "that", tone: "ghost" as const, points: other },
    ];
    const { zones: said } = percentileChart(curves, { note: "" });
    expect(said.map(({ text }) => text.split("\n")[2])).toEqual(["that: 10 ms", "that: 20 ms", "that: 20 ms"]);
  });
});

test("throughput is a rate, also in an interval cut short", () => {
  const chart = throughputChart([interval(0), interval(1, { lengthS: 0.5, sent: 90, answered: 80 })], 200);
  expect(chart.lines!.map(({ name, points }) => [name, points.map((point) => point!.y)])).toEqual([
    ["answered with 200", [200, 160]],
    ["sent", [200, 180]],
  ]);
});

describe("errors over time", () => {
  test("are stacked by kind, the most frequent first", () => {
    const chart = errorsChart([
      interval(0, { errors: { ECONNREFUSED: 1 } }),
      interval(1, { errors: { "status 503": 3, ECONNREFUSED: 1 } }),
    ])!;
    expect(chart.bars!.map(({ name, values }) => [name, values])).toEqual([
      ["status 503", [0, 3]],
      ["ECONNREFUSED", [1, 1]],
    ]);
    expect(chartFigure(chart).html.match(/<rect class="bar tone-\w" x=/g)!.length).toBe(3 + 2); // and two keys
  });
  test("of many kinds share the last colour", () => {
    const errors = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`status ${501 + i}`, 10 - i]));
    const { bars } = errorsChart([interval(0, { errors })])!;
    expect(bars!.map(({ name }) => name)).toEqual([
      "status 501",
      "status 502",
      "status 503",
      "status 504",
      "status 505",
      "4 other kinds",
    ]);
    expect(bars!.flatMap(({ values }) => values)).toEqual([10, 9, 8, 7, 6, 5 + 4 + 3 + 2]);
  });
  test("aren't drawn where there are none", () => expect(errorsChart([interval(0)])).toBeUndefined());
  test("stay text, whatever a server calls them", () => {
    expect(chartFigure(errorsChart([interval(0, { errors: { "<img src=x>": 1 } })])!).html).not.toContain("<img");
  });
});

describe("batch sizes", () => {
  const histogram = { bounds: [1, 2, 4, Infinity], counts: [10, 0, 5, 0], count: 15, sum: 30 };
  const html = (said: Parameters<typeof batchFigure>[0]) => (batchFigure(said) as { html: string }).html;

  test("end with the last size that came", () => {
    const text = html({ view: { calls: 1, stages: [], batchRows: [{ executor: "inline", histogram }] }, admin: "" });
    expect(zones(text)).toBe(3);
    expect(titles(text).at(-1)).toBe("3–4 rows\non the event loop: 5");
    expect(text).toContain("15 batches of 2 rows on average");
  });
  test("say why they're not known", () =>
    expect(html({ why: "nobody answers" })).toContain("Not known: nobody answers."));
});
