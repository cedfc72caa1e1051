/** The comparison of engines as tables: for the terminal, and as a measured section of docs/benchmarks.md. */

import { machineText } from "../../loadtest/machine.js";
import { median, spreadOf } from "../../loadtest/statistics.js";
import { figure, markdownTable, type Table, textTable } from "../../loadtest/table.js";
import { barTable, spreadCells } from "../bar.js";
import { lossesOfAuto } from "./auto.js";
import { engineBars } from "./bars.js";
import { modelText } from "./grid.js";
import { type EnginesResult, type ModelResult, ratios } from "./result.js";
import type { ContenderName } from "./rounds.js";

export const contenderNames: Readonly<Record<ContenderName, string>> = {
  tree: "tree kernel",
  onnxruntime: "ONNX Runtime",
  tl2cgen: "tl2cgen",
  lleaves: "lleaves",
};

/** The row counts that the table shows; the JSON has all that were measured. */
const rowsShown = [1, 64, 1024];

export function enginesText(result: EnginesResult): string {
  const tables = [barTable(engineBars(result)), timeTable(result), modelTable(result)];
  return [setting(result), ...tables.map(textTable), autoText(result), peersText(result), ...leftOutTexts(result)].join(
    "\n\n",
  );
}

export function enginesMarkdown(result: EnginesResult): string {
  return [
    setting(result),
    markdownTable(barTable(engineBars(result))),
    chartMarkdown,
    "### Time for a row",
    peersText(result),
    markdownTable(timeTable(result)),
    "### The models, and what `auto` takes",
    autoText(result),
    markdownTable(modelTable(result)),
    ...leftOutTexts(result),
  ].join("\n\n");
}

/** The files are written by charts.ts. */
const chartMarkdown = `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="images/engines-dark.svg">
  <img src="images/engines-light.svg" alt="Four charts: time for a row by rows in a call, of the demand model and of a LightGBM model, for each engine; how many times as fast as ONNX Runtime the kernel is, by depth and by number of trees">
</picture>`;

function setting({ finished, machine, rounds, leastMs }: EnginesResult): string {
  return `${finished.slice(0, 10)}, ${machineText(machine)}; ${rounds} paired rounds, ${leastMs} ms of processor time for each figure in a round.`;
}

function timeTable({ models }: EnginesResult): Table {
  const lines = models.flatMap((model) =>
    model.byRows
      .filter(({ rowCount }) => rowsShown.includes(rowCount))
      .map(({ rowCount }) => {
        const timesAsFast = ratios(model, rowCount, "onnxruntime", "tree");
        return [
          `${modelText(model.spec)}; ${rowsText(rowCount)}`,
          ...(["tree", "onnxruntime"] as const).map((name) => usText(model, rowCount, name)),
          ...(timesAsFast.length > 0 ? spreadCells(spreadOf(timesAsFast)) : ["", "", ""]),
          ...(["tl2cgen", "lleaves"] as const).map((name) => usText(model, rowCount, name)),
        ];
      }),
  );
  const head = [
    "model; rows a call",
    "tree kernel, µs a row",
    "ONNX Runtime",
    "times as fast",
    "quartiles",
    "min to max",
    "tl2cgen, from Python",
    "lleaves, from Python",
  ];
  return [head, ...lines];
}

function modelTable({ models }: EnginesResult): Table {
  const kilobytes = (bytes: number) => figure(bytes / 1000);
  const lines = models.map(({ spec, leaves, levels, onnxBytes, kernelBytes, auto }) => [
    modelText(spec),
    figure(leaves),
    String(levels),
    kilobytes(onnxBytes),
    kernelBytes === undefined ? "" : kilobytes(kernelBytes),
    kernelBytes === undefined ? "" : figure(kernelBytes / onnxBytes),
    contenderNames[auto.engine],
  ]);
  return [
    ["model", "leaves", "levels", "model.onnx, kB", "the kernel's arrays, kB", "of model.onnx", "`auto` takes"],
    ...lines,
  ];
}

function autoText({ models }: EnginesResult): string {
  const count = models.reduce((sum, { byRows }) => sum + byRows.length, 0);
  const losses = lossesOfAuto(models).map(
    ({ model, rowCount, ratio }) =>
      `${modelText(model.spec)}, ${rowsText(rowCount)} a call (the other engine takes ${figure(ratio)} of the time)`,
  );
  if (losses.length === 0)
    return `Of ${count} pairs of model and rows a call, \`auto\` takes the slower engine at none.`;
  return `Of ${count} pairs of model and rows a call, \`auto\` takes the slower engine at ${losses.length}: ${losses.join("; ")}.`;
}

function peersText({ peers }: EnginesResult): string {
  if ("leftOut" in peers) return `The peers in Python were left out: ${peers.leftOut}.`;
  const { treelite, tl2cgen, gcc, lleaves, llvmlite, numpy, python } = peers.versions;
  return (
    `The kernel and ONNX Runtime are called from Node as the server calls them. The peers' figures include their call from Python ${python} ` +
    `(numpy ${numpy}, no pandas, one thread), which is most of it at one row: tl2cgen ${tl2cgen} with treelite ${treelite}, C compiled by gcc ${gcc}, ` +
    `a call makes a DMatrix of the rows and predicts; lleaves ${lleaves} with llvmlite ${llvmlite}, for LightGBM models alone.`
  );
}

const rowsText = (rowCount: number) => `${rowCount} ${rowCount === 1 ? "row" : "rows"}`;

/** The contenders that were left out of a model, and why. */
function leftOutTexts({ models }: EnginesResult): string[] {
  const lines = models.flatMap(({ spec, leftOut }) =>
    Object.entries(leftOut).map(
      ([name, reason]) => `- ${contenderNames[name as ContenderName]} without ${modelText(spec)}: ${reason}`,
    ),
  );
  return lines.length > 0 ? [lines.join("\n")] : [];
}

function usText(model: ModelResult, rowCount: number, name: ContenderName): string {
  const times = model.byRows.find((level) => level.rowCount === rowCount)!.rounds.flatMap((round) => round[name] ?? []);
  return times.length === 0 ? "" : figure(median(times));
}
