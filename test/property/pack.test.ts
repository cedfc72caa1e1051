/**
 * Goal: whatever calls share a batch, or however a call is cut into batches, each call gets the outputs of its own
 * rows, and its own failures.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Block } from "../../preprocessing/index.js";
import { type Batch, packBatch, unpackBatch } from "../../server/inference/pack.js";
import type { Call } from "../../server/path/call.js";
import { makeQueuedCall } from "../support/calls.js";
import { rowsOf } from "../support/puppet-engine.js";
import { makeVersion } from "../support/versions.js";

const version = makeVersion();

interface Table {
  dtype: "float32" | "float64";
  width: number;
}
const table: fc.Arbitrary<Table> = fc.record({
  dtype: fc.constantFrom("float32" as const, "float64" as const),
  width: fc.integer({ min: 1, max: 5 }),
});
const tables = fc.array(table, { minLength: 1, maxLength: 3 });
const rowCounts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

function newBlock({ dtype, width }: Table, rowCount: number, fill: (index: number) => number): Block {
  const length = width * rowCount;
  return dtype === "float32"
    ? Float32Array.from({ length }, (_, i) => fill(i))
    : Float64Array.from({ length }, (_, i) => fill(i));
}

/** A call whose every value is its own: 1000 times the call's number, and then the place in it. */
function numberedCall(inputs: readonly Table[], rowCount: number, number: number): Call {
  return makeQueuedCall(
    version,
    inputs.map((input, i) => newBlock(input, rowCount, (index) => 1000 * number + 100 * i + index)),
    rowCount,
  );
}

/** A model's outputs: the sum of all of a row's inputs, times the place in the output. */
function outputsFor(
  blocks: readonly Block[],
  inputs: readonly Table[],
  outputs: readonly Table[],
  rowCount: number,
): Block[] {
  const sums = Array.from({ length: rowCount }, (_, row) =>
    blocks.reduce(
      (sum, block, i) => sum + rowsOf(block, inputs[i]!.width, rowCount)[row]!.reduce((a, b) => a + b, 0),
      0,
    ),
  );
  return outputs.map((output) =>
    newBlock(output, rowCount, (index) => sums[Math.floor(index / output.width)]! * ((index % output.width) + 1)),
  );
}

function gotten(call: Call, outputs: readonly Table[]): number[][] {
  return outputs.map(({ width }, i) =>
    Array.from(call.raw[i]!.subarray(call.rawFirstRow * width, (call.rawFirstRow + call.rowCount) * width)),
  );
}

function expectedOf(call: Call, inputs: readonly Table[], outputs: readonly Table[]): number[][] {
  return outputsFor(call.blocks, inputs, outputs, call.rowCount).map((block) => Array.from(block));
}

const widthsOf = (list: readonly Table[]) => list.map(({ width }) => width);

test("whole calls side by side get their own rows back", () => {
  fc.assert(
    fc.property(tables, tables, rowCounts, fc.boolean(), (inputs, outputs, counts, own) => {
      const calls = counts.map((rowCount, number) => numberedCall(inputs, rowCount, number));
      const rowCount = counts.reduce((a, b) => a + b, 0);
      const batch: Batch = { calls, firstRow: 0, rowCount, retried: false };
      const blocks = packBatch(batch, widthsOf(inputs), own);
      expect(blocks.map((block) => Array.from(block))).toEqual(
        inputs.map((_, i) => calls.flatMap((call) => Array.from(call.blocks[i]!))),
      );
      expect(blocks.map((block) => block.constructor.name)).toEqual(
        calls[0]!.blocks.map((block) => block.constructor.name),
      );
      unpackBatch(
        batch,
        { raw: outputsFor(blocks, inputs, outputs, rowCount), failedRows: [], failure: undefined },
        widthsOf(outputs),
      );
      for (const call of calls) {
        expect(gotten(call, outputs)).toEqual(expectedOf(call, inputs, outputs));
        expect(call.failedRows).toBeUndefined();
      }
    }),
  );
});

test("a large call's slices, in any order, come together as one", () => {
  fc.assert(
    fc.property(
      tables,
      tables,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 1000 }),
      (inputs, outputs, counts, own, shuffle) => {
        const rowCount = counts.reduce((a, b) => a + b, 0);
        const call = numberedCall(inputs, rowCount, 7);
        let next = 0;
        const slices = counts.map((count): Batch => {
          next += count;
          return { calls: [call], firstRow: next - count, rowCount: count, retried: false };
        });
        const order = [...slices.slice(shuffle % slices.length), ...slices.slice(0, shuffle % slices.length)];
        for (const slice of order) {
          const blocks = packBatch(slice, widthsOf(inputs), own);
          unpackBatch(
            slice,
            { raw: outputsFor(blocks, inputs, outputs, slice.rowCount), failedRows: [], failure: undefined },
            widthsOf(outputs),
          );
        }
        expect(gotten(call, outputs)).toEqual(expectedOf(call, inputs, outputs));
      },
    ),
  );
});

test("failed rows reach the call they belong to, by their place in it", () => {
  fc.assert(
    fc.property(rowCounts, fc.infiniteStream(fc.boolean()), (counts, fate) => {
      const inputs: Table[] = [{ dtype: "float32", width: 1 }];
      const calls = counts.map((rowCount, number) => numberedCall(inputs, rowCount, number));
      const rowCount = counts.reduce((a, b) => a + b, 0);
      const fates = calls.map((call) => Array.from({ length: call.rowCount }, () => fate.next().value));
      const failedRows = fates.flat().flatMap((failed, row) => (failed ? [row] : []));
      unpackBatch(
        { calls, firstRow: 0, rowCount, retried: false },
        { raw: [new Float32Array(rowCount)], failedRows, failure: "no" },
        [1],
      );
      for (const [number, call] of calls.entries()) {
        const expected = fates[number]!.flatMap((failed, row) => (failed ? [row] : []));
        expect(call.failedRows ?? []).toEqual(expected);
      }
    }),
  );
});

test("failed rows of a slice count from the call's first row", () => {
  const call = numberedCall([{ dtype: "float32", width: 1 }], 10, 0);
  const slice = (firstRow: number, rowCount: number): Batch => ({ calls: [call], firstRow, rowCount, retried: false });
  unpackBatch(slice(4, 4), { raw: [new Float32Array(4)], failedRows: [0, 3], failure: "no" }, [1]);
  unpackBatch(slice(0, 4), { raw: [new Float32Array(4)], failedRows: [1], failure: "no" }, [1]);
  unpackBatch(slice(8, 2), { raw: [new Float32Array(2)], failedRows: [], failure: undefined }, [1]);
  expect([...call.failedRows!].sort((a, b) => a - b)).toEqual([1, 4, 7]);
});

test("what is going to be moved to another thread is never a call's own memory", () => {
  fc.assert(
    fc.property(tables, rowCounts, (inputs, counts) => {
      const calls = counts.map((rowCount, number) => numberedCall(inputs, rowCount, number));
      const rowCount = counts.reduce((a, b) => a + b, 0);
      const blocks = packBatch({ calls, firstRow: 0, rowCount, retried: false }, widthsOf(inputs), true);
      const own = new Set(calls.flatMap((call) => call.blocks.map(({ buffer }) => buffer)));
      for (const block of blocks) {
        expect(own.has(block.buffer)).toBe(false);
        // A moved buffer goes as a whole, so it must hold nothing but the block.
        expect(block.buffer.byteLength).toBe(block.byteLength);
      }
    }),
  );
});

test("a single call that stays on this thread isn't copied", () => {
  const call = numberedCall([{ dtype: "float32", width: 2 }], 3, 0);
  const [block] = packBatch({ calls: [call], firstRow: 0, rowCount: 3, retried: false }, [2], false);
  expect(block).toBe(call.blocks[0]);
});
