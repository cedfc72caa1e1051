/** The doors as tables: for the terminal, and as a measured section of docs/benchmarks.md. */

import { machineText } from "../../loadtest/machine.js";
import { spreadOf } from "../../loadtest/statistics.js";
import { markdownTable, type Table, textTable } from "../../loadtest/table.js";
import { type Bar, bar, barTable, spreadCells } from "../bar.js";
import type { DoorsResult, DoorsRound } from "./doors.js";

export function doorsBars({ results, rankingBytes }: DoorsResult): Bar[] {
  const ratio = (of: (round: DoorsRound) => number) => results.map(of);
  return [
    bar(
      "Open Inference Protocol in JSON, one row, 128 connections: requests/s, of `/predict`",
      "at least",
      0.85,
      "",
      ratio(({ oneRow }) => oneRow.tensors / oneRow.predict),
    ),
    bar(
      "typed proto by Connect unary, one row, 128 connections: requests/s, of `/predict`",
      "at least",
      1.1,
      "",
      ratio(({ oneRow }) => oneRow.typed / oneRow.predict),
    ),
    bar(
      "binary tensors, 1,000 rows of 64 numbers: rows/s, of `/predict`",
      "at least",
      5,
      "",
      ratio(({ manyRows }) => manyRows.binary / manyRows.predict),
    ),
    bar(
      "typed proto, 1,000 rows of 64 numbers: rows/s, of `/predict`",
      "at least",
      5,
      "",
      ratio(({ manyRows }) => manyRows.typed / manyRows.predict),
    ),
    bar(
      "gRPC unary, 4 connections of 8 streams: calls/s, of a bare echo on node:http2",
      "at least",
      0.6,
      "",
      ratio(({ grpc }) => grpc.infer / grpc.echo),
    ),
    bar("500 candidates with a context: bytes, of repeated rows", "at most", 0.6, "", [rankingBytes]),
    bar(
      "the same: P50, of repeated rows",
      "at most",
      0.7,
      "",
      ratio(({ ranking }) => ranking.contextMs / ranking.repeatedMs),
    ),
  ];
}

function figuresTable({ results }: DoorsResult): Table {
  const lines: readonly (readonly [string, (round: DoorsRound) => number])[] = [
    ["one row, `/predict`, requests/s", ({ oneRow }) => oneRow.predict],
    ["one row, Open Inference Protocol in JSON, requests/s", ({ oneRow }) => oneRow.tensors],
    ["one row, typed proto, requests/s", ({ oneRow }) => oneRow.typed],
    ["1,000 rows of 64 numbers, `/predict`, rows/s", ({ manyRows }) => manyRows.predict],
    ["1,000 rows of 64 numbers, binary tensors, rows/s", ({ manyRows }) => manyRows.binary],
    ["1,000 rows of 64 numbers, typed proto, rows/s", ({ manyRows }) => manyRows.typed],
    ["gRPC unary, calls/s", ({ grpc }) => grpc.infer],
    ["bare echo on node:http2, calls/s", ({ grpc }) => grpc.echo],
    ["500 candidates with a context, P50 ms", ({ ranking }) => ranking.contextMs],
    ["500 candidates as repeated rows, P50 ms", ({ ranking }) => ranking.repeatedMs],
  ];
  return [
    ["what", "median", "quartiles", "min to max"],
    ...lines.map(([what, of]) => [what, ...spreadCells(spreadOf(results.map(of)))]),
  ];
}

function setting({ finished, machine, rounds, roundS }: DoorsResult): string {
  return `${finished.slice(0, 10)}, ${machineText(machine)}; ${rounds} paired rounds, ${roundS} s on each door in a round.`;
}

export function doorsText(result: DoorsResult): string {
  return [setting(result), textTable(barTable(doorsBars(result))), textTable(figuresTable(result))].join("\n\n");
}

export function doorsMarkdown(result: DoorsResult): string {
  const tables = [barTable(doorsBars(result)), figuresTable(result)].map(markdownTable);
  return [setting(result), ...tables].join("\n\n");
}
