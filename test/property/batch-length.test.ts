/**
 * Goal: whatever waits, a batch beyond its first call keeps the limit of rows and every deadline in it that can be kept
 * at all, and leaves out nothing that fits.
 */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { batchLength, type QueuedCall } from "../../server/inference/batch-length.js";

const queued: fc.Arbitrary<QueuedCall> = fc.record({
  rowCount: fc.integer({ min: 1, max: 300 }),
  arrivedMs: fc.integer({ min: -100, max: 300 }),
  targetMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(Number.POSITIVE_INFINITY)),
});
const situation = fc.record({
  queue: fc.array(queued, { minLength: 1, maxLength: 30 }),
  cost: fc.record({ fixedUs: fc.integer({ min: 0, max: 2000 }), perRowUs: fc.integer({ min: 0, max: 500 }) }),
  rowsMax: fc.integer({ min: 1, max: 1000 }),
  nowMs: fc.integer({ min: 0, max: 300 }),
  patienceMs: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(Number.POSITIVE_INFINITY)),
});
type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;

const lengthOf = ({ queue, cost, rowsMax, nowMs, patienceMs }: Situation) =>
  batchLength(queue, cost, rowsMax, nowMs, patienceMs);

const endMs = ({ cost, nowMs }: Situation, rowCount: number) =>
  nowMs + (cost.fixedUs + cost.perRowUs * rowCount) / 1000;
const lastMs = ({ patienceMs }: Situation, { targetMs, arrivedMs }: QueuedCall) =>
  Math.min(targetMs, arrivedMs + patienceMs);
const canBeInTime = (given: Situation, call: QueuedCall) => endMs(given, call.rowCount) <= lastMs(given, call);

/** Whether a batch of the first `count` calls keeps the limit, and each deadline that its call could meet alone. */
function fits(given: Situation, count: number): boolean {
  const batch = given.queue.slice(0, count);
  const rows = batch.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const endsMs = endMs(given, rows);
  return rows <= given.rowsMax && batch.every((call) => endsMs <= lastMs(given, call) || !canBeInTime(given, call));
}

test("takes the longest beginning of the queue that fits, and at least one call", () => {
  fc.assert(
    fc.property(situation, (given) => {
      const length = lengthOf(given);
      expect(length).toBeGreaterThanOrEqual(1);
      expect(length).toBeLessThanOrEqual(given.queue.length);
      if (length > 1) expect(fits(given, length)).toBe(true);
      if (length < given.queue.length) expect(fits(given, length + 1)).toBe(false);
    }),
  );
});

test("gets no shorter when the limit grows", () => {
  fc.assert(
    fc.property(situation, fc.integer({ min: 0, max: 1000 }), (given, more) => {
      expect(lengthOf({ ...given, rowsMax: given.rowsMax + more })).toBeGreaterThanOrEqual(lengthOf(given));
    }),
  );
});

test("gets no shorter when the clock is earlier, a run costs less or deadlines are later, as long as every call can be in time", () => {
  fc.assert(
    fc.property(situation, fc.integer({ min: 0, max: 100 }), (given, more) => {
      const possible = { ...given, queue: given.queue.filter((call) => canBeInTime(given, call)) };
      fc.pre(possible.queue.length > 0);
      const { queue, cost, nowMs } = possible;
      const length = lengthOf(possible);
      expect(lengthOf({ ...possible, nowMs: nowMs - more })).toBeGreaterThanOrEqual(length);
      expect(
        lengthOf({ ...possible, cost: { ...cost, perRowUs: Math.max(0, cost.perRowUs - more) } }),
      ).toBeGreaterThanOrEqual(length);
      const later = queue.map((call) => ({
        ...call,
        targetMs: call.targetMs + more,
        arrivedMs: call.arrivedMs + more,
      }));
      expect(lengthOf({ ...possible, queue: later })).toBeGreaterThanOrEqual(length);
    }),
  );
});

test("isn't changed by what waits behind the call that ended it", () => {
  fc.assert(
    fc.property(situation, fc.array(queued, { maxLength: 5 }), (given, behind) => {
      const length = lengthOf(given);
      fc.pre(length < given.queue.length);
      expect(lengthOf({ ...given, queue: [...given.queue, ...behind] })).toBe(length);
    }),
  );
});
