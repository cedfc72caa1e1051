/** Goal: rows that wait side by side stay their own call's, whoever leaves, is given up or refuses rows in between. */

import { describe, expect, test } from "vitest";
import { Intake } from "../../../../server/inference/intake.js";
import { packBatch } from "../../../../server/inference/pack.js";
import type { Call } from "../../../../server/path/call.js";
import { preprocess } from "../../../../server/path/rows.js";
import { makeCall, makeQueuedCall } from "../../../support/calls.js";
import { makeVersion, sizeAndColour } from "../../../support/versions.js";

const version = makeVersion();
const widths = [2];

/** A call whose rows all have its number; admitted, if there is room. */
function callIn(intake: Intake, number: number, rowCount = 1): Call {
  const own = [new Float32Array(rowCount * 2).fill(number)];
  const call = makeQueuedCall(version, own, rowCount);
  if (intake.admit(call)) call.blocks[0]!.set(own[0]!, call.blockRow * 2);
  return call;
}

const batchOf = (calls: readonly Call[]) => ({
  calls,
  firstRow: 0,
  rowCount: calls.reduce((sum, { rowCount }) => sum + rowCount, 0),
  retried: false,
});
const packed = (intake: Intake, calls: readonly Call[], own = false) =>
  packBatch(batchOf(calls), widths, own, intake)[0]!;

describe("a batch of calls that stand side by side", () => {
  test("is a view: nothing is copied", () => {
    const intake = new Intake([new Float32Array(16)], widths);
    const calls = [callIn(intake, 1), callIn(intake, 2, 2)];
    expect([...packed(intake, calls)]).toEqual([1, 1, 2, 2, 2, 2]);
    expect(packed(intake, calls).buffer).toBe(intake.blocks[0]!.buffer);
  });

  test("closes the gap of a call that was given up", () => {
    const intake = new Intake([new Float32Array(16)], widths);
    const [first, , third, fourth] = [callIn(intake, 1), callIn(intake, 2, 2), callIn(intake, 3), callIn(intake, 4)];
    expect([...packed(intake, [first!, third!, fourth!])]).toEqual([1, 1, 3, 3, 4, 4]);
  });

  test("begins where its first call stands", () => {
    const intake = new Intake([new Float32Array(16)], widths);
    const calls = [1, 2, 3].map((number) => callIn(intake, number));
    expect([...packed(intake, calls.slice(1))]).toEqual([2, 2, 3, 3]);
  });

  test("has every block of several", () => {
    const intake = new Intake([new Float32Array(16), new Float64Array(8)], [2, 1]);
    const calls = [1, 2].map((number) => {
      const call = makeQueuedCall(version, [], 1);
      expect(intake.admit(call)).toBe(true);
      for (const [i, block] of call.blocks.entries())
        block.fill(number, call.blockRow * intake.widths[i]!, (call.blockRow + 1) * intake.widths[i]!);
      return call;
    });
    expect(packBatch(batchOf(calls), [2, 1], false, intake)).toEqual([
      Float32Array.of(1, 1, 2, 2),
      Float64Array.of(1, 2),
    ]);
  });

  test("is copied for another thread", () => {
    const intake = new Intake([new Float32Array(16)], widths);
    const calls = [callIn(intake, 1), callIn(intake, 2)];
    const block = packed(intake, calls, true);
    expect([...block]).toEqual([1, 1, 2, 2]);
    expect(block.buffer).not.toBe(intake.blocks[0]!.buffer);
  });
});

describe("room", () => {
  test("ends with the block: who finds none keeps blocks of his own, and runs with the others all the same", () => {
    const intake = new Intake([new Float32Array(4)], widths);
    const calls = [callIn(intake, 1), callIn(intake, 2, 2), callIn(intake, 3)];
    expect(calls.map((call) => intake.holds(call))).toEqual([true, false, true]);
    expect([...packed(intake, calls)]).toEqual([1, 1, 2, 2, 2, 2, 3, 3]);
  });

  test("is there again once it was cleared", () => {
    const intake = new Intake([new Float32Array(4)], widths);
    callIn(intake, 1, 2);
    expect(intake.holds(callIn(intake, 2))).toBe(false);
    intake.clear();
    expect(callIn(intake, 3).blockRow).toBe(0);
  });
});

test("a call that leaves takes its rows along, and nobody's later rows reach them", () => {
  const intake = new Intake([new Float32Array(8)], widths);
  const [, leaver] = [callIn(intake, 1), callIn(intake, 2, 2)];
  intake.release(leaver!);
  intake.clear();
  callIn(intake, 9, 4);
  expect(leaver!.blocks).toEqual([Float32Array.of(2, 2, 2, 2)]);
  expect([leaver!.blockRow, intake.holds(leaver!)]).toEqual([0, false]);
  intake.release(leaver!);
  expect(leaver!.blocks).toEqual([Float32Array.of(2, 2, 2, 2)]);
});

test("rows that the pipeline refuses leave no gap among those of a partial request", () => {
  const version = makeVersion({ ...sizeAndColour, models: [{ ...twoColumns }] });
  version.intake = new Intake([new Float32Array(32)], [2]);
  const before = callIn(version.intake, 7);
  const { call } = makeCall();
  const rows = [
    { size: 1, colour: "red" },
    { size: 2, colour: "green" },
    { size: 3, colour: "blue" },
  ];
  call.request = { rows, partial: true };
  call.goodRows = rows;
  call.rowCount = 3;
  preprocess(call, version);
  expect(call.rowCount).toBe(2);
  expect([...packed(version.intake, [before, call])]).toEqual([7, 7, 1, 1, 3, 0]);
});

const twoColumns = {
  id: "main",
  file: "model.onnx",
  bytes: new Uint8Array(0),
  inputs: [{ name: "X", dtype: "float32", shape: ["rows", 2] }],
  outputs: [{ name: "Y", dtype: "float32", shape: ["rows", 1] }],
};
