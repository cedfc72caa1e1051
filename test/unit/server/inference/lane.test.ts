/**
 * Goal: a lane gives out the rows of one version in the order in which they came, small calls never behind a large one.
 */

import { describe, expect, test } from "vitest";
import { Lane } from "../../../../server/inference/lane.js";
import type { Call } from "../../../../server/path/call.js";
import { makeQueuedCall } from "../../../support/calls.js";
import { makeVersion } from "../../../support/versions.js";

const version = makeVersion();
const cost = { fixedUs: 1000, perRowUs: 1000 };
const rowsSmallMax = 10;
const bounds = (rowsMax: number, nowMs = 0) => ({ cost, rowsMax, rowsPerMs: () => 1, nowMs });

function timed(call: Call, targetMs = Number.POSITIVE_INFINITY): Call {
  call.targetMs = targetMs;
  return call;
}

const call = (rowCount: number, deadlineMs?: number): Call =>
  timed(makeQueuedCall(version, [new Float32Array(rowCount)], rowCount, deadlineMs), deadlineMs);

function laneOf(...calls: Call[]): Lane {
  const lane = new Lane(version, undefined);
  for (const each of calls) lane.push(each, each.rowCount <= rowsSmallMax ? lane.small : lane.large);
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
    expect(lane.small.rows).toBe(6);
    expect(lane.idle).toBe(false);
    expect(lane.takeSmall(bounds(4, 0), [])).toEqual({ calls: [a, b], firstRow: 0, rowCount: 3, retried: false });
    expect(lane.small.rows).toBe(3);
    expect(lane.takeSmall(bounds(4, 0), [])!.calls).toEqual([c]);
    expect(lane.small.rows).toBe(0);
    expect(lane.idle).toBe(true);
  });

  test("that ended while they waited are left out, wherever they stand", () => {
    const calls = [call(1), call(2), call(3), call(4)];
    const lane = laneOf(...calls);
    calls[0]!.finished = true;
    calls[2]!.finished = true;
    const batch = lane.takeSmall(bounds(100, 0), [])!;
    expect(batch.calls).toEqual([calls[1], calls[3]]);
    expect(batch.rowCount).toBe(6);
    expect(lane.small.rows).toBe(0);
  });

  test("whose callers will have left make room, but for a few that are tried", () => {
    const lane = laneOf();
    for (let k = 0; k < 24; k++) lane.patience.left(128, 100);
    // 1 ms and 1 ms a row, from the 94th on: those of two rows end too late, where an answer is meant for three
    // quarters of 128 ms.
    const [late, inTime] = [call(2), call(1)];
    for (const each of [late, inTime]) lane.push(each, lane.small);
    const given: Call[] = [];
    expect(lane.takeSmall(bounds(100, late.arrivedMs + 94), given)!.calls).toEqual([inTime]);
    expect(given).toEqual([late]);
    const hopeless = Array.from({ length: 128 }, () => call(2));
    for (const each of hopeless) lane.push(each, lane.small);
    expect(lane.takeSmall(bounds(1000, late.arrivedMs + 94), given)!.calls).toHaveLength(2);
    expect(given).toHaveLength(127);
  });

  test("whose callers said how long they wait aren't judged by those who left", () => {
    const lane = laneOf();
    for (let k = 0; k < 24; k++) lane.patience.left(1, 100);
    const [silent, patient] = [call(1), call(1)];
    patient.callerTimeoutMs = 60_000;
    patient.targetMs = patient.deadlineMs = patient.arrivedMs + 60_000;
    for (const each of [silent, patient]) lane.push(each, lane.small);
    const given: Call[] = [];
    expect(lane.takeSmall(bounds(100, patient.arrivedMs + 94), given)!.calls).toEqual([patient]);
    expect(given).toEqual([silent]);
  });

  test("that have all ended make no batch", () => {
    const calls = [call(1), call(2)];
    const lane = laneOf(...calls);
    for (const each of calls) each.finished = true;
    expect(lane.takeSmall(bounds(100, 0), [])).toBeUndefined();
    expect(lane.small.rows).toBe(0);
    expect(lane.idle).toBe(true);
  });

  test("don't wait behind a large one", () => {
    const [large, small] = [call(500), call(1)];
    const lane = laneOf(large, small);
    expect(lane.takeSmall(bounds(100, 0), [])!.calls).toEqual([small]);
  });

  test("are cut off before the batch makes the first of them late", () => {
    const lane = laneOf(call(1, 103), call(1), call(1));
    expect(lane.takeSmall(bounds(100, 100), [])!.calls).toHaveLength(2);
  });
});

describe("large calls", () => {
  test("are taken in slices, one call after the other", () => {
    const [a, b] = [call(25), call(11)];
    const lane = laneOf(a, b);
    expect(lane.large.rows).toBe(36);
    const slices = Array.from({ length: 4 }, () => lane.takeLarge(bounds(10), [])!);
    expect(slices.map(({ calls, firstRow, rowCount }) => [calls, firstRow, rowCount])).toEqual([
      [[a], 0, 10],
      [[a], 10, 10],
      [[a], 20, 5],
      [[b], 0, 10],
    ]);
    expect(lane.large.rows).toBe(1);
    expect(lane.takeLarge(bounds(10), [])).toEqual({
      calls: [b],
      firstRow: 10,
      rowCount: 1,
      retried: false,
      large: true,
    });
    expect(lane.takeLarge(bounds(10), [])).toBeUndefined();
    expect(lane.idle).toBe(true);
  });

  test("that end between two slices are taken no further", () => {
    const [a, b] = [call(25), call(11)];
    const lane = laneOf(a, b);
    lane.takeLarge(bounds(10), []);
    a.finished = true;
    expect(lane.takeLarge(bounds(10), [])!.calls).toEqual([b]);
    expect(lane.large.rows).toBe(1);
  });

  test("whose callers said how long they wait aren't judged by those who left", () => {
    const lane = laneOf();
    for (let k = 0; k < 24; k++) lane.patience.left(1, 100);
    const [silent, patient] = [call(1), call(1)];
    patient.callerTimeoutMs = 60_000;
    patient.targetMs = patient.deadlineMs = patient.arrivedMs + 60_000;
    for (const each of [silent, patient]) lane.push(each, lane.small);
    const given: Call[] = [];
    expect(lane.takeSmall(bounds(100, patient.arrivedMs + 94), given)!.calls).toEqual([patient]);
    expect(given).toEqual([silent]);
  });

  test("that have all ended make no batch", () => {
    const only = call(25);
    const lane = laneOf(only);
    only.finished = true;
    expect(lane.takeLarge(bounds(10), [])).toBeUndefined();
    expect(lane.large.rows).toBe(0);
  });
});

describe("calls that can't be in time any more", () => {
  const timedCall = (rowCount: number, targetMs: number, deadlineMs: number) =>
    timed(makeQueuedCall(version, [new Float32Array(rowCount)], rowCount, deadlineMs), targetMs);

  test("make room for those that can, and are handed back", () => {
    const [lateOne, good] = [timedCall(1, 1050, 2000), timedCall(60, 1500, 2000)];
    const lane = laneOf(lateOne);
    lane.push(good, lane.small);
    const late: Call[] = [];
    expect(lane.takeSmall(bounds(100, 1100), late)!.calls).toEqual([good]);
    expect(late).toEqual([lateOne]);
    expect(lane.idle).toBe(true);
  });

  test("run all the same where hardly anything waits", () => {
    const lateOne = timedCall(1, 1050, 2000);
    const lane = laneOf(lateOne, call(1));
    const late: Call[] = [];
    expect(lane.takeSmall(bounds(100, 1100), late)!.calls).toHaveLength(2);
    expect(late).toEqual([]);
  });

  test("don't run where they would pass their deadline too", () => {
    const lateOne = timedCall(1, 1050, 1101);
    const late: Call[] = [];
    expect(laneOf(lateOne).takeSmall(bounds(100, 1100), late)).toBeUndefined();
    expect(late).toEqual([lateOne]);
  });

  test("are taken no further when they are large: the next one begins", () => {
    const [a, b] = [timedCall(25, 2000, 2000), timedCall(11, 3000, 3000)];
    const lane = laneOf(a, b);
    lane.takeLarge(bounds(10, 1900), []);
    const late: Call[] = [];
    expect(lane.takeLarge(bounds(10, 1990), late)!.calls).toEqual([b]);
    expect(late).toEqual([a]);
    expect(lane.large.rows).toBe(1);
  });
});
