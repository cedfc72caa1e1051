/** Goal: a lane gives out the rows of one version in the order in which they came, small calls never behind a large one. */

import { describe, expect, test } from "vitest";
import type { Call } from "../../../../server/call.js";
import { Lane } from "../../../../server/inference/lane.js";
import { makeQueuedCall } from "../../../support/calls.js";
import { makeVersion } from "../../../support/versions.js";

const version = makeVersion();
const cost = { fixedUs: 1000, perRowUs: 1000 };
const rowsSmallMax = 10;

const call = (rowCount: number, deadlineMs?: number): Call => makeQueuedCall(version, [new Float32Array(rowCount)], rowCount, deadlineMs);

function laneOf(...calls: Call[]): Lane {
  const lane = new Lane(version, undefined);
  for (const each of calls) lane.push(each, rowsSmallMax);
  return lane;
}

test("knows the widths of its version's blocks and outputs", () => {
  const lane = laneOf();
  expect(lane.blockWidths).toEqual([1]);
  expect(lane.rawWidths).toEqual([1]);
  expect(lane.idle).toBe(true);
});

describe("small calls", () => {
  test("are taken whole, oldest first", () => {
    const [a, b, c] = [call(1), call(2), call(3)];
    const lane = laneOf(a, b, c);
    expect(lane.smallRows).toBe(6);
    expect(lane.idle).toBe(false);
    expect(lane.takeSmall(cost, 4, 0)).toEqual({ calls: [a, b], firstRow: 0, rowCount: 3, retried: false });
    expect(lane.smallRows).toBe(3);
    expect(lane.takeSmall(cost, 4, 0)!.calls).toEqual([c]);
    expect(lane.smallRows).toBe(0);
    expect(lane.idle).toBe(true);
  });

  test("that ended while they waited are left out, wherever they stand", () => {
    const calls = [call(1), call(2), call(3), call(4)];
    const lane = laneOf(...calls);
    calls[0]!.finished = true;
    calls[2]!.finished = true;
    const batch = lane.takeSmall(cost, 100, 0)!;
    expect(batch.calls).toEqual([calls[1], calls[3]]);
    expect(batch.rowCount).toBe(6);
    expect(lane.smallRows).toBe(0);
  });

  test("that have all ended make no batch", () => {
    const calls = [call(1), call(2)];
    const lane = laneOf(...calls);
    for (const each of calls) each.finished = true;
    expect(lane.takeSmall(cost, 100, 0)).toBeUndefined();
    expect(lane.smallRows).toBe(0);
    expect(lane.idle).toBe(true);
  });

  test("don't wait behind a large one", () => {
    const [large, small] = [call(500), call(1)];
    const lane = laneOf(large, small);
    expect(lane.takeSmall(cost, 100, 0)!.calls).toEqual([small]);
  });

  test("are cut off before the batch makes the first of them late", () => {
    const lane = laneOf(call(1, 103), call(1), call(1));
    expect(lane.takeSmall(cost, 100, 100)!.calls).toHaveLength(2);
  });
});

describe("large calls", () => {
  test("are taken in slices, one call after the other", () => {
    const [a, b] = [call(25), call(11)];
    const lane = laneOf(a, b);
    expect(lane.largeRows).toBe(36);
    const slices = Array.from({ length: 4 }, () => lane.takeLarge(10)!);
    expect(slices.map(({ calls, firstRow, rowCount }) => [calls, firstRow, rowCount])).toEqual([
      [[a], 0, 10],
      [[a], 10, 10],
      [[a], 20, 5],
      [[b], 0, 10],
    ]);
    expect(lane.largeRows).toBe(1);
    expect(lane.takeLarge(10)).toEqual({ calls: [b], firstRow: 10, rowCount: 1, retried: false });
    expect(lane.takeLarge(10)).toBeUndefined();
    expect(lane.idle).toBe(true);
  });

  test("that end between two slices are taken no further", () => {
    const [a, b] = [call(25), call(11)];
    const lane = laneOf(a, b);
    lane.takeLarge(10);
    a.finished = true;
    expect(lane.takeLarge(10)!.calls).toEqual([b]);
    expect(lane.largeRows).toBe(1);
  });

  test("that have all ended make no batch", () => {
    const only = call(25);
    const lane = laneOf(only);
    only.finished = true;
    expect(lane.takeLarge(10)).toBeUndefined();
    expect(lane.largeRows).toBe(0);
  });
});
