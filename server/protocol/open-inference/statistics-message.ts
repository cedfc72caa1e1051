/** `inference.ModelStatisticsResponse`. @see proto/open_inference.proto */

import type { Buffer } from "node:buffer";
import { WireWriter } from "../protobuf/wire.js";
import { batchParts, inferenceParts, type ModelStatistics, type StatisticDuration } from "./statistics.js";

export function writeStatistics(all: readonly ModelStatistics[]): Buffer {
  const reply = new WireWriter();
  for (const each of all) reply.message(1, modelMessage(each));
  return reply.finish();
}

function modelMessage(of: ModelStatistics): WireWriter {
  const message = new WireWriter()
    .text(1, of.name)
    .text(2, of.version)
    .integer(3, of.last_inference)
    .integer(4, of.inference_count)
    .integer(5, of.execution_count)
    .message(6, durations(inferenceParts, of.inference_stats, 1));
  for (const batch of of.batch_stats) {
    const size = new WireWriter().integer(1, batch.batch_size);
    message.message(7, durations(batchParts, batch, 2, size));
  }
  return message;
}

/** @param firstField - That of the first part; the others follow. */
function durations<Part extends string>(
  parts: readonly Part[],
  of: Readonly<Record<Part, StatisticDuration>>,
  firstField: number,
  message = new WireWriter(),
): WireWriter {
  for (const [at, part] of parts.entries()) {
    const { count, ns } = of[part];
    message.message(firstField + at, new WireWriter().integer(1, count).integer(2, ns));
  }
  return message;
}
