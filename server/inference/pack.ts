/**
 * Puts the blocks of the calls of a batch side by side, and takes the outputs apart again.
 *
 * A batch is either several whole calls, or one slice of a call that is too large for one batch.
 */

import type { Block } from "../../preprocessing/index.js";
import type { Call } from "../path/call.js";
import type { BatchRow, RunningRow } from "../path/row-index.js";
import type { Intake } from "./intake.js";
import type { RunResult } from "./runner.js";

export interface Batch {
  readonly calls: readonly Call[];
  /** 0, unless the batch is a slice of a large call: then its first row. */
  readonly firstRow: RunningRow;
  readonly rowCount: number;
  /** The first worker that ran it died. */
  readonly retried: boolean;
  /** Taken from the queue of large calls, whole or in slices. */
  readonly large?: boolean;
}

/**
 * @param widths - Values per row, per block.
 * @param own - The blocks will be moved to another thread: never hand out a call's own block.
 * @param intake - Where calls of the batch may stand; none does if their blocks are to be moved.
 * @returns One block per model input, `[batch.rowCount, width]`.
 * @remarks Copies each value once, and nothing at all for calls that stay on this thread and stand in an intake, or
 *   alone.
 */
export function packBatch(batch: Batch, widths: readonly number[], own: boolean, intake?: Intake): Block[] {
  const { calls } = batch;
  const first = calls[0]!;
  if (!own && intake !== undefined && standTogether(calls, intake)) return intake.gather(calls);
  if (calls.length === 1) {
    const { blocks, rowCount } = first;
    if (!own && rowCount === batch.rowCount) return blocks as Block[];
    const from = first.blockRow + batch.firstRow;
    return blocks.map((block, i) => block.slice(from * widths[i]!, (from + batch.rowCount) * widths[i]!));
  }
  return first.blocks.map((model, i) => {
    const width = widths[i]!;
    const block =
      model instanceof Float32Array
        ? new Float32Array(batch.rowCount * width)
        : new Float64Array(batch.rowCount * width);
    let offset = 0;
    for (const call of calls) {
      const source = call.blocks[i]!;
      const end = (call.blockRow + call.rowCount) * width;
      // A loop: `set` costs more than it saves on the few values of a row.
      for (let k = call.blockRow * width; k < end; k++) block[offset++] = source[k]!;
    }
    return block;
  });
}

function standTogether(calls: readonly Call[], intake: Intake): boolean {
  for (let i = 0; i < calls.length; i++) if (!intake.holds(calls[i]!)) return false;
  return true;
}

/** Hands the outputs of a batch to its calls; a slice's are copied to where the call gathers them. */
export function unpackBatch(batch: Batch, result: RunResult, widths: readonly number[]): void {
  const [first] = batch.calls;
  if (first!.rowCount > batch.rowCount) {
    const call = first!;
    if (call.raw.length === 0) {
      call.raw = result.raw.map((block, i) => {
        const length = call.rowCount * widths[i]!;
        return block instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
      });
    }
    for (const [i, block] of result.raw.entries())
      (call.raw[i] as Float32Array).set(block as Float32Array, batch.firstRow * widths[i]!);
  } else {
    let offset = 0;
    for (const call of batch.calls) {
      call.raw = result.raw;
      call.rawFirstRow = offset;
      offset += call.rowCount;
    }
  }
  for (const row of result.failedRows) markFailed(batch, row);
}

function markFailed(batch: Batch, row: BatchRow): void {
  let offset = 0;
  for (const call of batch.calls) {
    if (row < offset + call.rowCount) {
      call.failedRows ??= [];
      call.failedRows.push(batch.firstRow + row - offset);
      return;
    }
    offset += call.rowCount;
  }
}
