/** The comparison of engines as charts: the image in docs/benchmarks.md, once for light and once for dark pages. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../loadtest/project.js";
import type { Chart, LineSeries, Tone } from "../../loadtest/report/chart.js";
import { chartImage } from "../../loadtest/report/chart-image.js";
import { linearScale, logScale, type Scale } from "../../loadtest/report/scale.js";
import { median } from "../../loadtest/statistics.js";
import { axes, demand, lightgbm1000, type ModelSpec, modelText } from "./grid.js";
import { contenderNames } from "./report.js";
import { type EnginesResult, type ModelResult, ratios } from "./result.js";
import { type ContenderName, contenders } from "./rounds.js";

const tones: Readonly<Record<ContenderName, Tone>> = { tree: "b", onnxruntime: "a", tl2cgen: "c", lleaves: "e" };

export function engineCharts({ models }: Pick<EnginesResult, "models">): Chart[] {
  const resultOf = ({ id }: ModelSpec) => models.find(({ spec }) => spec.id === id);
  const timed = [demand, lightgbm1000].flatMap((spec) => resultOf(spec) ?? []);
  const along = (["depth", "trees"] as const).map((axis) =>
    ratioChart(
      axis,
      axes[axis].flatMap((spec) => resultOf(spec) ?? []),
    ),
  );
  return [...timed.map(timeChart), ...along.filter((chart) => chart !== undefined)];
}

export function writeEngineCharts(result: EnginesResult): void {
  const charts = engineCharts(result);
  for (const theme of ["light", "dark"] as const) {
    const image = chartImage({ title: "Engines for tree models", charts, columns: 2, theme });
    writeFileSync(join(projectRoot, "docs", "images", `engines-${theme}.svg`), image);
  }
}

function timeChart(model: ModelResult): Chart {
  const rowCounts = model.byRows.map(({ rowCount }) => rowCount);
  const lines = contenders.flatMap((name): LineSeries[] => {
    const points = model.byRows.map(({ rowCount, rounds }) => {
      const times = rounds.flatMap((round) => round[name] ?? []);
      return times.length > 0 ? { x: rowCount, y: median(times) } : undefined;
    });
    return points.some((point) => point !== undefined)
      ? [{ name: contenderNames[name], tone: tones[name], points }]
      : [];
  });
  const times = lines.flatMap(({ points }) => points.flatMap((point) => point?.y ?? []));
  return {
    id: `time-${model.spec.id}`,
    title: modelText(model.spec),
    xLabel: "rows a call",
    yLabel: "µs a row; tl2cgen and lleaves with their call from Python",
    x: atValues(rowCounts),
    y: logScale(Math.min(...times), Math.max(...times)),
    lines,
    zones: [],
  };
}

const ratioTones: readonly { readonly rowCount: number; readonly tone: Tone }[] = [
  { rowCount: 1, tone: "a" },
  { rowCount: 64, tone: "b" },
  { rowCount: 1024, tone: "e" },
];

/** @returns Undefined where there's no line to draw. */
function ratioChart(axis: "depth" | "trees", models: readonly ModelResult[]): Chart | undefined {
  if (models.length < 2) return undefined;
  const xOf = ({ spec }: ModelResult) => spec[axis]!;
  const lines = ratioTones.map(({ rowCount, tone }): LineSeries => {
    const points = models.map((model) => {
      const times = ratios(model, rowCount, "onnxruntime", "tree");
      return times.length > 0 ? { x: xOf(model), y: median(times) } : undefined;
    });
    return { name: rowCount === 1 ? "1 row a call" : `${rowCount} rows`, tone, points };
  });
  const others = axis === "depth" ? `${models[0]!.spec.trees} trees` : `depth ${models[0]!.spec.depth}`;
  return {
    id: `ratio-by-${axis}`,
    title: `Times as fast as ONNX Runtime, by ${axis}`,
    xLabel: `${axis} (${others}, ${models[0]!.spec.features} features)`,
    yLabel: "ONNX Runtime's time over the kernel's",
    x: atValues(models.map(xOf)),
    y: linearScale(Math.max(...lines.flatMap(({ points }) => points.flatMap((point) => point?.y ?? 0)))),
    lines,
    levels: [{ y: 1, label: "as fast" }],
    zones: [],
  };
}

/** Logarithmic between the first and the last value, and labelled at each. */
function atValues(values: readonly number[]): Scale {
  const [first, last] = [values[0]!, values.at(-1)!];
  const share = (value: number) => Math.log(value / first) / Math.log(last / first);
  return { share, ticks: values.map((value) => ({ share: share(value), label: String(value) })) };
}
