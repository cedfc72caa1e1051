/** The benchmark's result as tables: for the terminal, and as the measured section of docs/benchmarks.md. */

import { type Spread, spreadOf } from "../statistics.js";
import { figure, markdownTable, type Table, textTable } from "../table.js";
import { type Bar, barsOf, isMet } from "./bars.js";
import { machineText } from "./machine.js";
import type { BenchResult } from "./result.js";
import { contenders } from "./throughput.js";

export function reportText(result: BenchResult): string {
  return [setting(result), textTable(barTable(result)), textTable(throughputTable(result)), textTable(otherTable(result))].join("\n\n");
}

export function reportMarkdown(result: BenchResult): string {
  return [
    setting(result),
    markdownTable(barTable(result)),
    "### Throughput and latency in a closed loop",
    markdownTable(throughputTable(result)),
    "### The figures behind the other bars",
    markdownTable(otherTable(result)),
  ].join("\n\n");
}

const beginMark = "<!-- bench:begin (written by `npm run bench -- --write-docs`) -->";
const endMark = "<!-- bench:end -->";

/**
 * @param page - A page with both marks.
 * @returns The page with everything between the marks replaced by `section`.
 * @throws Error if a mark is missing.
 */
export function replaceMeasured(page: string, section: string): string {
  const begin = page.indexOf(beginMark);
  const end = page.indexOf(endMark);
  if (begin < 0 || end < begin) throw new Error(`the page needs the marks ${beginMark} and ${endMark}, in this order`);
  return `${page.slice(0, begin + beginMark.length)}\n\n${section}\n\n${page.slice(end)}`;
}

function setting({ finished, machine, generator, rounds, roundS }: BenchResult): string {
  return `${finished.slice(0, 10)}, ${machineText(machine)}; closed-loop load by ${generator}; ${rounds} paired rounds, ${roundS} s on each server in a round.`;
}

function barTable(result: BenchResult): Table {
  const lines = barsOf(result).map((bar) => [
    bar.what,
    `${bar.sense} ${bar.bound}${unitOf(bar)}`,
    ...(bar.reached ? spreadCells(bar.reached, unitOf(bar)) : ["not measured", "", ""]),
    verdict(bar),
  ]);
  return [["what", "bar", "median", "quartiles", "min to max", ""], ...lines];
}

function throughputTable({ throughput }: BenchResult): Table {
  const names = { raw: "raw limit", plumb: "Plumb", fastify: "Fastify + onnxruntime-node" };
  const lines = throughput.flatMap(({ connections, rounds }) =>
    contenders.map((contender) => {
      const load = rounds.map((round) => round.load[contender]);
      return [
        `${names[contender]}, ${connections} ${connections === 1 ? "connection" : "connections"}`,
        ...spreadCells(spreadOf(load.map((run) => run.requestsPerSecond))),
        figure(spreadOf(load.map((run) => run.p50Ms)).median),
        figure(spreadOf(load.map((run) => run.p99Ms)).median),
        String(load.reduce((sum, run) => sum + run.errors, 0)),
      ];
    }),
  );
  return [["server", "requests/s", "quartiles", "min to max", "P50 ms", "P99 ms", "errors"], ...lines];
}

function otherTable({ throughput, latency, large, coldStart, memory }: BenchResult): Table {
  const lines: [string, readonly number[]][] = [
    ["bare ONNX Runtime, golden rows in batches of 64, µs a row", throughput.flatMap(({ rounds }) => rounds.map((r) => r.onnxUsPerRow))],
    ["open loop at 200 rows/s, Plumb, P50 ms", latency.map((r) => r.plumbP50Ms)],
    ["the same, P99 ms", latency.map((r) => r.plumbP99Ms)],
    ["the same, P99 of the raw limit (machine and generator), ms", latency.map((r) => r.rawP99Ms)],
    ["the 1000-row requests in it, P99 ms", latency.map((r) => r.bigP99Ms)],
    ["bare ONNX Runtime, the rows of the 1000-row requests in batches of 64, rows/s", large.map((r) => r.onnxRowsPerSecond)],
    ["1000-row requests one at a time, rows/s", large.map((r) => r.rowsPerSecondAtOne)],
    ["1000-row requests two at a time, rows/s", large.map((r) => r.rowsPerSecondAtTwo)],
    ["`node -e 0`, ms", coldStart.map((r) => r.bareNodeMs)],
    ["process start to ready, ms", coldStart.map((r) => r.readyMs)],
    ["resident memory once ready, two pool workers, MB", memory ? [memory.readyMB] : []],
  ];
  const measured = lines.filter(([, values]) => values.length > 0);
  return [["what", "median", "quartiles", "min to max"], ...measured.map(([what, values]) => [what, ...spreadCells(spreadOf(values))])];
}

/** Median, quartiles, extremes. */
function spreadCells(spread: Spread, unit = ""): string[] {
  const { count, min, lowerQuartile, median, upperQuartile, max } = spread;
  if (count === 1) return [`${figure(median)}${unit}`, "", ""];
  return [`${figure(median)}${unit}`, `${figure(lowerQuartile)} to ${figure(upperQuartile)}`, `${figure(min)} to ${figure(max)}`];
}

function verdict(bar: Bar): string {
  const met = isMet(bar);
  if (met === undefined) return "";
  return met ? "pass" : "MISS";
}

const unitOf = ({ unit }: Bar) => (unit === "" ? "" : ` ${unit}`);
