/**
 * Goal: the comparison is judged round by round, says where `auto` loses and who was left out, and is drawn for light
 * and dark pages.
 */

import { describe, expect, test } from "vitest";
import { isMet } from "../../../../bench/bar.js";
import { lossesOfAuto } from "../../../../bench/engines/auto.js";
import { engineBars } from "../../../../bench/engines/bars.js";
import { engineCharts } from "../../../../bench/engines/charts.js";
import { axes, demand, lightgbm1000, type ModelSpec } from "../../../../bench/engines/grid.js";
import { enginesMarkdown, enginesText } from "../../../../bench/engines/report.js";
import type { EnginesResult, ModelResult } from "../../../../bench/engines/result.js";
import type { Round } from "../../../../bench/engines/rounds.js";
import { engineMarks, replaceMeasured } from "../../../../bench/measured-section.js";
import { chartImage } from "../../../../loadtest/report/chart-image.js";

function measured(
  spec: ModelSpec,
  byRows: Readonly<Record<number, readonly Round[]>>,
  change: Partial<ModelResult> = {},
): ModelResult {
  return {
    spec,
    leaves: 12_000,
    levels: 6,
    onnxBytes: 300_000,
    kernelBytes: 210_000,
    auto: { engine: "tree", reason: undefined },
    leftOut: {},
    byRows: Object.entries(byRows).map(([rowCount, rounds]) => ({ rowCount: Number(rowCount), rounds })),
    ...change,
  };
}

// The second round was three times as slow for both: the ratio within it is what counts.
const steady = (tree: number, onnxruntime: number): Round[] =>
  [1, 3, 1].map((slow) => ({ tree: slow * tree, onnxruntime: slow * onnxruntime }));

const models = [
  measured(demand, { 1: steady(3, 18), 64: steady(2, 6).map((round) => ({ ...round, tl2cgen: 4 })) }),
  measured(
    lightgbm1000,
    { 1: steady(10, 20), 64: steady(10, 20) },
    { kernelBytes: 720_000, leftOut: { lleaves: "no LLVM here" } },
  ),
  measured(axes.depth[2]!, { 1: steady(20, 10), 64: steady(2, 10) }),
  measured(
    axes.depth[3]!,
    { 1: steady(20, 10), 64: steady(20, 19.5) },
    { auto: { engine: "onnxruntime", reason: "slower" } },
  ),
];
const machine = { cpu: "A processor", cores: 2, memoryGB: 8, system: "linux 6", node: "v20.0.0", versions: {} };
const result: EnginesResult = {
  finished: "2026-01-02T03:04:05.000Z",
  machine,
  rounds: 3,
  leastMs: 30,
  peers: {
    versions: { treelite: "4", tl2cgen: "1", gcc: "12", lleaves: "1.3", llvmlite: "0.44", numpy: "2", python: "3.11" },
  },
  models,
};

describe("the bars", () => {
  test("take the ratio within each round, and the largest memory of all models", () => {
    const bars = engineBars(result);
    expect(bars.map(({ reached }) => reached?.median)).toEqual([6, 3, 2, 2.4]);
    expect(bars[0]!.reached).toMatchObject({ count: 3, min: 6, max: 6 });
    expect(bars.map(isMet)).toEqual([true, false, true, false]);
  });

  test("say where something wasn't measured", () => {
    expect(engineBars({ models: [] }).map(isMet)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("what `auto` takes", () => {
  test("loses where the other engine is clearly the faster", () => {
    const losses = lossesOfAuto(models);
    expect(losses.map(({ model, rowCount, ratio }) => [model.spec.id, rowCount, ratio])).toEqual([
      ["200x8-on-32", 1, 0.5],
    ]);
  });

  test("can't lose where the kernel doesn't cover the model", () => {
    const alone = measured(
      demand,
      { 1: [{ onnxruntime: 5 }] },
      { auto: { engine: "onnxruntime", reason: "not covered" }, kernelBytes: undefined },
    );
    expect(lossesOfAuto([alone])).toEqual([]);
    expect(enginesText({ ...result, models: [alone] })).toContain(
      "Of 1 pairs of model and rows a call, `auto` takes the slower engine at none.",
    );
  });
});

describe("the report", () => {
  test("shows bars, times of every engine, sizes and choices", () => {
    const text = enginesText(result);
    expect(text).toContain("2026-01-02, A processor, 2 cores, 8 GB, linux 6; Node v20.0.0");
    expect(text).toContain("3 paired rounds, 30 ms of processor time for each figure in a round.");
    expect(text).toMatch(/^the same, 64 rows +at least 3\.5 +3 +3 to 3 +3 to 3 +MISS$/m);
    expect(text).toMatch(/^demand: XGBoost, 400 trees of depth 6, 4 features; 64 rows +2 +6 +3 +3 to 3 +3 to 3 +4$/m);
    expect(text).toMatch(/^XGBoost, 200 trees of depth 10, 32 features +12,000 +6 +300 +210 +0\.7 +ONNX Runtime$/m);
    expect(text).toContain(
      "takes the slower engine at 1: XGBoost, 200 trees of depth 8, 32 features, 1 row a call (the other engine takes 0.5 of the time).",
    );
    expect(text).toContain("tl2cgen 1 with treelite 4, C compiled by gcc 12");
    expect(text).toContain("- lleaves without LightGBM, float64, 1000 trees of 63 leaves, 100 features: no LLVM here");
  });

  test("says why there are no peers", () => {
    expect(enginesText({ ...result, peers: { leftOut: "there is no Python" } })).toContain(
      "The peers in Python were left out: there is no Python.",
    );
  });

  test("has marks of its own in the page", () => {
    const page = `# Page\n\n${engineMarks.begin}\nfrom before\n${engineMarks.end}\n\nafter\n`;
    const once = replaceMeasured(page, engineMarks, enginesMarkdown(result));
    expect(once).not.toContain("from before");
    expect(once).toMatch(/\nafter\n$/);
    expect(once).toContain('srcset="images/engines-dark.svg"');
  });
});

describe("the charts", () => {
  test("draw an engine where it has times, and ratios along an axis of two models or more", () => {
    const [times, leafWise, byDepth, ...rest] = engineCharts(result);
    expect(rest).toEqual([]);
    expect(times!.lines!.map(({ name, points }) => [name, points.length])).toEqual([
      ["tree kernel", 2],
      ["ONNX Runtime", 2],
      ["tl2cgen", 2],
    ]);
    expect(times!.lines![2]!.points[0]).toBeUndefined();
    expect(leafWise!.lines!.map(({ name }) => name)).toEqual(["tree kernel", "ONNX Runtime"]);
    expect(byDepth!.x.ticks.map(({ label, share }) => [label, share])).toEqual([
      ["8", 0],
      ["10", 1],
    ]);
    expect(byDepth!.lines![1]!.points.map((point) => point!.y)).toEqual([5, 0.975]);
  });

  test("are one image, in colours of its own for light and dark", () => {
    const image = (theme: "light" | "dark") =>
      chartImage({ title: "Engines", charts: engineCharts(result), columns: 2, theme });
    const light = image("light");
    expect(light).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 1000 620"/);
    expect(light.match(/class="title"/g)).toHaveLength(3);
    expect(light).toContain("--card:#ffffff");
    expect(image("dark")).toContain("--card:#18202a");
    expect(image("dark").replace(/:root\{[^}]*\}/, "")).toBe(light.replace(/:root\{[^}]*\}/, ""));
  });
});
