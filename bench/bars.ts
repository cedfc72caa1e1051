/** What Plumb must reach, and what it reached. */

import { type Bar, bar } from "./bar.js";
import { hitOfMiss } from "./cache-hits.js";
import { ofBareNode } from "./http-members.js";
import type { BenchResult } from "./result.js";
import { ceilingShare, type ThroughputRound } from "./throughput.js";
import { p50OfRaw as p50OfRawWide, requestsOfRaw, shapeText, type WideResult } from "./wide/rounds.js";
import { shareWithoutKernel } from "./without-kernel.js";

export function barsOf({
  throughput,
  withoutKernel,
  httpMembers,
  traced,
  cache,
  peers,
  latency,
  large,
  wide,
  turns,
  coldStart,
  memory,
}: BenchResult): Bar[] {
  const at = (connections: number) => throughput.find((level) => level.connections === connections)?.rounds ?? [];
  const errors = [
    ...throughput.flatMap(({ rounds }) => rounds.map(({ load }) => load.plumb.errors)),
    ...withoutKernel.flatMap(({ load }) => [load.plumb.errors, load.onnxruntime.errors]),
    ...httpMembers.flatMap(({ load }) => [load.uws.errors, load.node.errors]),
    ...traced.map(({ load }) => load.plumb.errors),
    ...cache.map((round) => round.errors),
    ...("leftOut" in peers
      ? []
      : peers.flatMap(({ levels }) => levels.flatMap(({ rounds }) => rounds.map(({ plumb }) => plumb.errors)))),
    ...latency.map((round) => round.errors),
    ...large.map((round) => round.errors),
    ...wide.flatMap(({ rounds }) => rounds.map(({ load }) => load.plumb.errors)),
    ...turns.map((round) => round.errors),
  ];
  return [
    bar("one row a request, 128 connections: share of the ceiling", "at least", 1.15, "", at(128).map(ceilingShare)),
    bar("the same, with the model on ONNX Runtime", "at least", 0.75, "", withoutKernel.map(shareWithoutKernel)),
    bar(
      "as it comes, with 1 % of the calls traced to a local collector",
      "at least",
      0.75,
      "",
      traced.map(ceilingShare),
    ),
    bar(
      "one row a request, 128 connections: requests/s, of the plain Fastify service",
      "at least",
      2.5,
      "",
      at(128).map(ofFastify),
    ),
    bar(
      "`--http node`, 128 connections: requests/s, of bare node:http",
      "at least",
      0.75,
      "",
      httpMembers.map(ofBareNode),
    ),
    bar("P50 at one connection, of the raw limit's", "at most", 1.4, "", at(1).map(p50OfRaw)),
    bar(
      "processor time of a cache hit above the raw limit's, of a miss's above it",
      "under",
      0.5,
      "",
      cache.map(hitOfMiss),
    ),
    bar(
      "P99 at 200 rows/s, open loop, beside a 1000-row request each second",
      "under",
      5,
      "ms",
      latency.map((r) => r.plumbP99Ms),
    ),
    bar(
      "rows/s of 1000-row requests, one at a time, of bare ONNX Runtime",
      "at least",
      0.75,
      "",
      large.map((r) => r.rowsPerSecondAtOne / r.onnxRowsPerSecond),
    ),
    bar(
      "the same, two at a time",
      "at least",
      0.75,
      "",
      large.map((r) => r.rowsPerSecondAtTwo / r.onnxRowsPerSecond),
    ),
    ...wide.map(wideBar),
    bar(
      "longest turn of the event loop while 10,000-row requests are answered, collections of garbage aside",
      "under",
      1,
      "ms",
      turns.map((r) => r.longestMs),
    ),
    bar(
      "process start to ready, of `node -e 0`",
      "under",
      8,
      "",
      coldStart.map((r) => r.readyMs / r.bareNodeMs),
    ),
    bar("resident memory under load, two pool workers", "under", 230, "MB", memory ? [memory.peakMB] : []),
    bar("requests that Plumb didn't answer with 200", "at most", 0, "", [
      errors.reduce((sum, count) => sum + count, 0),
    ]),
  ];
}

const ofFastify = ({ load }: ThroughputRound) => load.plumb.requestsPerSecond / load.fastify.requestsPerSecond;
const p50OfRaw = ({ load }: ThroughputRound) => load.plumb.p50Ms / load.raw.p50Ms;

/** What rows of each shape must reach, of the raw limit's. */
function wideBar(result: WideResult): Bar {
  const { features, rowsPerRequest, connections, rounds } = result;
  const what = shapeText(result);
  if (connections === 1) return bar(`${what}: P50, of the raw limit's`, "at most", 0.9, "", rounds.map(p50OfRawWide));
  const least = rowsPerRequest > 1 || features >= 300 ? 1.2 : features >= 50 ? 0.9 : 0.75;
  return bar(`${what}: requests/s, of the raw limit's`, "at least", least, "", rounds.map(requestsOfRaw));
}
