/** The benchmark's result as tables: for the terminal, and as the measured section of docs/benchmarks.md. */

import type { Saturation } from "../loadtest/generators.js";
import { machineText } from "../loadtest/machine.js";
import { spreadOf } from "../loadtest/statistics.js";
import { figure, markdownTable, type Table, textTable } from "../loadtest/table.js";
import { barTable, spreadCells } from "./bar.js";
import { barsOf } from "./bars.js";
import type { BenchResult } from "./result.js";
import { contenders } from "./throughput.js";
import { shapeText } from "./wide/rounds.js";

export function reportText(result: BenchResult): string {
  const tables = [barTable(barsOf(result)), throughputTable(result), peerTable(result), otherTable(result)].filter(
    (table) => table.length > 1,
  );
  return [setting(result), ...tables.map(textTable), ...peerTexts(result)].join("\n\n");
}

export function reportMarkdown(result: BenchResult): string {
  return [
    setting(result),
    markdownTable(barTable(barsOf(result))),
    "### Throughput and latency in a closed loop",
    markdownTable(throughputTable(result)),
    "### The peers",
    peerTexts(result)
      .map((text) => `- ${text}`)
      .join("\n"),
    ...(peerTable(result).length > 1 ? [markdownTable(peerTable(result))] : []),
    "### The figures behind the other bars",
    markdownTable(otherTable(result)),
  ].join("\n\n");
}

function setting({ finished, machine, generator, rounds, roundS }: BenchResult): string {
  return `${finished.slice(0, 10)}, ${machineText(machine)}; closed-loop load by ${generator}; ${rounds} paired rounds, ${roundS} s on each server in a round.`;
}

function throughputTable({ throughput }: BenchResult): Table {
  const names = {
    raw: "raw limit (uWebSockets.js)",
    plumb: "Plumb on uWebSockets.js",
    fastify: "Fastify + onnxruntime-node",
  };
  const lines = throughput.flatMap(({ connections, rounds }) =>
    contenders.map((contender) => [
      `${names[contender]}, ${connectionsText(connections)}`,
      ...loadCells(rounds.map((round) => round.load[contender])),
    ]),
  );
  return [["server", "requests/s", "quartiles", "min to max", "P50 ms", "P99 ms", "errors"], ...lines];
}

/** Each peer's packages and work, or why there are no peers. */
function peerTexts({ machine, peers }: BenchResult): string[] {
  const { node, versions } = machine;
  const fastify =
    `Fastify + onnxruntime-node: Node ${node}, fastify ${versions.fastify}, onnxruntime-node ${versions["onnxruntime-node"]}; one process. ` +
    "For a request: Fastify's validation by JSON Schema, scaling by hand, one run of ONNX Runtime with one thread, on the event loop.";
  if ("leftOut" in peers) return [fastify, `The peers in Python were left out: ${peers.leftOut}`];
  return [fastify, ...peers.map(({ name, setUp }) => `${name}: ${setUp}`)];
}

function peerTable({ peers }: BenchResult): Table {
  const head = [
    "server",
    "requests/s",
    "quartiles",
    "min to max",
    "P50 ms",
    "P99 ms",
    "errors",
    "Plumb in the same rounds",
    "times as many",
  ];
  if ("leftOut" in peers) return [head];
  const lines = peers.flatMap(({ name, levels }) =>
    levels.map(({ connections, rounds }) => [
      `${name}, ${connectionsText(connections)}`,
      ...loadCells(rounds.map(({ peer }) => peer)),
      figure(spreadOf(rounds.map(({ plumb }) => plumb.requestsPerSecond)).median),
      figure(spreadOf(rounds.map(({ peer, plumb }) => plumb.requestsPerSecond / peer.requestsPerSecond)).median),
    ]),
  );
  return [head, ...lines];
}

/** Throughput with its spread, median latencies, and all errors. */
function loadCells(load: readonly Saturation[]): string[] {
  return [
    ...spreadCells(spreadOf(load.map((run) => run.requestsPerSecond))),
    figure(spreadOf(load.map((run) => run.p50Ms)).median),
    figure(spreadOf(load.map((run) => run.p99Ms)).median),
    String(load.reduce((sum, run) => sum + run.errors, 0)),
  ];
}

const connectionsText = (connections: number) => `${connections} ${connections === 1 ? "connection" : "connections"}`;

function otherTable({
  throughput,
  withoutKernel,
  httpMembers,
  traced,
  cache,
  latency,
  large,
  wide,
  turns,
  coldStart,
  memory,
}: BenchResult): Table {
  const lines: [string, readonly number[]][] = [
    [
      "bare ONNX Runtime, golden rows in batches of 64, µs a row",
      throughput.flatMap(({ rounds }) => rounds.map((r) => r.onnxUsPerRow)),
    ],
    [
      "beside a Plumb without the tree kernel, 128 connections, requests/s",
      withoutKernel.map(({ load }) => load.plumb.requestsPerSecond),
    ],
    [
      "the same, the Plumb without (`--engine onnxruntime`)",
      withoutKernel.map(({ load }) => load.onnxruntime.requestsPerSecond),
    ],
    [
      "times as many with the kernel",
      withoutKernel.map(({ load }) => load.plumb.requestsPerSecond / load.onnxruntime.requestsPerSecond),
    ],
    [
      "bare node:http and JSON.parse, 128 connections, requests/s",
      httpMembers.map(({ load }) => load.bareNode.requestsPerSecond),
    ],
    [
      "Plumb on node:http (`--http node`), in the same rounds, requests/s",
      httpMembers.map(({ load }) => load.node.requestsPerSecond),
    ],
    [
      "Plumb on uWebSockets.js (`--http uws`), in the same rounds, requests/s",
      httpMembers.map(({ load }) => load.uws.requestsPerSecond),
    ],
    ["processor time a request, bare node:http, µs", cpu(httpMembers, "bareNode")],
    ["processor time a request, Plumb on node:http, µs", cpu(httpMembers, "node")],
    ["processor time a request, Plumb on uWebSockets.js, µs", cpu(httpMembers, "uws")],
    [
      "with 1 % of the calls traced, 128 connections, requests/s",
      traced.map(({ load }) => load.plumb.requestsPerSecond),
    ],
    ["processor time a request, raw limit, µs", cache.map((r) => r.rawCpuUs)],
    ["processor time a request, Plumb, the row in its cache, µs", cache.map((r) => r.hitCpuUs)],
    ["processor time a request, Plumb without a cache, µs", cache.map((r) => r.missCpuUs)],
    ["the row in the cache, of without a cache, raw limit included", cache.map((r) => r.hitCpuUs / r.missCpuUs)],
    ["requests/s with the row in the cache, 128 connections", cache.map((r) => r.hitsPerSecond)],
    ["open loop at 200 rows/s, Plumb, P50 ms", latency.map((r) => r.plumbP50Ms)],
    ["the same, P99 ms", latency.map((r) => r.plumbP99Ms)],
    ["the same, P99 of the raw limit (machine and generator), ms", latency.map((r) => r.rawP99Ms)],
    ["the 1000-row requests in it, P99 ms", latency.map((r) => r.bigP99Ms)],
    [
      "bare ONNX Runtime, the rows of the 1000-row requests in batches of 64, rows/s",
      large.map((r) => r.onnxRowsPerSecond),
    ],
    ["1000-row requests one at a time, rows/s", large.map((r) => r.rowsPerSecondAtOne)],
    ["1000-row requests two at a time, rows/s", large.map((r) => r.rowsPerSecondAtTwo)],
    ...wide.flatMap((result): [string, readonly number[]][] => [
      [`${shapeText(result)}, raw limit, requests/s`, result.rounds.map(({ load }) => load.raw.requestsPerSecond)],
      ["the same, Plumb, requests/s", result.rounds.map(({ load }) => load.plumb.requestsPerSecond)],
    ]),
    [
      "10,000-row requests one at a time, the longest turn of the event loop of all, ms",
      turns.map((r) => r.longestOfAllMs),
    ],
    ["`node -e 0`, ms", coldStart.map((r) => r.bareNodeMs)],
    ["process start to ready, ms", coldStart.map((r) => r.readyMs)],
    ["resident memory once ready, two pool workers, MB", memory ? [memory.readyMB] : []],
  ];
  const measured = lines.filter(([, values]) => values.length > 0);
  return [
    ["what", "median", "quartiles", "min to max"],
    ...measured.map(([what, values]) => [what, ...spreadCells(spreadOf(values))]),
  ];
}

const cpu = (rounds: BenchResult["httpMembers"], name: "bareNode" | "node" | "uws") =>
  rounds.flatMap(({ load }) => load[name].cpuUsPerRequest ?? []);
